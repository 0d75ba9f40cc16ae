import type { Remains, RepositoryRemains } from '../catalog/catalog.ts'
import type { RepositoryKind } from '../catalog/commands.ts'
import { algorithmOf, type Digest } from '../oci/digest.ts'
import { type Manifest, parseManifest, parseStoredManifest } from '../oci/manifest.ts'
import { everyRow } from './every-row.ts'
import { knownTo } from './import-registry2.ts'
import { pathOf } from './link-files.ts'
import { whyNotHeld } from './link-wanted.ts'
import { readManifestBytes } from './read-repository.ts'
import { readVolume, type VolumeContext } from './read-volume.ts'
import { unnamedManifests } from './unnamed-manifests.ts'

/** Rows that are written together. */
const PART_ROWS = 500

export interface RebuildSources {
  /** What the catalog that is given up still says. */
  readonly catalog?: Remains
  /** What the newest good copy of it says. */
  readonly backup?: Remains
}

export interface RebuildSummary {
  readonly repositories: number
  readonly manifests: number
  readonly tags: number
  readonly blobs: number
  readonly uploads: number
  /** What was named somewhere, and cannot be used. */
  readonly problems: number
  /** Manifests whose bytes are there, and that nothing names. */
  readonly unnamed: number
}

/**
 * Fills an empty catalog with what the disk says, in this order:
 *
 * 1. the old catalog, as far as it can be read: it is the truth, and the links may lag behind it by a moment;
 * 2. registry:2's link files, which are written behind every commit;
 * 3. where the old catalog has a hole, of its newest copy what no link file can hold: content under sha512, types that
 *    registry:2 does not know, cached repositories. What was deleted since that copy may come back by this.
 *
 * Then what manifests name is tied to their repository, where a link was missing.
 *
 * Nothing is taken whose bytes are not there. Manifests are read from the blob store, and checked against their digest.
 */
export async function rebuild(
  context: VolumeContext,
  { catalog: old, backup }: RebuildSources,
): Promise<RebuildSummary> {
  const { parts, signal } = context
  let problems = 0
  const counted: VolumeContext = {
    ...context,
    tell(news) {
      if ('why' in news) problems += 1
      context.tell(news)
    },
  }
  for (const remains of old?.repositories ?? []) {
    signal.throwIfAborted()
    await take(counted, remains, () => true)
  }
  await readVolume(counted, (repository) => knownTo(parts.catalog, repository))
  const whole = old !== undefined && old.losses.length === 0
  for (const remains of whole ? [] : (backup?.repositories ?? [])) {
    signal.throwIfAborted()
    await take(counted, remains, remains.kind === 'cached' ? () => true : notInLinks)
  }
  await tieNamed(context)
  const uploads = await takeUploads(context, old)
  await setKinds(context, [backup, old])
  await parts.catalog.write('endAdoption', { at: parts.now() })

  let unnamed = 0
  for await (const problem of unnamedManifests(context)) {
    unnamed += 1
    context.tell(problem)
  }
  return { ...(await count(context)), uploads, problems, unnamed }
}

/** Whether something of an old copy is wanted. `stored`: left out for a blob. */
type Wanted = (digest: Digest, stored?: { mediaType: string; bytes: Uint8Array }) => boolean

const notInLinks: Wanted = (digest, stored) =>
  stored === undefined ? algorithmOf(digest) !== 'sha256' : whyNotHeld({ digest, ...stored }) !== undefined

