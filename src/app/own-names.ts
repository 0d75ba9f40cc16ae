import { X509Certificate } from 'node:crypto'
import type { CertificateSource } from '../tls/certificate-source.ts'

interface Named {
  /** `http.host`. */
  readonly host: string | undefined
  readonly certificates: CertificateSource | undefined
}

/** What this server is called: the host of `http.host`, with and without its port, and what its certificate is for. */
export function ownNames({ host, certificates }: Named): () => readonly string[] {
  const url = host === undefined ? undefined : new URL(host)
  const configured = url === undefined ? [] : [url.host, url.hostname]
  let names = configured
  function take({ certificate }: { certificate: Buffer }): void {
    names = [...new Set([...configured, ...namesOf(certificate)])]
  }
  if (certificates !== undefined) {
    take(certificates.current)
    certificates.onChange(take)
  }
  return () => names
}

/** Of `subjectAltName`: names and addresses. One with a star is no name that anybody writes. */
function namesOf(certificate: Buffer): string[] {
  const { subjectAltName = '' } = new X509Certificate(certificate)
  return subjectAltName
    .split(', ')
    .map((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1]?.toLowerCase() ?? '')
    .filter((name) => name !== '' && !name.includes('*'))
}
