import type { Secret } from '../base/secret.ts'
import type { Route, RouteOption, Scheme } from './egress.ts'

/** A route with what is needed to go it. */
export type Way = DirectWay | ProxyWay

interface DirectWay extends Route {
  readonly kind: 'direct'
  readonly only?: Scheme
}

export interface ProxyWay extends Route, Peer {
  readonly kind: 'http' | 'socks'
  readonly only?: Scheme
  /** The proxy itself is spoken to in TLS. */
  readonly secure: boolean
  /** It is told names, not addresses. */
  readonly resolvesNames: boolean
  readonly username?: string
  readonly password?: Secret
  /** PEM: whom to trust as the proxy. */
  readonly ca?: string
}

/** Whom one connects to. */
export interface Peer {
  /** In lower case, without brackets. */
  readonly host: string
  readonly port: number
  /** `registry.example:443`, `[::1]:443`: as errors and `CONNECT` name it. */
  readonly peer: string
}

/** Whom a request is for. */
export interface Target extends Peer {
  readonly secure: boolean
}

export const DIRECT: Way = { kind: 'direct', name: 'direct' }

/** Ports where a URL names none. `URL` itself knows those of HTTP, and leaves them out. */
const USUAL_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'socks5:': 1080, 'socks5h:': 1080 }

export function wayOf(option: RouteOption): Way {
  const only = option.only === undefined ? {} : { only: option.only }
  if (option.kind === 'direct') return { ...DIRECT, ...only }
  const { url, kind: _, ...rest } = option
  const { protocol } = url
  return {
    ...rest,
    ...peerOf(url),
    name: `${protocol}//${url.host}`,
    kind: protocol === 'http:' || protocol === 'https:' ? 'http' : 'socks',
    secure: protocol === 'https:',
    resolvesNames: protocol !== 'socks5:',
  }
}

export function targetOf(url: URL): Target {
  return { ...peerOf(url), secure: url.protocol === 'https:' }
}

function peerOf({ protocol, hostname, port: written }: URL): Peer {
  const port = written === '' ? (USUAL_PORTS[protocol] ?? 0) : Number(written)
  return { host: hostname.replace(/^\[|\]$/g, '').toLowerCase(), port, peer: `${hostname}:${port}` }
}
