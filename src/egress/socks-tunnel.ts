import type { Socket } from 'node:net'
import { EgressError, SOCKS_LOGIN_REFUSED } from './egress.ts'
import type { ProxyWay } from './way.ts'

interface SocksOptions {
  /** A name is resolved by the proxy. */
  readonly to: { readonly host: string; readonly port: number }
  readonly proxy: ProxyWay
}

/** Codes of the facts: what a SOCKS5 proxy answered (RFC 1928 6, RFC 1929). */
const ANSWERS: readonly (readonly [RegExp, string])[] = [
  [/authentication/i, SOCKS_LOGIN_REFUSED],
  [/NotAllowed/, 'SOCKS_NOT_ALLOWED'],
  [/NetworkUnreachable/, 'SOCKS_NETWORK_UNREACHABLE'],
  [/HostUnreachable/, 'SOCKS_HOST_UNREACHABLE'],
  [/ConnectionRefused/, 'SOCKS_CONNECTION_REFUSED'],
  [/TTLExpired/, 'SOCKS_TTL_EXPIRED'],
  [/rejected connection/, 'SOCKS_FAILED'],
]

/** Those of an address that it has no way to: it may have one to another. */
export const SOCKS_NO_WAY: readonly string[] = ['SOCKS_NETWORK_UNREACHABLE', 'SOCKS_HOST_UNREACHABLE']

/** Has a SOCKS5 proxy connect to somebody. */
export async function openSocks(socket: Socket, options: SocksOptions): Promise<void> {
  const { to, proxy } = options
  const { username, password, peer } = proxy
  const { SocksClient } = await import('socks')
  try {
    await SocksClient.createConnection({
      command: 'connect',
      destination: to,
      existing_socket: socket,
      proxy: {
        type: 5,
        host: proxy.host,
        port: proxy.port,
        ...(username === undefined ? {} : { userId: username }),
        ...(password === undefined ? {} : { password: password.reveal() }),
      },
    })
  } catch (error) {
    // It must not be the cause of ours: it carries the password.
    const said = error instanceof Error ? error.message : ''
    if (/socks version/.test(said)) throw new EgressError('proxy', 'malformed', { peer })
    const code = ANSWERS.find(([pattern]) => pattern.test(said))?.[1]
    throw new EgressError('proxy', 'proxy-refused', { peer, ...(code === undefined ? {} : { code }) })
  }
}
