import { readFileSync } from 'node:fs'
import { OperatorError } from '../base/operator-error.ts'

/** A certificate with its chain, and its key, in PEM. */
export interface Certificate {
  readonly certificate: Buffer
  readonly key: Buffer
}

/** Throws an `OperatorError` that names the file and the setting. */
export function readCertificate({ certificate, key }: { certificate: string; key: string }): Certificate {
  return { certificate: read(certificate, 'http.tls.certificate'), key: read(key, 'http.tls.key') }
}

function read(path: string, setting: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new OperatorError(
      `${setting} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      'see that the file is there and that this user may read it; certbot gives its keys to root alone',
    )
  }
}