/** Takes over what an old catalog says of a repository, as far as its bytes are there and the new one lacks it. */
async function take({ parts, tell }: VolumeContext, remains: RepositoryRemains, wanted: Wanted): Promise<void> {
  const { catalog, blobs, now } = parts
  const { name: repository, kind = 'hosted' } = remains
  const known = await knownTo(catalog, repository)
  const part = { repository, kind, blobs: [], manifests: [], tags: [], complete: false } as const
  const problem = (what: 'blob' | 'manifest', digest: Digest, why: string) =>
    tell({ path: pathOf({ repository, what, digest }), why })

  for (const digests of inParts(remains.blobs.filter((digest) => !known.blobs.has(digest) && wanted(digest)))) {
    const found = []
    for (const digest of digests) {
      const stat = await blobs.stat(digest)
      if (stat === undefined) problem('blob', digest, 'leads to no bytes')
      else found.push(stat)
    }
    if (found.length > 0) await catalog.write('adopt', { ...part, blobs: found })
  }

  for (const { digest, mediaType, pinned, at } of remains.manifests) {
    if (known.manifests.has(digest)) continue
    const bytes = await readManifestBytes(blobs, digest)
    if (typeof bytes === 'string') {
      problem('manifest', digest, bytes)
      continue
    }
    const manifest = describe(bytes, mediaType)
    if (typeof manifest === 'string') {
      problem('manifest', digest, manifest)
      continue
    }
    if (!wanted(digest, { mediaType: manifest.mediaType, bytes })) continue
    await catalog.write('adopt', { ...part, manifests: [{ digest, bytes, manifest, pinned, at: at || now() }] })
  }

  const tags = []
  for (const tag of remains.tags) {
    const stored = await catalog.manifest(repository, tag.digest)
    // Without a time it comes from an index of the old catalog, which knows better than an older link.
    if (stored !== undefined && wanted(tag.digest, stored)) tags.push({ ...tag, at: tag.at || now() })
  }
  for (const some of inParts(tags.filter((tag) => !known.hasTag(tag)))) {
    await catalog.write('adopt', { ...part, tags: some })
  }
}

/** By the type that was pushed with it; by its bytes where that is lost, or registry:2 took what we would not. */
function describe(bytes: Uint8Array, mediaType: string | undefined): Manifest | string {
  try {
    return mediaType === undefined ? parseStoredManifest(bytes) : parseManifest(bytes, mediaType)
  } catch {
    try {
      return parseStoredManifest(bytes)
    } catch (error) {
      return `leads to no manifest: ${error instanceof Error ? error.message : String(error)}`
    }
  }
}

/**
 * Ties to a repository what its manifests name, where the bytes are there: without its layers an image is none, and their
 * links may have lagged. It was all there when the manifest was taken.
 */
async function tieNamed({ parts }: VolumeContext): Promise<void> {
  const { catalog, blobs } = parts
  for await (const { name: repository, kind } of repositoriesOf(parts)) {
    const { manifests, blobs: tied } = await knownTo(catalog, repository)
    const found = []
    for (const digest of manifests) {
      const stored = await catalog.manifest(repository, digest)
      const manifest = stored && describe(stored.bytes, stored.mediaType)
      if (manifest === undefined || typeof manifest === 'string') continue
      for (const { digest: named, kind: what } of manifest.references) {
        if (what === 'child' || tied.has(named)) continue
        const stat = await blobs.stat(named)
        if (stat !== undefined) found.push(stat)
      }
    }
    for (const some of inParts(found)) {
      await catalog.write('adopt', { repository, kind, blobs: some, manifests: [], tags: [], complete: false })
    }
  }
}

/** Sessions that still have what they received go on. */
async function takeUploads({ parts }: VolumeContext, old: Remains | undefined): Promise<number> {
  const there = new Set<string>()
  for await (const { id } of parts.blobs.writes()) there.add(id)
  const going = (old?.uploads ?? []).filter(({ id }) => there.has(id))
  for (const session of going) await parts.catalog.write('beginUpload', session)
  return going.length
}

/** What a repository is cannot be seen from its links; a hosted one has all its links looked at by the next start. */
async function setKinds({ parts }: VolumeContext, sources: readonly (Remains | undefined)[]): Promise<void> {
  const kinds = new Map<string, RepositoryKind>()
  for (const { name, kind } of sources.flatMap((source) => source?.repositories ?? [])) {
    if (kind !== undefined) kinds.set(name, kind)
  }
  for await (const { name, kind } of repositoriesOf(parts)) {
    await parts.catalog.write('setRepositoryKind', { repository: name, kind: kinds.get(name) ?? kind })
  }
}

async function count({ parts }: VolumeContext) {
  const counts = { repositories: 0, manifests: 0, tags: 0, blobs: 0 }
  for await (const { name } of repositoriesOf(parts)) {
    const { manifests, blobs } = await knownTo(parts.catalog, name)
    counts.repositories += 1
    counts.manifests += manifests.size
    counts.blobs += blobs.size
    for await (const _ of everyRow(
      (page) => parts.catalog.tags(name, page),
      (row) => row.name,
    ))
      counts.tags += 1
  }
  return counts
}

function repositoriesOf({ catalog }: VolumeContext['parts']) {
  return everyRow(
    (page) => catalog.repositories(page),
    (row) => row.name,
  )
}

function* inParts<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let at = 0; at < items.length; at += PART_ROWS) yield items.slice(at, at + PART_ROWS)
}
