import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Log } from '../base/log.ts'
import { OperatorError } from '../base/operator-error.ts'
import { type WatchOptions, watchFiles } from '../base/watched-files.ts'
import type { Certificate, CertificateSource } from './certificate-source.ts'

export interface FileCertificateOptions extends WatchOptions {
  /** Paths of PEM files. */
  readonly certificate: string
  readonly key: string
  readonly clientCas: readonly string[]
  readonly log: Log
}

/** A file that the certificate is made of, under the setting that names it. */
interface Part {
  readonly setting: string
  readonly path: string
}

/**
 * A certificate in files. They are read anew when they change, also where a link is turned to other ones (certbot's
 * `live/`, Kubernetes' `..data`). What cannot be used then changes nothing, and is told once.
 *
 * Throws an `OperatorError` where they cannot be used at the start.
 */
export function openFileCertificate(options: FileCertificateOptions): CertificateSource {
  const { log, certificate, key, clientCas, ...watch } = options
  const parts: Part[] = [
    { setting: 'http.tls.certificate', path: certificate },
    { setting: 'http.tls.key', path: key },
    ...clientCas.map((path) => ({ setting: 'http.tls.clientcas', path })),
  ]
  let current = checked(parts, parts.map(readNow))
  const listeners: ((certificate: Certificate) => void)[] = []

  const watched = watchFiles(
    {
      paths: parts.map(({ path }) => path),
      read: async () => checked(parts, await Promise.all(parts.map(readSoon))),
      taken(now: Certificate) {
        if (equal(now, current)) return
        current = now
        const { validTo } = new X509Certificate(current.certificate)
        log.info({ path: certificate, validTo }, 'the certificate was read anew')
        for (const changed of listeners) changed(current)
      },
      failed(error) {
        const { message, hint } = error instanceof OperatorError ? error : { message: String(error), hint: undefined }
        const remedy = hint === undefined ? '' : `; ${hint}`
        log.error({ path: certificate }, `the new certificate is not used, the old one stays: ${message}${remedy}`)
      },
    },
    watch,
  )
  return {
    get current() {
      return current
    },
    onChange: (changed) => listeners.push(changed),
    [Symbol.dispose]: () => watched[Symbol.dispose](),
  }
}

/** Throws an `OperatorError` where they are no certificate, or do not belong together. */
function checked(parts: readonly Part[], contents: readonly Buffer[]): Certificate {
  const [certificate = Buffer.alloc(0), key = Buffer.alloc(0), ...clientCas] = contents
  for (const [index, { setting, path }] of parts.entries()) {
    if (setting !== 'http.tls.key') attempt(() => new X509Certificate(contents[index] ?? ''), `${setting} '${path}'`)
  }
  const [{ path: certificatePath } = { path: '' }, { path: keyPath } = { path: '' }] = parts
  const what = `http.tls.certificate '${certificatePath}' with http.tls.key '${keyPath}'`
  attempt(() => createSecureContext({ cert: certificate, key }), what)
  return { certificate, key, clientCas }
}

function attempt(use: () => unknown, what: string): void {
  try {
    use()
  } catch (cause) {
    throw new OperatorError(
      `${what} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      'the certificate is the chain in PEM, the server first; the key is its own, without a passphrase',
    )
  }
}

function readNow({ setting, path }: Part): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw unreadable(cause, { setting, path })
  }
}

async function readSoon({ setting, path }: Part): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw unreadable(cause, { setting, path })
  }
}

/** By the system's code: why a file cannot be read, and what to do. */
const UNREADABLE: Readonly<Record<string, readonly [because: string, remedy: string]>> = {
  ENOENT: ['it is not there', 'put it there; in a container: see that its folder is mounted'],
  EISDIR: [
    'it is a folder',
    'docker makes one where the file that its -v names is not there: mount the folder above it',
  ],
  EACCES: [
    'this user may not read it',
    "let it (chown or chmod); certbot's key is for root alone: run as root, or let a deploy hook of certbot copy it",
  ],
}

function unreadable(cause: unknown, { setting, path }: Part): OperatorError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const [because, remedy] = UNREADABLE[code] ?? [String(cause), 'see that it is a file that this user may read']
  return new OperatorError(`${setting} cannot be read: '${path}': ${because}`, remedy)
}

function equal(one: Certificate, other: Certificate): boolean {
  const all = ({ certificate, key, clientCas }: Certificate) => [certificate, key, ...clientCas]
  const others = all(other)
  return all(one).every((bytes, index) => bytes.equals(others[index] ?? Buffer.alloc(0)))
}
