import type { Secret } from '../base/secret.ts'

/** One request out. Redirects are not followed: where one may lead is the caller's to decide. */
export interface OutboundRequest {
  readonly method: 'GET' | 'HEAD'
  /** `http:` or `https:`. */
  readonly url: URL
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** From here to the last header of the answer, in milliseconds. */
  readonly timeout: number
}

export interface OutboundReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** A way out to an upstream: directly, or through one proxy. Compared by identity. */
export interface Route {
  /** As logs, metrics and answers have it: `direct`, `http://proxy.lan:8080`. Never with credentials. */
  readonly name: string
}

/** How a route is written in the configuration, or comes of the environment. */
export type RouteOption = { readonly only?: Scheme } & (
  | { readonly kind: 'direct' }
  | {
      readonly kind: 'proxy'
      /** `http:`, `https:`, `socks5:` or `socks5h:` with host and port; without credentials. */
      readonly url: URL
      /** Percent-decoded. */
      readonly username?: string
      readonly password?: Secret
      /** PEM: whom to trust for an `https:` proxy, beside what the system trusts. */
      readonly ca?: string
    }
)

/** Of the target. A route that has one as `only` is none for the other: `HTTPS_PROXY` says nothing of `http:`. */
export type Scheme = 'http:' | 'https:'

/** The way out for one upstream. Its connections are shared with nobody. */
export interface DoorOptions {
  /** The upstream's name, for what is logged. */
  readonly name: string
  /** In order. What `noproxy` names, and loopback, is reached directly whatever they are. */
  readonly routes: readonly RouteOption[]
  /** Entries of `egress.noproxy` and `NO_PROXY`. */
  readonly noproxy: readonly string[]
  /** PEM: whom to trust for the upstream, its tokens and its redirects, beside what the system trusts. */
  readonly ca?: string
}

/** One attempt. */
export interface Attempt {
  readonly method: 'GET' | 'HEAD'
  /** `http:` or `https:`. */
  readonly url: URL
  /** All that is sent, but for `host`: names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds for connection, CONNECT and TLS together. */
  readonly connectMs: number
  /** Milliseconds from there to the last header of the answer. */
  readonly headerMs: number
  /** Gives the attempt up, and breaks the body off. */
  readonly signal: AbortSignal
  /**
   * The peer chose this address: it may not lead to loopback, link-local or private ones, but for the kind of network
   * where this door has been without it. By a proxy that resolves names, their last labels are looked at.
   */
  readonly redirected?: boolean
}

export interface Answer {
  readonly status: number
  /** Names in lower case; a list where a header came several times. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Bytes as they come, never decoded. Throws an `EgressError` of hop `body` where the connection breaks. */
  readonly body: AsyncIterable<Uint8Array>
  /** Ends it unread; does nothing after its end. Short bodies are read so that the connection may be kept. */
  discard(): void
  /** Milliseconds until it was connected (0: a connection was there), and until the last header. */
  readonly ms: { readonly connect: number; readonly header: number }
}

export interface Door extends AsyncDisposable {
  /** In the order of the configuration; `direct` alone where `noproxy` or loopback says so. Never empty. */
  routesTo(url: URL): readonly Route[]
  /** Throws an `EgressError`; whatever else it throws is a fault of ours, or the reason of the signal. */
  send(attempt: Attempt, route: Route): Promise<Answer>
}

/** Why no answer came. `proxy`: the proxy was reached, and would not or could not go on. */
export type EgressHop = 'dns' | 'connect' | 'proxy' | 'tls' | 'header' | 'body'

export type EgressFault =
  | 'not-resolved'
  | 'refused' // also: no way to the host or its network
  | 'proxy-refused' // facts: status, or that it ended the connection
  | 'untrusted' // a certificate that is not trusted, has ended, or is another name's; facts: issuer
  | 'tls-broken'
  | 'timeout'
  | 'reset' // also: ended before the last header, or amid the body
  | 'malformed' // what came is no HTTP, or its framing contradicts itself
  | 'forbidden-address' // a redirect led into a private network

/** What went wrong between here and the answer, by one route. */
export class EgressError extends Error {
  override readonly name = 'EgressError'
  readonly hop: EgressHop
  readonly fault: EgressFault
  readonly facts: EgressFacts

  constructor(hop: EgressHop, fault: EgressFault, facts: EgressFacts = {}) {
    super(`${hop}: ${fault}`, { cause: facts.cause })
    this.hop = hop
    this.fault = fault
    this.facts = facts
  }
}

export interface EgressFacts {
  /** Host and port that could not be reached: the proxy's, where it is the one. */
  readonly peer?: string
  /** What the proxy answered to CONNECT. */
  readonly status?: number
  /** Of `Proxy-Authenticate`: `Basic`. */
  readonly scheme?: string
  /** Of a certificate that is not trusted. */
  readonly issuer?: string
  /** What the system calls it: `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
  readonly code?: string
  readonly cause?: unknown
}

/** Code of a SOCKS proxy that does not take our user and password, or wants some; an HTTP proxy says 407 (or 401). */
export const SOCKS_LOGIN_REFUSED = 'SOCKS_LOGIN_REFUSED'

/** The only way out: every connection that this program begins is made here. */
export interface Egress extends AsyncDisposable {
  /** Throws an `OperatorError` for a certificate or a route that cannot be used. */
  doorFor(options: DoorOptions): Door
  /** What the answer begins with; its body is thrown away. Always direct, as `dial`. Throws what the system or the peer said. */
  head(request: OutboundRequest): Promise<OutboundReply>
  /** Whether somebody takes a TCP connection there, which is ended at once. */
  dial(to: { readonly host: string; readonly port: number; readonly timeout: number }): Promise<void>
}
