import { AddressRanges, folded, isAddress } from '../base/address-range.ts'
import { isHost } from './request-head.ts'
import type { Headers } from './route.ts'

/** Who sent a request, and how it reached the first machine that we believe. */
export interface Sender {
  /** An IP address without a port; empty: of the file system's socket, where nobody told it. */
  readonly address: string
  /** A proxy told it: it is not the other end of the connection. */
  readonly forwarded: boolean
  readonly scheme: 'http' | 'https'
  /** With its port, where one was named. Empty: none was told. */
  readonly host: string
}

/** Addresses that a chain of proxies may have; what a client put before them is not read. */
const LONGEST_CHAIN = 50

/**
 * Who a client is that came through reverse proxies: only what a trusted one said is believed.
 *
 * `X-Forwarded-For` is read from the right, where the nearest proxy added: the first address that is not trusted is
 * the client. What stands left of it, the client wrote itself. `Forwarded` and `X-Real-Ip` are not read: proxies pass
 * on those that they do not write.
 */
export function senderOf(
  { peer, tls, headers }: { readonly peer: string; readonly tls: boolean; readonly headers: Headers },
  trusted: TrustedProxies | undefined,
): Sender {
  const nearest = folded(peer)
  const scheme = tls ? 'https' : 'http'
  const host = headers['host'] ?? ''
  if (trusted?.has(nearest) !== true) return { address: nearest, forwarded: false, scheme, host }

  const address = clientIn(headers['x-forwarded-for'] ?? '', trusted) ?? nearest
  return {
    address,
    forwarded: address !== nearest,
    scheme: schemeIn(headers['x-forwarded-proto']) ?? scheme,
    host: hostIn(headers['x-forwarded-host']) ?? host,
  }
}

/** What `trustedproxies` says. */
export interface TrustedProxies {
  /** An empty address is that of a socket of the file system. */
  has(address: string): boolean
}

/** As nginx writes it: whoever connects to the socket of the file system. */
const UNIX = 'unix:'

/** Proxies that are believed, by what the list of them says; `undefined`: none is. */
export function trustedProxies(texts: readonly string[]): TrustedProxies | undefined {
  if (texts.length === 0) return undefined
  const ranges = new AddressRanges(texts.filter((text) => text !== UNIX))
  const unix = texts.includes(UNIX)
  return { has: (address) => (address === '' ? unix : ranges.has(address)) }
}

function clientIn(chain: string, trusted: TrustedProxies): string | undefined {
  let client: string | undefined
  for (const told of chain.split(',').slice(-LONGEST_CHAIN).reverse()) {
    const address = addressIn(told.trim())
    // Nothing is known of who is behind: the one before is the farthest that anybody vouches for.
    if (address === undefined) return client
    client = address
    if (!trusted.has(address)) return client
  }
  return client
}

/** Some write a port too: `10.0.0.1:4711`, `[fd00::1]:4711`. */
function addressIn(text: string): string | undefined {
  const { v6, v4 } = /^(?:\[(?<v6>[^\]]+)\](?::\d+)?|(?<v4>[\d.]+):\d+)$/.exec(text)?.groups ?? {}
  const address = folded(v6 ?? v4 ?? text)
  return isAddress(address) ? address : undefined
}

function schemeIn(text = ''): Sender['scheme'] | undefined {
  const [first = ''] = text.split(',')
  const scheme = first.trim().toLowerCase()
  return scheme === 'http' || scheme === 'https' ? scheme : undefined
}

function hostIn(text = ''): string | undefined {
  const [first = ''] = text.split(',')
  const host = first.trim()
  return host !== '' && isHost(host) ? host : undefined
}
