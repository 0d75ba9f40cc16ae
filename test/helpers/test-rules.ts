import type { BlobStore } from '../../src/blobs/blob-store.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { Asker } from '../../src/registry/activity.ts'
import { type Cache, noCache } from '../../src/registry/cache.ts'
import { createRegistry } from '../../src/registry/create-registry.ts'
import { DigestLock } from '../../src/registry/digest-lock.ts'
import { Leases } from '../../src/registry/leases.ts'
import type { Parts, Policy } from '../../src/registry/parts.ts'
import type { Caller } from '../../src/registry/registry.ts'
import { digestOf } from './digest-of.ts'
import { MemoryBlobStore } from './memory-blob-store.ts'
import { SteeredClock } from './steered-clock.ts'
import { openTestCatalog } from './test-catalog.ts'

/** Everything allowed that an operator can allow, but for what `policy` says. */
export interface TestRulesOptions {
  readonly cache?: Partial<Cache>
  readonly policy?: Partial<Policy>
  readonly blobs?: BlobStore
}

export interface TestRules extends AsyncDisposable {
  readonly registry: ReturnType<typeof createRegistry>
  readonly parts: Parts
  readonly catalog: Catalog
  /** What was reported to the operator. */
  readonly reports: string[]
  /** The clocks of leases, rows and the cache. The test moves them. */
  readonly clock: SteeredClock
  /** Pushes a blob in one go. */
  push(repository: string, text: string, caller?: Caller): Promise<Digest>
}

/** Somebody who waits as long as it takes. */
export const ASKER: Asker = { id: 'request-1', peer: '192.0.2.1', signal: new AbortController().signal }

/** The rules over a real catalog, and blobs in memory. */
export async function openTestRules({
  policy = {},
  cache = {},
  blobs = new MemoryBlobStore(),
}: TestRulesOptions = {}): Promise<TestRules> {
  const catalog = await openTestCatalog()
  const clock = new SteeredClock()
  const reports: string[] = []
  const now = () => clock.now
  const parts: Parts = {
    catalog,
    blobs,
    now,
    locks: new DigestLock(),
    leases: new Leases(now),
    policy: { deletes: true, sparse: false, children: 'none', ...policy },
    report: (what) => void reports.push(what),
    cache: { ...noCache(blobs), monotonic: clock.monotonic, sleep: clock.sleep, ...cache },
  }
  const registry = createRegistry(parts)
  return {
    registry,
    parts,
    catalog,
    reports,
    clock,
    async push(repository, text, caller = ANYONE) {
      const { id } = await registry.uploads.begin(repository, caller, 'sha256')
      const digest = digestOf(text)
      await registry.uploads.finish({ id, repository, caller }, digest, { body: bodyOf(text) })
      return digest
    },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]()
      await blobs[Symbol.asyncDispose]()
      await catalog[Symbol.asyncDispose]()
    },
  }
}

/** May do everything. */
export const ANYONE: Caller = { account: '', may: () => true }

export async function* bodyOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}
