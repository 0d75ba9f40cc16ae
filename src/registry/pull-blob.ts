import type { BlobReader } from '../blobs/blob-store.ts'
import type { Digest } from '../oci/digest.ts'
import { Refusal } from '../oci/refusal.ts'
import { cachedRepository } from './cached-repository.ts'
import type { Fills } from './fill-table.ts'
import type { Parts } from './parts.ts'
import { pullCachedBlob } from './pull-blob-cached.ts'
import type { Blobs, FoundBlob } from './registry.ts'

export type PullBlobParts = Pick<Parts, 'catalog' | 'blobs' | 'locks' | 'leases' | 'report' | 'cache' | 'now'> & {
  readonly fills: Fills
}

/**
 * Knowing a digest gives no right: a blob is found in repositories that it is tied to.
 *
 * To a caller who may push, "it is there" is a promise that he may build a manifest on. So the bytes are
 * looked for, not only their row, and a lease is noted before the answer.
 */
export function pullBlob(parts: PullBlobParts): Blobs['findBlob'] {
  const { catalog, blobs, locks, leases, report, cache } = parts
  const findCached = pullCachedBlob(parts)

  async function sizeOf(repository: string, digest: Digest): Promise<number | undefined> {
    return await catalog.blobSize(repository, digest)
  }

  async function promise(repository: string, digest: Digest): Promise<boolean> {
    return await locks.run(digest, async () => {
      const [size, stored] = [await sizeOf(repository, digest), await blobs.stat(digest)]
      if (size === undefined || stored?.size !== size) return false
      leases.give(digest)
      return true
    })
  }

  function unknown(repository: string, digest: Digest): Refusal {
    return new Refusal('blob-unknown', { because: `${digest} in ${repository}` })
  }

  async function openWhole(repository: string, digest: Digest, size: number): Promise<BlobReader> {
    const reader = await blobs.open(digest)
    if (reader?.size === size) return reader
    await reader?.close()
    report('a blob is missing on the disk, or has another size than it was stored with; a new push of it heals it', {
      repository,
      digest,
      size,
      found: reader?.size,
    })
    throw unknown(repository, digest)
  }

  async function openManifest(repository: string, digest: Digest, size: number): Promise<BlobReader> {
    const stored = await blobs.open(digest)
    if (stored?.size === size) return stored
    await stored?.close()
    const manifest = await catalog.manifest(repository, digest)
    if (manifest === undefined) throw unknown(repository, digest)
    return readerOf(manifest.bytes)
  }

  return async (repository, digest, options): Promise<FoundBlob> => {
    const { promisedTo } = options
    const at = cachedRepository(repository, cache)
    if (at !== undefined && (await catalog.repository(repository))?.kind !== 'hosted') {
      const found = await findCached(at, digest, options)
      if (found !== undefined) return found
    }
    const size = await sizeOf(repository, digest)
    if (size === undefined) {
      const manifest = await catalog.manifest(repository, digest)
      if (manifest === undefined) throw unknown(repository, digest)
      const { length } = manifest.bytes
      // Not from what was just read: whoever takes it slowly would keep it in memory.
      return { digest, size: length, open: () => openManifest(repository, digest, length) }
    }
    if (promisedTo?.may('push', repository) === true && !(await promise(repository, digest))) {
      throw unknown(repository, digest)
    }
    return { digest, size, open: () => openWhole(repository, digest, size) }
  }
}

function readerOf(bytes: Uint8Array): BlobReader {
  return {
    size: bytes.length,
    read: async (into, at) => {
      const part = bytes.subarray(at, at + into.length)
      into.set(part)
      return part.length
    },
    close: async () => {},
  }
}
