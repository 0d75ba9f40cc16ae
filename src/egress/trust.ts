import { X509Certificate } from 'node:crypto'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { OperatorError } from '../base/operator-error.ts'

/**
 * Whom to trust: what Node brings, what the system has (`SSL_CERT_FILE` and `SSL_CERT_DIR` say where, as everywhere;
 * `NODE_EXTRA_CA_CERTS` counts too), and certificates of the configuration beside them.
 */
export class Trust {
  readonly #contexts = new Map<string, SecureContext>()
  #known: readonly string[] | undefined

  /** Made once for each text of certificates: it takes some 50 ms and 2 MB, the first one twice as long. */
  contextFor(ca = ''): SecureContext {
    const made = this.#contexts.get(ca)
    if (made !== undefined) return made
    this.#known ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
    const context = createSecureContext({ ca: ca === '' ? [...this.#known] : [...this.#known, ca] })
    this.#contexts.set(ca, context)
    return context
  }
}

const CERTIFICATES =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** Throws an `OperatorError` for what holds no certificate, or a broken one: OpenSSL passes over those in silence. */
export function checkCa(ca: string, whose: string): void {
  try {
    const found = ca.match(CERTIFICATES) ?? []
    if (found.length === 0) throw new Error('there are none')
    for (const text of found) void new X509Certificate(text)
  } catch (error) {
    throw new OperatorError(
      `The certificates to trust for ${whose} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'The file must hold PEM certificates: -----BEGIN CERTIFICATE-----',
    )
  }
}
