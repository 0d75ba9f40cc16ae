import { OperatorError } from '../base/operator-error.ts'
import { Secret } from '../base/secret.ts'
import type { RouteOption } from './egress.ts'

const SCHEMES = ['http:', 'https:', 'socks5:', 'socks5h:']

const HINT = 'Write direct, or http://, https://, socks5:// or socks5h:// with USER:PASSWORD@ if need be, and HOST:PORT'

/** RFC 1929 has one byte for the length of each. */
const LONGEST_SOCKS = 255

/**
 * Reads a route as the configuration and the environment have it: `direct`, `socks5h://ann:p%40ss@proxy.lan:1080`.
 *
 * Throws an `OperatorError` for all else, in which no password is: what cannot be read must never mean that one goes out
 * directly (FC-41). `place` is where it stands: `egress.routes[0]`.
 */
export function readRoute(text: string, place: string): RouteOption {
  if (text === 'direct') return { kind: 'direct' }
  if (!URL.canParse(text)) throw unreadable(place, 'is no URL')
  const { protocol, host, hostname, port, username, password } = new URL(text)
  if (!SCHEMES.includes(protocol)) throw unreadable(place, `has the scheme '${protocol.slice(0, -1)}'`)
  if (!/^(?:\[[\da-f:.]+\]|[\w.-]+)$/i.test(hostname)) throw unreadable(place, 'names no host')
  if (port === '0') throw unreadable(place, 'has port 0')
  const credentials = {
    ...(username === '' ? {} : { username: decoded(username, place) }),
    ...(password === '' ? {} : { password: new Secret(decoded(password, place)) }),
  }
  if (protocol.startsWith('socks')) checkSocks(credentials, place)
  return { kind: 'proxy', url: new URL(`${protocol}//${host}`), ...credentials }
}

/** A route of the environment, where it may be without a scheme: `proxy.lan:8080`. As Go reads it, but for typing errors. */
export function readProxyVariable(text: string, name: string): RouteOption {
  return readRoute(text.includes('://') ? text : `http://${text}`, name)
}

function decoded(text: string, place: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw unreadable(place, 'has a % in its user or password that begins no code: % itself is written %25')
  }
}

function checkSocks({ username, password }: { username?: string; password?: Secret }, place: string): void {
  const lengths = [username ?? '', password?.reveal() ?? ''].map((text) => Buffer.byteLength(text))
  if (Math.max(...lengths) > LONGEST_SOCKS)
    throw unreadable(place, `has a user or password over ${LONGEST_SOCKS} bytes`)
}

function unreadable(place: string, why: string): OperatorError {
  return new OperatorError(`${place} is no way out: it ${why}`, HINT)
}
