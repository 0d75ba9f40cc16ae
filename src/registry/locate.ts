import type { Catalog } from '../catalog/catalog.ts'
import { Refusal } from '../oci/refusal.ts'
import { type Located, meaningOf, splitCanonical, unknownRegistry } from './addressing.ts'
import { everyRow } from './every-row.ts'
import type { Parts } from './parts.ts'
import type { Registry } from './registry.ts'

/**
 * Which repository is meant: what its name says, and what the catalog knows of it. A hosted repository wins wherever its
 * name is met, and no upstream is asked for it: who can make an image there could otherwise answer for ours.
 */
export function locate({ catalog, cache }: Pick<Parts, 'catalog' | 'cache'>): Registry['locate'] {
  return async (asked) => {
    const meaning = meaningOf(asked, cache)
    if (meaning.kind === 'hosted') {
      const { repository, otherwise } = meaning
      if (asked.write && !asked.named && otherwise !== undefined && !(await isHosted(catalog, repository))) {
        await refuseShadow(catalog, repository, otherwise)
      }
      return located(repository, meaning)
    }
    if (meaning.kind === 'cached') {
      const { repository, upstream } = meaning
      // What is bound to an upstream is for reading alone.
      const hosted = asked.bound === undefined || !asked.write ? await isHosted(catalog, repository) : false
      if (hosted) return located(repository, meaning)
      if (asked.write) throw belongsTo(upstream, repository)
      return { ...located(repository, meaning), upstream }
    }
    const { repository, otherwise, host } = meaning
    // Nobody else could have it.
    if (otherwise === undefined && host === undefined) return { repository }
    if (await isHosted(catalog, repository)) return { repository }
    if (asked.write) {
      if (otherwise !== undefined && !asked.named) await refuseShadow(catalog, repository, otherwise)
      return { repository }
    }
    if (host !== undefined) throw unknownRegistry(host)
    if (otherwise === undefined) return { repository }
    const theirs = await catalog.repository(otherwise.repository)
    if (theirs?.kind === 'hosted') return { repository: otherwise.repository }
    // Whoever pulls asks for a manifest first, and then it is known; or for the blob itself, if that could not be kept.
    if (asked.blob === true && theirs === undefined) return { repository }
    return theirs === undefined ? { ...otherwise, unclaimed: true } : otherwise
  }
}

/** Hosted repositories with names that would be an upstream's: nobody makes new ones, and the operator should know. */
export async function hostedUnderUpstreams({ catalog, cache }: Pick<Parts, 'catalog' | 'cache'>): Promise<string[]> {
  const found: string[] = []
  for (const upstream of cache.upstreams.keys()) {
    const read = (page: { after?: string; limit: number }) =>
      catalog.repositories({ ...page, after: page.after ?? `${upstream}/` })
    for await (const { name, kind } of everyRow(read, (row) => row.name)) {
      if (splitCanonical(name, cache)?.upstream !== upstream) break
      if (kind === 'hosted') found.push(name)
    }
  }
  return found
}

function located(repository: string, { namespace }: { namespace?: string }): Located {
  return { repository, ...(namespace !== undefined && { namespace }) }
}

async function isHosted(catalog: Catalog, repository: string): Promise<boolean> {
  return (await catalog.repository(repository))?.kind === 'hosted'
}

function belongsTo(upstream: string, repository: string): Refusal {
  return new Refusal('unsupported', {
    because:
      `'${repository}' is a copy of a repository of ${upstream}, which nobody changes here; ` +
      `push under a name that does not begin with '${upstream}/'`,
  })
}

/** Refuses a push that would hide an image of the default upstream from everybody. */
async function refuseShadow(
  catalog: Catalog,
  repository: string,
  { upstream, repository: hidden }: { upstream: string; repository: string },
): Promise<void> {
  const cached = (await catalog.repository(hidden))?.kind === 'cached'
  if (!cached && !repository.startsWith('library/')) return
  throw new Refusal('unsupported', {
    because:
      `'${repository}' is here what ${upstream} has under that name, and a push would hide it from everybody; ` +
      'push under another name, or have the operator name this repository in a rule of access',
  })
}
