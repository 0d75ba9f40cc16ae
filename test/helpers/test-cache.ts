import type { PullEnd } from '../../src/registry/activity.ts'
import type { CachedUpstream } from '../../src/registry/cache.ts'
import type { Failure } from '../../src/upstream/upstream.ts'
import { MemoryUpstream } from './memory-upstream.ts'
import type { SteeredClock } from './steered-clock.ts'
import {
  type Answer,
  type RequestOptions,
  type TestRegistry,
  type TestRegistryOptions,
  testRegistry,
} from './test-registry.ts'

export interface TestCache extends AsyncDisposable {
  readonly registry: TestRegistry
  readonly clock: SteeredClock
  /** `docker.io`, the default upstream. */
  readonly hub: MemoryUpstream
  readonly ghcr: MemoryUpstream
  /** What was told of pulls, the newest last. */
  readonly ends: PullEnd[]
  /** What failed behind. */
  readonly behind: Failure[]
  get(path: string, options?: RequestOptions): Promise<Answer>
  /** The same, with the clock moved on while it waits. */
  getWhile(path: string, ms: number): Promise<Answer>
}

/** The whole protocol over two upstreams in memory, and a clock that the test moves. A tag is fresh for a minute. */
export async function testCache({
  hub: rules = {},
  ...options
}: Omit<TestRegistryOptions, 'cache'> & { hub?: Partial<CachedUpstream> } = {}): Promise<TestCache> {
  const hub = new MemoryUpstream('docker.io')
  const ghcr = new MemoryUpstream('ghcr.io')
  const ends: PullEnd[] = []
  const behind: Failure[] = []
  const upstreams = new Map<string, CachedUpstream>([
    ['docker.io', { upstream: hub, revalidate: 60_000, library: true, ...rules }],
    ['ghcr.io', { upstream: ghcr, revalidate: 60_000, library: false }],
  ])
  const activity = {
    pulled: (end: PullEnd) => void ends.push(end),
    failedBehind: (failure: Failure) => void behind.push(failure),
    coalesced: () => undefined,
  }
  const registry = await testRegistry({ ...options, cache: { upstreams, defaultUpstream: 'docker.io', activity } })
  const { clock } = registry.rules
  const get = (path: string, how?: RequestOptions) => registry.request(`GET ${path}`, how)
  return {
    ...{ registry, clock, hub, ghcr, ends, behind, get },
    async getWhile(path, ms) {
      const answer = get(path)
      await clock.advance(ms)
      return await answer
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  }
}
