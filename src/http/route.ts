import type { BlobReader } from '../blobs/blob-store.ts'
import type { Caller } from '../registry/registry.ts'
import type { SignIn } from './guard.ts'

/**
 * What a caller needs to be let in.
 *
 * - `open`: nothing.
 * - `signed-in`: to be somebody, where users are configured.
 * - `catalog`: to list repositories.
 * - `pull`, `push`, `delete`: that right in the repository of the path.
 */
export type Access = 'open' | 'signed-in' | 'catalog' | 'pull' | 'push' | 'delete'

export interface Route {
  readonly methods: readonly string[]
  /**
   * Matched from the right: `:name+` is one component or more, any other `:word` is one. One that ends with a
   * slash is matched without it too (registry:2 redirects there, and a redirected POST becomes a GET).
   */
  readonly path: string
  readonly access: Access
  readonly handler: Handler
}

export type Handler = (request: Request) => Reply | Promise<Reply>

/** A request as a socket brought it, before anybody looked at what it asks for. */
export interface Arrival {
  /** Told to the client with an error, and in the log line. */
  readonly id: string
  readonly method: string
  /** Who sent it: an IP address without a port, told by a proxy if that is trusted; empty: nobody told (a Unix socket). */
  readonly peer: string
  /** Where the client reached us, as it or a trusted proxy tells. Left out: no socket brought the request. */
  readonly origin?: { readonly scheme: 'http' | 'https'; readonly host: string }
  /** The request target, as sent. */
  readonly target: string
  /** The upstream that alone is meant: by the listener, the host name, or the path before `/v2`. */
  readonly bound?: string
  /** Names in lower case; a header that came twice is one text. */
  readonly headers: Headers
  /** The client is told to go on (100) when it is first read. May be read once; a piece may be overwritten as soon as the next is asked for. */
  readonly body: AsyncIterable<Uint8Array>
  /** Fires when the client hangs up. */
  readonly signal: AbortSignal
}

export type Headers = Readonly<Record<string, string | undefined>>

/** What a handler gets. */
export interface Request extends Omit<Arrival, 'target' | 'bound'> {
  /** Percent-decoded once; the repository name is checked. */
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly caller: Caller
  /** The canonical name of the repository that `params.name` means; empty where the path has none. */
  readonly repository: string
  /** Nobody has pushed or pulled it yet, and its name does not say whose it is (`Located`). */
  readonly unclaimed: boolean
  /** Where tokens come from. */
  readonly signIn?: Pick<SignIn, 'tokens' | 'challenge'>
}

/** Query parameters, percent-decoded only: a `+` stays a `+` (`artifactType` values have it). */
export interface Query {
  get(name: string): string | undefined
  all(name: string): readonly string[]
  has(name: string): boolean
}

export interface Reply {
  readonly status: number
  /** Names in lower case. A list is sent as one line each. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array | BlobSpan | BlobParts
  /** Said beside the answer (`Warning: 299 - "…"`, OCI Distribution, "Warnings"). */
  readonly warnings?: readonly string[]
}

/** Bytes `start` to `end` (exclusive) of a blob. Whoever sends it closes the reader. */
export interface BlobSpan {
  readonly reader: BlobReader
  readonly start: number
  readonly end: number
}

/** A `multipart/byteranges` body: texts and spans in turn, over one reader. */
export interface BlobParts {
  readonly reader: BlobReader
  readonly parts: readonly (string | { readonly start: number; readonly end: number })[]
}
