import { setImmediate as nextTurn } from 'node:timers/promises'
import { publishFile, syncFile } from '../../src/base/durable-file.ts'
import type { BlobReader, BlobStore, WriteStat } from '../../src/blobs/blob-store.ts'
import { FsBlobStore } from '../../src/blobs/fs-blob-store.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { PullEnd } from '../../src/registry/activity.ts'
import { sleepFor } from '../../src/registry/cache.ts'
import { DigestLock } from '../../src/registry/digest-lock.ts'
import type { Fill } from '../../src/registry/fill-blob.ts'
import { PATIENCE, type Patience } from '../../src/registry/fill-patience.ts'
import type { FillSlots } from '../../src/registry/fill-slots.ts'
import { Fills } from '../../src/registry/fill-table.ts'
import { digestOf } from './digest-of.ts'
import { MemoryUpstream } from './memory-upstream.ts'
import { temporaryFolder } from './temporary.ts'
import { openTestCatalog } from './test-catalog.ts'
import { ASKER } from './test-rules.ts'

const REPOSITORY = 'docker.io/library/alpine'

export interface TestFillsOptions {
  readonly patience?: Partial<Patience>
  readonly boot?: string
  readonly slots?: FillSlots
  /** Of a clock that the test moves. */
  readonly clock?: { monotonic: () => number; sleep: (ms: number, signal?: AbortSignal) => Promise<void> }
}

/** Downloads from an upstream in memory, into files. */
export async function openTestFills({ patience = {}, boot = 'one', slots, clock }: TestFillsOptions = {}) {
  const folder = await temporaryFolder()
  const catalog = await openTestCatalog()
  const upstream = new MemoryUpstream('docker.io')
  const reports: string[] = []
  const ends: PullEnd[] = []
  const told = { coalesced: 0, failedBehind: 0 }
  /** Called before each, and may throw. */
  const disk = { append: () => {}, sync: async () => {}, publish: async () => {} }
  const root = folder.path
  const options = {
    root,
    async publish(from: string, to: string) {
      await disk.publish()
      publishFile(from, to, root)
    },
    async makeDurable(path: string) {
      await disk.sync()
      syncFile(path)
    },
  }
  const blobs = new FsBlobStore(options)
  const store = failing(new FsBlobStore({ ...options, incoming: 'homeport/fills' }), () => disk.append())
  const locks = new DigestLock()
  const cached = { upstream, revalidate: 0, library: true }
  let fills = make(boot)

  function make(now: string): Fills {
    const cache = {
      upstreams: new Map([['docker.io', cached]]),
      fills: store,
      boot: now,
      activity: {
        pulled: (end: PullEnd) => void ends.push(end),
        failedBehind: () => {
          told.failedBehind += 1
        },
        coalesced: () => {
          told.coalesced += 1
        },
      },
      monotonic: clock?.monotonic ?? (() => performance.now()),
      sleep: clock?.sleep ?? sleepFor,
    }
    return new Fills(
      { catalog, locks, cache, report: (what) => void reports.push(what), now: Date.now },
      { patience: { ...PATIENCE, ...patience }, ...(slots && { slots }) },
    )
  }

  return {
    folder,
    catalog,
    upstream,
    blobs,
    store,
    disk,
    reports,
    told,
    publish(bytes: Uint8Array, repository = 'library/alpine'): Digest {
      const digest = digestOf(bytes)
      upstream.publishBlob(repository, digest, bytes)
      return digest
    },
    join(
      digest: Digest,
      { size, repository = REPOSITORY, peer = ASKER.peer }: { size?: number; repository?: string; peer?: string } = {},
    ): Fill {
      const at = { ...cached, repository, name: repository.slice('docker.io/'.length) }
      return fills.join({ at, digest, size, asker: { ...ASKER, peer } })
    },
    /** What lies among the files of downloads. */
    async writes(): Promise<WriteStat[]> {
      const found: WriteStat[] = []
      for await (const write of store.writes()) found.push(write)
      return found
    },
    sweep: (now: number) => fills.sweep(now),
    /** As a restart does, of the program or of the machine. */
    async restart(boot = 'one') {
      await fills[Symbol.asyncDispose]()
      fills = make(boot)
    },
    async [Symbol.asyncDispose]() {
      await fills[Symbol.asyncDispose]()
      await catalog[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export type TestFills = Awaited<ReturnType<typeof openTestFills>>

/** All that a reader gives from a place on. Closes it. */
export async function readAll(
  reader: BlobReader,
  {
    from = 0,
    to = Infinity,
    most = 256 * 1024,
    pause = async () => {},
  }: { from?: number; to?: number; most?: number; pause?: () => Promise<unknown> } = {},
): Promise<Buffer> {
  const parts: Buffer[] = []
  try {
    for (let at = from; at < to; ) {
      await pause()
      const buffer = Buffer.alloc(Math.min(most, to - at))
      const length = await reader.read(buffer, at)
      if (length === 0) break
      parts.push(buffer.subarray(0, length))
      at += length
    }
    return Buffer.concat(parts)
  } finally {
    await reader.close()
  }
}

/** Until it is so. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) await nextTurn()
}

/** A store whose appends fail on command. */
function failing(store: BlobStore, before: () => void): BlobStore {
  const wrap = <Write extends { append(chunks: readonly Uint8Array[]): Promise<void> }>(write: Write): Write => {
    const append = write.append.bind(write)
    write.append = async (chunks) => {
      before()
      await append(chunks)
    }
    return write
  }
  const { begin, resume } = { begin: store.begin.bind(store), resume: store.resume.bind(store) }
  store.begin = async (id, hashing) => wrap(await begin(id, hashing))
  store.resume = async (id, hashing) => {
    const write = await resume(id, hashing)
    return write && wrap(write)
  }
  return store
}
