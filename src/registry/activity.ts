import type { AttemptMade, Failure } from '../upstream/upstream.ts'

/** Who waits for something that an upstream may have to be asked for. A request of `http/` is one. */
export interface Asker {
  /** Of the request: what `why` is asked with. */
  readonly id: string
  /** An address. */
  readonly peer: string
  /** Fires when he hangs up. */
  readonly signal: AbortSignal
}

/** What came of a request for cached content. */
export interface PullEnd {
  readonly asker: Asker
  readonly upstream: string
  readonly kind: 'manifest' | 'blob' | 'tags' | 'referrers'
  /** Canonical: `docker.io/library/alpine:3`, `docker.io/library/alpine@sha256:…`. */
  readonly name: string
  /**
   * - `hit`: from here, and nobody was asked (or only a HEAD confirmed it).
   * - `fetched`: from the upstream.
   * - `stale`: from here, though `failure` kept it from being confirmed.
   * - `failed`: not at all.
   */
  readonly outcome: 'hit' | 'fetched' | 'stale' | 'failed'
  readonly failure?: Failure
  readonly attempts: readonly AttemptMade[]
  /** Of the answer's body, from the upstream. */
  readonly bytes: number
  /** How often a download was taken up again. */
  readonly resumes: number
  /** To the first header, and to the end. */
  readonly ms: { readonly header?: number; readonly total: number }
}

/**
 * What the registry tells of the cache; `ops/` makes the log, the metrics and the records of it. Never throws.
 */
export interface Activity {
  pulled(end: PullEnd): void
  /** What nobody waits for has failed: a confirmation or a fill behind. */
  failedBehind(failure: Failure, what: { readonly name: string; readonly kind: PullEnd['kind'] }): void
  /** Readers that joined a running fill, beside the first. */
  coalesced(upstream: string): void
}

export const NO_ACTIVITY: Activity = {
  pulled: () => undefined,
  failedBehind: () => undefined,
  coalesced: () => undefined,
}
