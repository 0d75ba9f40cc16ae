import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'

export { remedyOf, sentenceOf } from './sentences.ts'

/**
 * A registry whose images are cached, as a client sees it.
 *
 * Names are the upstream's own (`library/alpine`). What it sends is not believed: a manifest hashes to its digest and is
 * one before it is answered with, and of a blob the caller sees to that. Which route is taken, tokens, redirects, and
 * how often it is tried are decided here.
 *
 * Every method begins at once and never throws; what it answers comes as `Running.value`, which rejects with an
 * `UpstreamFailure`. Requests are not shared: that is the caller's.
 */
export interface Upstream extends AsyncDisposable {
  /** `docker.io`. */
  readonly name: string

  /** One HEAD: what a tag points at. `changed`: it does not say that it is `digest`, so ask with `manifest` (not for 429). */
  confirm(repository: string, tag: string, digest: Digest): Running<'confirmed' | 'changed'>

  /** By tag or digest; at most 4 MiB. */
  manifest(repository: string, reference: string): Running<FetchedManifest>

  /** Resolves at its headers. The caller reads the body to its end, or cancels it. */
  blob(repository: string, digest: Digest, from?: BlobFrom): Running<BlobDownload>

  /** Whether the repository has the blob: a GET that is closed at its headers, for HEAD is refused by some. */
  hasBlob(repository: string, digest: Digest): Running<{ readonly size?: number }>

  /** A page of tags in the upstream's order, as its `Link` goes. */
  tags(repository: string, page: { readonly last?: string; readonly limit: number }): Running<TagPage>

  /** Descriptors as the upstream has them; of one without that interface, from its fallback tag. */
  referrers(repository: string, subject: Digest): Running<readonly ReferrerDescriptor[]>

  state(): UpstreamState
}

/** Work that may outlast whoever waits for it. */
export interface Running<T> {
  /** Settles within 60 s: attempts go on for those who come later, also when whoever asked has his error. */
  readonly value: Promise<T>
  /** What it hangs at now: the failure that a client is told who waits no longer. */
  waiting(): Failure
  /** What was tried so far, in order. */
  readonly attempts: readonly AttemptMade[]
}

export interface FetchedManifest {
  readonly digest: Digest
  readonly bytes: Uint8Array
  readonly manifest: Manifest
}

/** Where a download that broke off goes on. */
export interface BlobFrom {
  /** Bytes that are there. */
  readonly at: number
  /** Bytes of the whole, as far as it was told: another size is another blob. */
  readonly size?: number
}

export interface BlobDownload {
  /** Where the body begins: what was asked for (an exact 206), or 0 where the upstream sends the whole again. */
  readonly at: number
  /** Bytes of the whole blob; left out: it was not told. */
  readonly size?: number
  readonly route: string
  /** Throws an `UpstreamFailure` where the connection breaks. A chunk is the reader's, who may free its memory before he asks for the next. */
  readonly body: AsyncIterable<Uint8Array>
  cancel(): void
}

export interface TagPage {
  readonly tags: readonly string[]
  /** There are more behind the last. */
  readonly more: boolean
}

export interface ReferrerDescriptor {
  readonly digest: Digest
  readonly mediaType: string
  readonly size: number
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** The eleven, told apart in answers, logs, metrics and records. How each is recognised is in `causes.ts`. */
export const CAUSES = [
  'name-not-resolved',
  'connection-refused',
  'proxy-refused',
  'tls-untrusted',
  'credentials-rejected',
  'denied',
  'blocked',
  'not-found',
  'rate-limited',
  'upstream-broken',
  'timeout',
] as const

export type Cause = (typeof CAUSES)[number]

/** Where on the way: `token`, `manifest`, `blob`, `tags`, `referrers` are requests that were answered, or waited for. */
export type Hop = 'dns' | 'connect' | 'proxy' | 'tls' | 'token' | 'manifest' | 'blob' | 'cdn' | 'tags' | 'referrers'

/** What went wrong, as a code with its parameters; `sentenceOf` makes a text of it. Plain data, and nothing secret. */
export interface Failure {
  readonly cause: Cause
  readonly hop: Hop
  /** `docker.io`. */
  readonly upstream: string
  /** `Route.name`. */
  readonly route: string
  /** Host that was asked, with its port if it is not the usual one: `auth.docker.io`. */
  readonly host: string
  /** That it answered with. */
  readonly status?: number
  /** Epoch milliseconds. */
  readonly at: number
  readonly facts: FailureFacts
}

export interface FailureFacts {
  /** The proxy, where it is the one that failed. */
  readonly proxy?: string
  /** Of `Proxy-Authenticate`. */
  readonly scheme?: string
  /** Who signed a certificate that is not trusted. */
  readonly issuer?: string
  /** Of a page that came instead of an answer. Shortened, and never more than text. */
  readonly title?: string
  /** Code and message of the registry's own JSON, shortened. */
  readonly said?: string
  /** Epoch milliseconds: when it may be asked again. */
  readonly retryAt?: number
  /** What is wrong with what came. */
  readonly wrong?: Wrong
  /** Host of a token server that was not told who we are, for it is neither the upstream's own nor listed. */
  readonly realm?: string
  /** What the system calls it: `ECONNREFUSED`. */
  readonly code?: string
  /** Milliseconds that it was waited for. */
  readonly waited?: number
}

/** `cut`: ended too early. `foreign`: no registry wrote it. `schema1`: of a form that nobody reads any more. */
export type Wrong =
  | 'html'
  | 'foreign'
  | 'digest'
  | 'length'
  | 'type'
  | 'encoding'
  | 'json'
  | 'schema1'
  | 'realm'
  | 'redirect'
  | 'too-large'
  | 'http'
  | 'tls'
  | 'cut'

/** A request that was made, by one route, for `why`. */
export interface AttemptMade {
  readonly route: string
  readonly hop: Hop
  readonly host: string
  readonly status?: number
  /** Left out: it worked. */
  readonly cause?: Cause
  /** Of its failure: told to the observer, and not in lists of attempts. */
  readonly facts?: FailureFacts
  /** How long it took. */
  readonly ms: number
}

export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure'
  readonly failure: Failure

  constructor(failure: Failure, cause?: unknown) {
    super(`${failure.upstream}: ${failure.cause} at ${failure.hop} by ${failure.route}`, { cause })
    this.failure = failure
  }
}

/** How an upstream stands. */
export interface UpstreamState {
  /** The breaker: since when it fails, and how. Left out: it works, or was not asked yet. */
  readonly failing?: { readonly since: number; readonly failure: Failure }
  readonly routes: readonly { readonly name: string; readonly failing?: Failure }[]
  /** Of Docker Hub: how many pulls are left, and when the window ends (epoch milliseconds), if known. */
  readonly rateLimit?: RateLimit
}

export interface RateLimit {
  readonly limit: number
  readonly remaining: number
  /** Epoch milliseconds: the latest time at which it is whole again. */
  readonly resetAt?: number
  /** So few are left that they are kept for those who wait: nothing is fetched behind. */
  readonly reserved: boolean
}

/** Told of each request and of bytes, for metrics. */
export interface UpstreamObserver {
  attempt(upstream: string, made: AttemptMade): void
  received(upstream: string, route: string, bytes: number, hop: Hop): void
}
