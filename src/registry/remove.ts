import type { Digest } from '../oci/digest.ts'
import { parseReference } from '../oci/name.ts'
import { Refusal } from '../oci/refusal.ts'
import { refuseCached } from './hosted.ts'
import type { Parts } from './parts.ts'
import type { Blobs, Manifests } from './registry.ts'

/** By digest: the manifest with all its tags. By tag: only the tag (OCI Distribution, "Deleting Manifests", "Deleting tags"). */
export function deleteManifest({ catalog, policy }: Pick<Parts, 'catalog' | 'policy'>): Manifests['deleteManifest'] {
  return async (repository, text) => {
    refuseWhereOff(policy.deletes)
    await refuseCached(catalog, repository)
    const reference = parseReference(text)
    const deleted =
      'tag' in reference
        ? await catalog.write('deleteTag', { repository, tag: reference.tag })
        : await catalog.write('deleteManifest', { repository, digest: reference.digest })
    if (!deleted) throw new Refusal('manifest-unknown', { because: `'${text}' in ${repository}` })
  }
}

export function deleteBlob({ catalog, policy }: Pick<Parts, 'catalog' | 'policy'>): Blobs['deleteBlob'] {
  return async (repository, digest) => {
    refuseWhereOff(policy.deletes)
    await refuseCached(catalog, repository)
    const deleted = await catalog.write('unlinkBlob', { repository, digest })
    if (!deleted) throw new Refusal('blob-unknown', { because: `${digest} in ${repository}` })
  }
}

/**
 * Removes a blob that nothing refers to, in three steps under its digest's lock: mark the row, unlink the
 * bytes, delete the row. Resolves to whether it is gone; a lease or a reference keeps it.
 *
 * A crash leaves a row that is *leaving*, which counts as absent: `finishRemovals` ends it, and a push of
 * the same digest before that heals it.
 */
export function removeBlob({ catalog, blobs, locks, leases }: Pick<Parts, 'catalog' | 'blobs' | 'locks' | 'leases'>) {
  return async (digest: Digest): Promise<boolean> =>
    await locks.run(digest, async () => {
      if (leases.has(digest) || !(await catalog.write('markLeaving', { digest }))) return false
      await blobs.delete(digest)
      await catalog.write('deleteLeaving', { digest })
      return true
    })
}

/** Ends the removals that a crash cut short. */
export async function finishRemovals({
  catalog,
  blobs,
  locks,
}: Pick<Parts, 'catalog' | 'blobs' | 'locks'>): Promise<void> {
  for (const digest of await catalog.leaving()) {
    await locks.run(digest, async () => {
      // A push may have healed it since the list was read.
      if (!(await catalog.leaving()).includes(digest)) return
      await blobs.delete(digest)
      await catalog.write('deleteLeaving', { digest })
    })
  }
}

function refuseWhereOff(deletes: boolean): void {
  if (deletes) return
  throw new Refusal('unsupported', {
    because: 'deleting is off; the operator turns it on with storage.delete.enabled: true',
  })
}
