import { createServer, type ServerOptions as HttpsOptions, type Server as HttpsServer } from 'node:https'
import { getCiphers, type TLSSocket } from 'node:tls'
import type { Certificate, CertificateSource } from '../tls/certificate-source.ts'
import { type Ciphers, ciphersOf } from './server-ciphers.ts'

/** How certificates of clients are looked at, where there are roots for them. Names and meanings are those of Go. */
export type ClientAuth =
  | 'request-client-cert'
  | 'require-any-client-cert'
  | 'verify-client-cert-if-given'
  | 'require-and-verify-client-cert'

export interface TlsOptions {
  /** It stays open until the server is closed. */
  readonly source: CertificateSource
  /** Default: 1.2. */
  readonly minimum?: 'tls1.2' | 'tls1.3'
  /** As `usableCiphers` has them. Default: OpenSSL's own choice. */
  readonly ciphers?: string | undefined
  /** Default: `require-and-verify-client-cert`. */
  readonly clientAuth?: ClientAuth
}

/** Names of Go for cipher suites, as this OpenSSL knows them. */
export function usableCiphers(names: readonly string[]): Ciphers {
  return ciphersOf(names, getCiphers())
}

/**
 * A server for HTTPS. It speaks HTTP/1.1 only; one who offers other protocols alone gets an alert. Whatever name is
 * asked for (SNI), the one certificate is shown. New ones are for new connections; those that run are left alone.
 */
export function createTlsServer(options: TlsOptions, http: HttpsOptions, handshakeMs: number): HttpsServer {
  const { source, clientAuth = 'require-and-verify-client-cert' } = options
  const checksClients = source.current.clientCas.length > 0
  const server = createServer({
    ...http,
    ...contextOf(source.current, options),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: handshakeMs,
    requestCert: checksClients,
    rejectUnauthorized: checksClients && clientAuth === 'require-and-verify-client-cert',
  })
  // Before the HTTP server's own listener.
  server.prependListener('secureConnection', (socket) => {
    if (checksClients && !admits(clientAuth, socket)) socket.destroy()
  })
  source.onChange((certificate) => server.setSecureContext(contextOf(certificate, options)))
  return server
}

function contextOf({ certificate, key, clientCas }: Certificate, { minimum = 'tls1.2', ciphers }: TlsOptions) {
  return {
    ...{ cert: certificate, key },
    minVersion: minimum === 'tls1.3' ? ('TLSv1.3' as const) : ('TLSv1.2' as const),
    ...(ciphers !== undefined && { ciphers }),
    ...(clientCas.length > 0 && { ca: [...clientCas] }),
  }
}

function admits(clientAuth: ClientAuth, socket: TLSSocket): boolean {
  if (clientAuth === 'request-client-cert') return true
  const given = socket.getPeerX509Certificate() !== undefined
  if (clientAuth === 'require-any-client-cert') return given
  return socket.authorized || (!given && clientAuth === 'verify-client-cert-if-given')
}
