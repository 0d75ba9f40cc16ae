import type { Socket } from 'node:net'
import { connect, type DetailedPeerCertificate, type SecureContext, type TLSSocket } from 'node:tls'
import { isAddress } from '../base/address-range.ts'
import { EgressError, type EgressHop } from './egress.ts'
import { codeOf } from './error-code.ts'

interface SecureOptions {
  readonly host: string
  readonly peer: string
  readonly context: SecureContext
  /** `tls` for whom we ask, `proxy` for the one between. */
  readonly hop: EgressHop
}

/** Begins TLS on a connection, and resolves when the peer has proved who it is. */
export function secure(socket: Socket, { host, peer, context, hop }: SecureOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      host,
      ...(isAddress(host) ? {} : { servername: host }),
      secureContext: context,
      ALPNProtocols: ['http/1.1'],
      // Invariant: nothing is sent before `authorized` was seen. Node itself would end the connection before we could
      // ask whose certificate it is.
      rejectUnauthorized: false,
    })
    let over = false
    const fail = (error: EgressError) => {
      if (over) return
      over = true
      secured.destroy()
      reject(error)
    }
    // Stays for ever, as that of the socket below.
    secured.on('error', (error) => fail(brokenBy(error, { hop, peer })))
    secured.once('close', () => fail(new EgressError(hop, 'reset', { peer })))
    secured.once('secureConnect', () => {
      if (over) return
      if (secured.authorized) {
        over = true
        return resolve(secured)
      }
      const issuer = issuerOf(secured.getPeerCertificate(true))
      // It is a code, whatever its type says.
      const { authorizationError: code } = secured as { readonly authorizationError?: unknown }
      const facts = { peer, ...(issuer === undefined ? {} : { issuer }), code: String(code) }
      fail(new EgressError(hop, 'untrusted', facts))
    })
  })
}

function brokenBy(error: Error, { hop, peer }: { readonly hop: EgressHop; readonly peer: string }): EgressError {
  const { code = '' } = codeOf(error)
  const facts = { peer, ...(code === '' ? {} : { code }), cause: error }
  return new EgressError(hop, /^(?:ECONNRESET|EPIPE)$/.test(code) ? 'reset' : 'tls-broken', facts)
}

/** Who signed the last certificate that came: whom to trust, if the peer is to be. */
function issuerOf(certificate: DetailedPeerCertificate): string | undefined {
  let last = certificate
  // A root is its own issuer.
  while (last.issuerCertificate && last.issuerCertificate !== last) last = last.issuerCertificate
  const { CN, O, OU } = (last.issuer ?? {}) as Record<string, string | string[] | undefined>
  const name = [CN ?? OU ?? O].flat()[0]
  // It is shown to people, and the peer wrote it.
  return name?.replace(/\p{Cc}/gu, ' ').slice(0, LONGEST_NAME)
}

const LONGEST_NAME = 100
