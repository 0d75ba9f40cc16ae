import { randomUUID } from 'node:crypto'
import type { BlobStore } from '../blobs/blob-store.ts'
import { algorithmOf, type Digest } from '../oci/digest.ts'
import type { FetchedManifest } from '../upstream/upstream.ts'
import type { Parts } from './parts.ts'
import type { FoundManifest } from './registry.ts'

/** Makes a manifest's bytes durable, before its row is written. Under the digest's lock. */
export async function storeManifestBytes(blobs: BlobStore, digest: Digest, bytes: Uint8Array): Promise<void> {
  const write = await blobs.begin(`manifest-${randomUUID()}`, algorithmOf(digest))
  try {
    await write.append([bytes])
    await write.commit(digest)
  } finally {
    await write.abort()
  }
}

/**
 * Keeps a manifest that an upstream sent, exactly as it came: its bytes, then its row and its tag in one transaction.
 *
 * It has been verified, so whoever asked gets it, whether or not it can be kept: on a full disk it is only fetched again.
 */
export function storeCachedManifest(parts: Pick<Parts, 'catalog' | 'blobs' | 'locks' | 'now' | 'report'>) {
  const { catalog, blobs, locks, now, report } = parts

  async function keep(repository: string, { digest, bytes, manifest }: FetchedManifest, tag?: string) {
    return await locks.run(digest, async () => {
      if (!(await isStored(digest, bytes.length))) await storeManifestBytes(blobs, digest, bytes)
      const at = now()
      return await catalog.write('putCachedManifest', {
        ...{ repository, digest, bytes, manifest, at },
        ...(tag !== undefined && { tag }),
      })
    })
  }

  /** The row says that it may be relied upon, the store that it is there. */
  async function isStored(digest: Digest, size: number): Promise<boolean> {
    return (await catalog.blobAnywhere(digest)) === size && (await blobs.stat(digest))?.size === size
  }

  return async (repository: string, fetched: FetchedManifest, tag?: string): Promise<FoundManifest> => {
    const { digest, bytes, manifest } = fetched
    try {
      const mediaType = await keep(repository, fetched, tag)
      if (mediaType !== undefined) return { digest, bytes, mediaType }
    } catch (error) {
      report('a manifest could not be cached, and is fetched again when it is asked for', { repository, digest, error })
    }
    return { digest, bytes, mediaType: manifest.mediaType, unkept: true }
  }
}
