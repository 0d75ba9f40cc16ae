import { meaningOf } from './addressing.ts'
import type { Parts } from './parts.ts'

/** What became of a repository that a proxying registry:2 left. */
export interface Taken {
  readonly repository: string
  /** The name that it has as the default upstream's. */
  readonly as: string
  /** False: that name is hosted, and it was left as it lies. */
  readonly done: boolean
}

/**
 * Gives what a proxying registry:2 cached to the default upstream, whose copy it is: under that name it is confirmed, goes
 * on being filled, and is found by every form of address. Its links stay where registry:2 finds them.
 *
 * Only what was adopted is taken: what is cached here has its upstream's name, also when that is configured no longer.
 * Runs at each start, so that an upstream that comes later finds it too.
 */
export async function* takeAdopted({ catalog, cache }: Pick<Parts, 'catalog' | 'cache'>): AsyncGenerator<Taken> {
  if (cache.defaultUpstream === undefined) return
  const { done, repositories } = await catalog.adoption()
  if (!done) return
  for (const repository of repositories) {
    if ((await catalog.repository(repository))?.kind !== 'cached') continue
    const meaning = meaningOf({ name: repository, ns: [], own: [], write: false, named: false }, cache)
    if (meaning.kind !== 'plain' || meaning.otherwise === undefined) continue
    const as = meaning.otherwise.repository
    yield { repository, as, done: await catalog.write('takeForUpstream', { repository, as }) }
  }
}
