import { setImmediate as turn } from 'node:timers/promises'
import type { Catalog, Referrer } from '../catalog/catalog.ts'
import { Refusal } from '../oci/refusal.ts'
import type { Listing, Listings, PageAsked } from './registry.ts'

/** Rows that are read at once while a page is filled of which not all is shown. */
const READ_AT_ONCE = 500

export function listings(catalog: Catalog): Listings {
  return {
    async listTags(repository, page) {
      const rows = await catalog.tags(repository, readOf(page, page.limit + 1))
      if (rows.length === 0 && (await catalog.repository(repository)) === undefined) {
        throw new Refusal('name-unknown', { because: repository })
      }
      return pageOf(
        rows.map(({ name }) => name),
        page.limit,
      )
    },

    async listRepositories(caller, page) {
      const names: string[] = []
      let after = page.last
      // Read on until the page is full of what this caller may see: a short page would look like the last.
      while (names.length <= page.limit) {
        const limit = Math.max(page.limit + 1, READ_AT_ONCE)
        const rows = await catalog.repositories(readOf({ ...(after !== undefined && { last: after }), limit }, limit))
        names.push(...rows.map(({ name }) => name).filter((name) => caller.may('pull', name)))
        after = rows.at(-1)?.name
        if (rows.length < limit) break
        // Who may see little makes us look at everything: others are served meanwhile.
        await turn()
      }
      return pageOf(names, page.limit)
    },

    async listReferrers(repository, subject, { artifactType, last, maxBytes }) {
      const items: Referrer[] = []
      let bytes = 0
      let after = last
      for (;;) {
        const rows = await catalog.referrers(repository, subject, {
          ...readOf({ ...(after !== undefined && { last: after }), limit: READ_AT_ONCE }, READ_AT_ONCE),
          ...(artifactType !== undefined && { artifactType }),
        })
        for (const row of rows) {
          bytes += Buffer.byteLength(JSON.stringify(row)) + 1
          const before = items.at(-1)
          if (bytes > maxBytes && before !== undefined) return { items, next: before.digest }
          items.push(row)
        }
        if (rows.length === 0) return { items }
        after = rows.at(-1)?.digest
      }
    },
  }
}

function readOf({ last }: PageAsked, limit: number): { after?: string; limit: number } {
  return { limit, ...(last !== undefined && { after: last }) }
}

/** One more was read than fits: it says whether there is a next page. */
function pageOf(names: readonly string[], limit: number): Listing<string> {
  const items = names.slice(0, limit)
  const next = items.at(-1)
  return names.length > limit && next !== undefined ? { items, next } : { items }
}
