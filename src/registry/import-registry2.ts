import { OperatorError } from '../base/operator-error.ts'
import type { Catalog, TagEntry } from '../catalog/catalog.ts'
import type { RepositoryKind } from '../catalog/commands.ts'
import type { Digest } from '../oci/digest.ts'
import { everyRow } from './every-row.ts'
import { drainLinks } from './follow-links.ts'
import { LinkFiles } from './link-files.ts'
import { readScheduled } from './link-files-scheduler.ts'
import { readRepository } from './read-repository.ts'
import { type Known, readVolume, type VolumeContext, type VolumeSummary } from './read-volume.ts'

/**
 * Reads what registry:2 wrote since Homeport last had the folder: new repositories, manifests and blobs, and tags
 * whose link is newer than the catalog's tag. What registry:2 deleted stays.
 */
export async function importLinks(context: VolumeContext): Promise<VolumeSummary> {
  const { catalog } = context.parts
  const [error, ...others] = await drainLinks({ catalog, links: new LinkFiles(context.root) })
  if (error !== undefined) {
    // A link of something that was deleted here would be taken for news.
    throw new OperatorError(
      `${others.length + 1} link files cannot be brought up to date first: ${error.message}`,
      'see that the folder may be written to and its disk is not full',
    )
  }
  return await readVolume(context, (repository) => knownTo(catalog, repository))
}

/** Corrects what adoption took repositories for. Throws an `OperatorError`, and changes nothing, where one is not there. */
export async function importAs(context: VolumeContext, kind: RepositoryKind, names: readonly string[]): Promise<void> {
  const { catalog, blobs } = context.parts
  for (const name of names) {
    if ((await catalog.repository(name)) !== undefined) continue
    throw new OperatorError(`There is no repository '${name}'`, 'write its name as `GET /v2/_catalog` lists it')
  }
  const scheduled = await readScheduled(context.root)
  for (const repository of names) {
    await catalog.write('setRepositoryKind', { repository, kind })
    if (kind === 'hosted') continue
    // What a proxying registry:2 holds need not have links; what the manifests name is tied now.
    const known = { manifests: new Set<Digest>(), blobs: (await knownTo(catalog, repository)).blobs }
    const listed = scheduled.manifests.get(repository) ?? new Set()
    for await (const part of readRepository({ root: context.root, blobs, repository, known, listed })) {
      await catalog.write('adopt', {
        repository,
        kind,
        blobs: part.blobs,
        manifests: part.manifests,
        tags: [],
        complete: false,
      })
    }
  }
}

/** All that the catalog has of a repository. */
export async function knownTo(catalog: Catalog, repository: string): Promise<Known> {
  const manifests = new Set<Digest>()
  const blobs = new Set<Digest>()
  const tags = new Map<string, TagEntry>()
  for await (const { digest } of everyRow(
    (page) => catalog.manifests(repository, page),
    (row) => row.digest,
  ))
    manifests.add(digest)
  for await (const { digest } of everyRow(
    (page) => catalog.blobs(repository, page),
    (row) => row.digest,
  ))
    blobs.add(digest)
  for await (const tag of everyRow(
    (page) => catalog.tags(repository, page),
    (row) => row.name,
  ))
    tags.set(tag.name, tag)
  return {
    manifests,
    blobs,
    hasTag({ name, digest, at }) {
      const tag = tags.get(name)
      return tag !== undefined && (tag.digest === digest || tag.movedAt >= at)
    },
  }
}
