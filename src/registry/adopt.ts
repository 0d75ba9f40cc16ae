import type { Digest } from '../oci/digest.ts'
import { hasRepositories } from './link-files-walk.ts'
import { readVolume, type VolumeContext, type VolumeSummary } from './read-volume.ts'

const NOTHING = { manifests: new Set<Digest>(), blobs: new Set<Digest>(), hasTag: () => false } as const

/**
 * Adopts a folder that registry:2 filled: reads its links into the catalog, once. No byte of it is touched.
 *
 * A run that was cut short goes on where it was; problems of repositories that it had ended are not told again
 * (`import registry2` tells them all). Resolves to `undefined` where there was nothing to adopt.
 */
export async function adopt(context: VolumeContext): Promise<VolumeSummary | undefined> {
  const { catalog, now } = context.parts
  const { done, repositories } = await catalog.adoption()
  if (done) return undefined
  const summary = hasRepositories(context.root)
    ? await readVolume(context, async (name) => (repositories.has(name) ? undefined : NOTHING))
    : undefined
  // From here on the links are ours, and say nothing that the catalog does not know.
  await catalog.write('endAdoption', { at: now() })
  return summary
}
