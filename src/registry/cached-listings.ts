import type { Referrer } from '../catalog/catalog.ts'
import { type Running, UpstreamFailure } from '../upstream/upstream.ts'
import { type CachedRepository, cachedRepository } from './cached-repository.ts'
import { everyRow } from './every-row.ts'
import type { Parts } from './parts.ts'
import { type Notes, told, toldBehind, type Wanted } from './pull-told.ts'
import type { Listing, Listings, PageAsked } from './registry.ts'
import { IN_TIME, SharedRuns } from './shared-run.ts'
import { notCached } from './upstream-refusal.ts'

/**
 * Lists of cached repositories are their upstream's, and its failure is a failure: a part of a list that is taken for
 * all of it makes programs delete and downgrade, and a signature that is left out is taken for none. Only where nobody
 * may be asked is what is here all that there is; a warning says so.
 *
 * What upstreams list is not kept, nor mixed with what is here: all of that came from them.
 */
export function withCachedListings(
  parts: Pick<Parts, 'catalog' | 'cache' | 'now'>,
  hosted: Listings,
): Pick<Listings, 'listTags' | 'listReferrers'> {
  const { catalog, cache } = parts
  const runs = new SharedRuns<unknown>(cache.monotonic)

  async function cachedAt(repository: string): Promise<CachedRepository | undefined> {
    const at = cachedRepository(repository, cache)
    return at === undefined || (await catalog.repository(repository))?.kind === 'hosted' ? undefined : at
  }

  async function ask<Answer>(wanted: Wanted, question: { key: string; ask: () => Running<Answer> }, notes: Notes) {
    const { kind, name, asker } = wanted
    const { key, ask } = question
    const { run } = runs.join(`${kind} ${key}`, (shared) => shared.ask(ask()), toldBehind(cache, { kind, name }))
    notes.run = run
    const waited = await run.within(IN_TIME.nothingCached, { signal: asker.signal, sleep: cache.sleep })
    if ('late' in waited) throw new UpstreamFailure(waited.late)
    return { value: waited.value as Answer, outcome: 'fetched' } as const
  }

  /** Tags that may be pulled here. */
  async function tagsHere(repository: string, { last, limit }: PageAsked): Promise<string[]> {
    const names: string[] = []
    const read = (page: { after?: string; limit: number }) =>
      catalog.tags(repository, { ...(last !== undefined && { after: last }), ...page })
    for await (const { name, goneAt } of everyRow(read, (row) => row.name)) {
      if (goneAt === undefined && names.push(name) > limit) break
    }
    return names
  }

  return {
    async listTags(repository, page, asker) {
      const at = await cachedAt(repository)
      if (at === undefined) return await hosted.listTags(repository, page, asker)
      const { upstream, cacheOnly, name } = at
      const wanted = { asker, at, kind: 'tags', name: repository, missing: 'name-unknown' } as const
      return await told(
        parts,
        wanted,
        async (notes): Promise<{ value: Listing<string>; outcome: 'hit' | 'fetched' }> => {
          if (cacheOnly !== undefined) {
            if ((await catalog.repository(repository)) === undefined)
              throw notCached(repository, upstream.name, cacheOnly)
            const names = await tagsHere(repository, page)
            const value = { ...pageOf(names, { limit: page.limit }), warning: onlyHere(repository, cacheOnly) }
            return { value, outcome: 'hit' }
          }
          const key = JSON.stringify([repository, page.last, page.limit])
          const { value, outcome } = await ask(wanted, { key, ask: () => upstream.tags(name, page) }, notes)
          const next = value.tags.at(-1)
          return { value: { items: value.tags, ...(value.more && next !== undefined && { next }) }, outcome }
        },
      )
    },

    async listReferrers(repository, subject, options) {
      const at = await cachedAt(repository)
      if (at === undefined) return await hosted.listReferrers(repository, subject, options)
      const { upstream, cacheOnly, name } = at
      const asked = `${repository}@${subject}`
      const wanted = { asker: options.asker, at, kind: 'referrers', name: asked, missing: 'name-unknown' } as const
      return await told(
        parts,
        wanted,
        async (notes): Promise<{ value: Listing<Referrer>; outcome: 'hit' | 'fetched' }> => {
          if (cacheOnly !== undefined) {
            const here = await hosted.listReferrers(repository, subject, options)
            // None would say that there is no signature, and nobody knows.
            if (here.items.length === 0 && options.last === undefined) throw notCached(asked, upstream.name, cacheOnly)
            return { value: { ...here, warning: onlyHere(asked, cacheOnly) }, outcome: 'hit' }
          }
          try {
            const question = { key: asked, ask: () => upstream.referrers(name, subject) }
            const { value, outcome } = await ask(wanted, question, notes)
            return { value: referrersPage(value, options), outcome }
          } catch (error) {
            if (!(error instanceof UpstreamFailure) || error.failure.cause !== 'not-found') throw error
            return { value: { items: [] }, outcome: 'fetched' }
          }
        },
      )
    },
  }
}

/** In order of digest: the upstream's own may be another one next time. */
function referrersPage(
  all: readonly Referrer[],
  { artifactType, last = '', maxBytes }: { artifactType?: string; last?: string; maxBytes: number },
): Listing<Referrer> {
  const rest = all
    .filter((row) => row.digest > last && (artifactType === undefined || row.artifactType === artifactType))
    .sort((one, other) => (one.digest < other.digest ? -1 : 1))
  let bytes = 0
  const items = rest.filter((row, index) => {
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1
    return bytes <= maxBytes || index === 0
  })
  const next = items.at(-1)
  return items.length < rest.length && next !== undefined ? { items, next: next.digest } : { items }
}

function pageOf(names: readonly string[], { limit }: { limit: number }): Listing<string> {
  const items = names.slice(0, limit)
  const next = items.at(-1)
  return names.length > limit && next !== undefined ? { items, next } : { items }
}

function onlyHere(name: string, why: 'cacheonly' | 'offline'): string {
  return `${name}: only what is cached is listed, for its upstream is not asked (${why})`
}
