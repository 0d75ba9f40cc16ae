import { setTimeout as sleep } from 'node:timers/promises'
import type { BlobStore } from '../blobs/blob-store.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type Activity, NO_ACTIVITY } from './activity.ts'

/** What is cached, and of whom. */
export interface Cache {
  /** By name: `docker.io`. Empty: nothing is cached. */
  readonly upstreams: ReadonlyMap<string, CachedUpstream>
  /** Who is asked for names without a registry. */
  readonly defaultUpstream?: string
  /** Downloads that are running or were put down: writes of their own, beside those of `Parts.blobs`, with whom it shares what is committed. */
  readonly fills: BlobStore
  /** Which boot of the machine this is. Left out: nobody knows, and of a download that was put down only what was synced is trusted. */
  readonly boot?: string
  readonly activity: Activity
  /** Milliseconds, of a clock that no time server sets back. */
  readonly monotonic: () => number
  /** Rejects when the signal fires. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

export interface CachedUpstream {
  readonly upstream: Upstream
  /** Milliseconds that a tag counts as confirmed. */
  readonly revalidate: number
  /** Milliseconds that a tag that could not be confirmed is served. Left out: for ever. */
  readonly maxstale?: number
  /** Nothing is asked there: `cacheonly`, or `egress.offline`. What says so. */
  readonly cacheOnly?: 'cacheonly' | 'offline'
  /** We sign in there: what it gives us may be nobody else's. */
  readonly signsIn?: true
  /** Names of one component are below `library/` there. */
  readonly library: boolean
}

/** Of a registry that caches nothing. */
export function noCache(fills: BlobStore): Cache {
  return { upstreams: new Map(), fills, activity: NO_ACTIVITY, monotonic: () => performance.now(), sleep: sleepFor }
}

/** `Cache.sleep` of the system's timers. It keeps no process alive. */
export async function sleepFor(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { ref: false, ...(signal && { signal }) })
}
