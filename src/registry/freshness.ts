import type { TagTimes } from '../catalog/catalog.ts'

/**
 * May a cached tag be served as it is?
 *
 * - `fresh`: its upstream has confirmed it lately.
 * - `stale`: only if its upstream does not say otherwise in time.
 * - `expired`: only if its upstream confirms it.
 */
export type Freshness = 'fresh' | 'stale' | 'expired'

export interface FreshnessRules {
  /** Milliseconds that a confirmation holds. */
  readonly revalidate: number
  /** Milliseconds that a tag is served after its last confirmation. Left out: for ever. */
  readonly maxstale?: number
}

/** `now`: epoch milliseconds. A confirmation in the future is of a clock that was set back: it says nothing. */
export function freshnessOf(
  { movedAt, confirmedAt }: Pick<TagTimes, 'movedAt' | 'confirmedAt'>,
  { now, revalidate, maxstale }: FreshnessRules & { readonly now: number },
): Freshness {
  const age = confirmedAt === undefined ? undefined : now - confirmedAt
  if (age !== undefined && age >= 0 && age < revalidate) return 'fresh'
  // One that registry:2 cached was never confirmed to us; it was true when it was written.
  const known = now - (confirmedAt ?? movedAt)
  return maxstale !== undefined && known >= maxstale ? 'expired' : 'stale'
}
