import type { Log } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { BlobStore, BlobWrite } from '../blobs/blob-store.ts'

/**
 * A store whose calls are timed under registry:2's names, and told at level debug. What has no counterpart there has none here:
 * registry:2 keeps links in its storage, and Homeport in the catalog.
 */
export function measured(store: BlobStore, { metrics, log }: { metrics: Metrics; log: Pick<Log, 'debug'> }): BlobStore {
  const observe = metrics.histogram({
    name: 'registry_storage_action_seconds',
    help: 'The number of seconds that the storage action takes',
    labels: ['driver', 'action'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  })

  async function timed<Result>(action: string, of: string, work: Promise<Result>): Promise<Result> {
    const began = performance.now()
    try {
      return await work
    } finally {
      const ms = performance.now() - began
      observe({ driver: 'filesystem', action }, ms / 1000)
      // In nanoseconds, as registry:2 has it.
      log.debug({ 'trace.duration': Math.round(ms * 1e6) }, `filesystem.${action}(${of})`)
    }
  }

  /** A file is synced and moved at its commit: that is what a push waits for. */
  function measuredWrite(write: BlobWrite): BlobWrite {
    return {
      get size() {
        return write.size
      },
      read: (into, at) => write.read(into, at),
      append: (bytes) => write.append(bytes),
      commit: (digest, found) => timed('Move', digest, write.commit(digest, found)),
      mark: () => write.mark(),
      truncate: (size) => write.truncate(size),
      close: () => write.close(),
      abort: () => write.abort(),
    }
  }

  return {
    stat: (digest) => timed('Stat', digest, store.stat(digest)),
    open: (digest) => timed('Reader', digest, store.open(digest)),
    begin: async (id, hashing) => measuredWrite(await timed('Writer', id, store.begin(id, hashing))),
    async resume(id, hashing) {
      const write = await timed('Writer', id, store.resume(id, hashing))
      return write && measuredWrite(write)
    },
    delete: (digest) => timed('Delete', digest, store.delete(digest)),
    list: () => store.list(),
    writes: () => store.writes(),
    drop: (id) => store.drop(id),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
