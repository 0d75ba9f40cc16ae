import { listings } from './listings.ts'
import { locate } from './locate.ts'
import type { Parts } from './parts.ts'
import { pullBlob, pullManifest } from './pull.ts'
import { pushBlob, type UploadUpkeep } from './push-blob.ts'
import { pushManifest } from './push-manifest.ts'
import type { Registry } from './registry.ts'
import { deleteBlob, deleteManifest } from './remove.ts'

/** The rules of a registry over its parts. Closing it puts open uploads down, resumable. */
export function createRegistry(parts: Parts): Registry & { uploads: UploadUpkeep } & AsyncDisposable {
  const uploads = pushBlob(parts)
  return {
    findManifest: pullManifest(parts),
    putManifest: pushManifest(parts),
    deleteManifest: deleteManifest(parts),
    findBlob: pullBlob(parts),
    deleteBlob: deleteBlob(parts),
    ...listings(parts.catalog),
    uploads,
    locate: locate(parts),
    [Symbol.asyncDispose]: () => uploads[Symbol.asyncDispose](),
  }
}
