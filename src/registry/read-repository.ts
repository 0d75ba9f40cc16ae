import { hash } from 'node:crypto'
import type { BlobStore } from '../blobs/blob-store.ts'
import type { Data } from '../catalog/commands.ts'
import { algorithmOf, type Digest, hexOf } from '../oci/digest.ts'
import { parseStoredManifest } from '../oci/manifest.ts'
import { type Link, type Problem, pathOf } from './link-files.ts'
import { linksIn, tagsIn, uploadsIn } from './link-files-walk.ts'

/** Files that are looked at together: enough to keep a disk busy, few enough to hold in memory. */
const AT_ONCE = 16

/** More than any registry takes, in bytes: what is larger is no manifest, whatever links to it. */
const LARGEST_MANIFEST = 16 * 1024 * 1024

/** A part ends when it has so many bytes of manifests, or so many rows. */
const PART_BYTES = 1024 * 1024
const PART_ROWS = 500

export interface RepositoryReading {
  /** Folder of the volume. */
  readonly root: string
  readonly blobs: BlobStore
  readonly repository: string
  /** What a proxying registry:2 listed; left out: the repository is hosted. */
  readonly listed?: ReadonlySet<Digest>
  /** What the catalog has already. It is not read again. */
  readonly known: { readonly manifests: ReadonlySet<Digest>; readonly blobs: ReadonlySet<Digest> }
}

export type RepositoryPart = Pick<Data<'adopt'>, 'blobs' | 'manifests' | 'tags'> & {
  readonly problems: readonly Problem[]
}

type Blob = RepositoryPart['blobs'][number]
type Manifest = RepositoryPart['manifests'][number]
type Tag = RepositoryPart['tags'][number]

/**
 * What registry:2's links say that a repository has, in parts: manifests come before the tags on them. What cannot be
 * used is told as a problem and left out.
 *
 * In a cached repository what its manifests name is tied without a link, too: a proxying registry:2 may lack links.
 */
export async function* readRepository(reading: RepositoryReading): AsyncGenerator<RepositoryPart> {
  const { root, repository, known, listed } = reading
  const manifests = new Set(known.manifests)
  const tied = new Set(known.blobs)

  for await (const links of batches(linksIn(root, repository, 'blob'))) {
    const [found, problems] = await sort(links.filter(unless(known.blobs)), (link) => findBlob(reading, link))
    for (const { digest } of found) tied.add(digest)
    yield { blobs: found, manifests: [], tags: [], problems }
  }

  for await (const links of batches(linksIn(root, repository, 'manifest'))) {
    const [found, problems] = await sort(links.filter(unless(known.manifests)), (link) => readManifest(reading, link))
    for (const { digest } of found) manifests.add(digest)
    const named = listed === undefined ? [] : await unlinked(reading, found, tied)
    for (const part of partsOf(found)) yield { blobs: [], manifests: part, tags: [], problems: [] }
    yield { blobs: named, manifests: [], tags: [], problems }
  }

  for await (const links of batches(tagsIn(root, repository), PART_ROWS)) {
    const [tags, problems] = await sort(links, async (link): Promise<Tag | Problem> => {
      const { tag, digest, changedAt } = link
      if (manifests.has(digest)) return { name: tag, digest, at: changedAt }
      return {
        path: pathOf({ repository, what: 'tag', tag }),
        why: `names ${digest}, which is no manifest of the repository`,
      }
    })
    yield { blobs: [], manifests: [], tags, problems }
  }

  for await (const problems of batches(uploadsIn(root, repository)))
    yield { blobs: [], manifests: [], tags: [], problems }
}

async function findBlob({ blobs, repository }: RepositoryReading, { digest }: Link): Promise<Blob | Problem> {
  const found = await blobs.stat(digest)
  return found ?? { path: pathOf({ repository, what: 'blob', digest }), why: 'leads to no bytes' }
}

async function readManifest({ blobs, repository, listed }: RepositoryReading, link: Link): Promise<Manifest | Problem> {
  const { digest, changedAt } = link
  const problem = (why: string) => ({ path: pathOf({ repository, what: 'manifest', digest }), why })
  const bytes = await readManifestBytes(blobs, digest)
  if (typeof bytes === 'string') return problem(bytes)
  try {
    const pinned = listed !== undefined && !listed.has(digest)
    return { digest, bytes, manifest: parseStoredManifest(bytes), pinned, at: changedAt }
  } catch (error) {
    return problem(`leads to no manifest: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What lies under the digest, if it hashes to it; else what ends the sentence that begins with where it was named. */
export async function readManifestBytes(blobs: BlobStore, digest: Digest): Promise<Uint8Array | string> {
  const reader = await blobs.open(digest)
  if (reader === undefined) return 'leads to no bytes'
  let bytes: Uint8Array
  try {
    if (reader.size > LARGEST_MANIFEST) return `leads to ${reader.size} bytes, which is no manifest`
    bytes = new Uint8Array(reader.size)
    for (let at = 0; at < bytes.length; ) {
      const count = await reader.read(bytes.subarray(at), at)
      if (count === 0) return 'leads to bytes that end too early'
      at += count
    }
  } finally {
    await reader.close()
  }
  return hash(algorithmOf(digest), bytes, 'hex') === hexOf(digest) ? bytes : 'leads to bytes that do not hash to it'
}

/** Bytes that the manifests name, that are there, and that no link ties. */
async function unlinked(
  { blobs }: RepositoryReading,
  manifests: readonly Manifest[],
  tied: Set<Digest>,
): Promise<Blob[]> {
  const found: Blob[] = []
  for (const { manifest } of manifests) {
    for (const { digest, kind } of manifest.references) {
      if (kind === 'child' || tied.has(digest)) continue
      tied.add(digest)
      const blob = await blobs.stat(digest)
      if (blob !== undefined) found.push(blob)
    }
  }
  return found
}

function unless(known: ReadonlySet<Digest>): (link: Link | Problem) => boolean {
  return (link) => 'why' in link || !known.has(link.digest)
}

async function sort<Found extends object, Result extends object>(
  found: readonly (Found | Problem)[],
  look: (found: Found) => Promise<Result | Problem>,
): Promise<[Result[], Problem[]]> {
  const results: Result[] = []
  const problems: Problem[] = []
  for (const result of await Promise.all(found.map(async (each) => ('why' in each ? each : await look(each))))) {
    if ('why' in result) problems.push(result)
    else results.push(result)
  }
  return [results, problems]
}

async function* batches<Item>(items: AsyncIterable<Item>, size = AT_ONCE): AsyncGenerator<Item[]> {
  let batch: Item[] = []
  for await (const item of items) {
    if (batch.push(item) < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function* partsOf(manifests: readonly Manifest[]): Generator<Manifest[]> {
  let part: Manifest[] = []
  let bytes = 0
  for (const manifest of manifests) {
    part.push(manifest)
    bytes += manifest.bytes.length
    if (bytes < PART_BYTES) continue
    yield part
    part = []
    bytes = 0
  }
  if (part.length > 0) yield part
}
