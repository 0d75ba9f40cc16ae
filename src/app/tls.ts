import type { Log } from '../base/log.ts'
import { OperatorError } from '../base/operator-error.ts'
import { type ClientAuth, type TlsOptions, usableCiphers } from '../http/server-tls.ts'
import { openFileCertificate } from '../tls/file-certificate.ts'

/** `http.tls` of the configuration. */
export interface TlsSettings {
  readonly certificate: string
  readonly key: string
  readonly clientcas?: readonly string[]
  readonly clientauth?: ClientAuth
  readonly minimumtls?: 'tls1.2' | 'tls1.3'
  readonly ciphersuites?: readonly string[]
}

/** What the server needs to speak TLS. Throws an `OperatorError` where the files or the suites cannot be used. */
export function openTls(settings: TlsSettings, log: Log): TlsOptions {
  const { certificate, key, clientcas = [], clientauth, minimumtls, ciphersuites = [] } = settings
  const { ciphers, leftOut } = usableCiphers(ciphersuites)
  if (ciphersuites.length > 0 && leftOut.length === ciphersuites.length) {
    throw new OperatorError(
      `http.tls.ciphersuites has no suite that there is here: ${leftOut.join(', ')}`,
      'take the list out: the default has no weak ones',
    )
  }
  for (const name of leftOut) {
    log.warn({ ciphersuite: name }, `http.tls.ciphersuites: '${name}' is left out: there is no such suite here`)
  }
  return {
    source: openFileCertificate({ certificate, key, clientCas: clientcas, log }),
    ciphers,
    ...(minimumtls !== undefined && { minimum: minimumtls }),
    ...(clientauth !== undefined && { clientAuth: clientauth }),
  }
}
