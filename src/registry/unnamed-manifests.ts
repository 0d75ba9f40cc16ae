import type { Digest } from '../oci/digest.ts'
import { parseStoredManifest } from '../oci/manifest.ts'
import { everyRow } from './every-row.ts'
import type { Problem } from './link-files.ts'
import { readManifestBytes } from './read-repository.ts'
import type { VolumeContext } from './read-volume.ts'

/** Of larger ones nothing is read: they are layers. In bytes. */
const LARGEST = 4 * 1024 * 1024

/**
 * Manifests in the blob store that no repository has: deleted ones, whose bytes wait to be collected, and those that
 * were pushed in the moment before a catalog was lost.
 */
export async function* unnamedManifests({ parts, signal }: VolumeContext): AsyncGenerator<Problem> {
  const { catalog, blobs } = parts
  const known = await allManifests(catalog)
  for await (const { digest, size } of blobs.list()) {
    signal.throwIfAborted()
    if (size > LARGEST || known.has(digest) || (await catalog.repositoriesOfBlob(digest)).length > 0) continue
    const bytes = await readManifestBytes(blobs, digest)
    if (typeof bytes === 'string' || !isManifest(bytes)) continue
    yield {
      path: digest,
      why: 'is a manifest that no repository names: it was deleted, or pushed in the moment before the catalog was lost',
    }
  }
}

async function allManifests(catalog: VolumeContext['parts']['catalog']): Promise<Set<Digest>> {
  const known = new Set<Digest>()
  for await (const { name } of everyRow(
    (page) => catalog.repositories(page),
    (row) => row.name,
  )) {
    for await (const { digest } of everyRow(
      (page) => catalog.manifests(name, page),
      (row) => row.digest,
    ))
      known.add(digest)
  }
  return known
}

function isManifest(bytes: Uint8Array): boolean {
  // '{', so that no layer is decoded as a text.
  if (bytes[0] !== 0x7b) return false
  try {
    parseStoredManifest(bytes)
    return true
  } catch {
    return false
  }
}
