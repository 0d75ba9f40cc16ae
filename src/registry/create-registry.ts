import { withCachedListings } from './cached-listings.ts'
import { Fills, type FillUpkeep } from './fill-table.ts'
import { listings } from './listings.ts'
import { locate } from './locate.ts'
import type { Parts } from './parts.ts'
import { pullBlob } from './pull-blob.ts'
import { pullManifest } from './pull-manifest.ts'
import { pushBlob, type UploadUpkeep } from './push-blob.ts'
import { pushManifest } from './push-manifest.ts'
import type { Registry } from './registry.ts'
import { deleteBlob, deleteManifest } from './remove.ts'

/** A registry, and what the clock does to it. */
export type OwnRegistry = Registry & { uploads: UploadUpkeep; fills: FillUpkeep } & AsyncDisposable

/** The rules of a registry over its parts. Closing it puts uploads and downloads down, resumable. */
export function createRegistry(parts: Parts): OwnRegistry {
  const uploads = pushBlob(parts)
  const hosted = listings(parts.catalog)
  const fills = new Fills(parts)
  return {
    findManifest: pullManifest(parts),
    putManifest: pushManifest(parts),
    deleteManifest: deleteManifest(parts),
    findBlob: pullBlob({ ...parts, fills }),
    deleteBlob: deleteBlob(parts),
    ...hosted,
    ...withCachedListings(parts, hosted),
    uploads,
    fills,
    locate: locate(parts),
    async [Symbol.asyncDispose]() {
      await fills[Symbol.asyncDispose]()
      await uploads[Symbol.asyncDispose]()
    },
  }
}
