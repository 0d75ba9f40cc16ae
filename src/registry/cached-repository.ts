import { splitCanonical } from './addressing.ts'
import type { Cache, CachedUpstream } from './cache.ts'

/** A repository that is a copy of an upstream's. */
export interface CachedRepository extends CachedUpstream {
  /** Canonical: `docker.io/library/alpine`. */
  readonly repository: string
  /** As its upstream has it: `library/alpine`. */
  readonly name: string
}

/** Whose copy a name is, by the name alone. Hosted repositories of such names win, so look for one first. */
export function cachedRepository(repository: string, cache: Cache): CachedRepository | undefined {
  const at = splitCanonical(repository, cache)
  const cached = at && cache.upstreams.get(at.upstream)
  return at && cached && { ...cached, repository, name: at.name }
}
