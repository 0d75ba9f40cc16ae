/** What the server shows, and whom it lets in by certificate; all in PEM. */
export interface Certificate {
  /** Its own first, then what leads to the root. */
  readonly certificate: Buffer
  readonly key: Buffer
  /** Roots that certificates of clients come from. */
  readonly clientCas: readonly Buffer[]
}

/**
 * Where the certificate comes from.
 *
 * - `current` can be used: certificate and key belong together. There is one at any time.
 * - A change is told after `current` has it. What cannot be used is never told, and never `current`.
 * - Whoever opened the source closes it; nothing is told after that.
 */
export interface CertificateSource extends Disposable {
  readonly current: Certificate
  /** Calls back after each change. */
  onChange(changed: (certificate: Certificate) => void): void
}
