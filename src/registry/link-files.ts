import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { algorithmOf, type Digest, hexOf, isDigest } from '../oci/digest.ts'

/** A link file, by what it says something of. */
export type LinkPlace =
  | { readonly repository: string; readonly what: 'blob' | 'manifest'; readonly digest: Digest }
  | { readonly repository: string; readonly what: 'tag'; readonly tag: string }

export interface Link {
  readonly digest: Digest
  /** When the file was last written, in epoch milliseconds. */
  readonly changedAt: number
}

/** Something in the folder that cannot be used, and is left as it lies. */
export interface Problem {
  /** Relative to the folder of the volume; it ends in `/` for a folder. */
  readonly path: string
  /** Ends the sentence that begins with the path. */
  readonly why: string
}

/** Where the link files are, below the folder of the volume. */
export const REPOSITORIES = 'docker/registry/v2/repositories'

/**
 * The link files of registry:2, which say what a repository has:
 *
 *     docker/registry/v2/repositories/<name>/
 *       _layers/<alg>/<hex>/link                     a blob
 *       _manifests/revisions/<alg>/<hex>/link        a manifest
 *       _manifests/tags/<tag>/current/link           a tag
 *       _manifests/tags/<tag>/index/<alg>/<hex>/link what the tag was ever on
 *
 * Each holds a digest as text, without a newline. Names share folders: `a/_layers` lies beside `a/b/_layers`.
 *
 * They are a copy of what the catalog says. Nothing is synced: after a power cut `export registry2` completes them.
 */
export class LinkFiles {
  readonly #root: string

  /** `root`: folder of the volume. */
  constructor(root: string) {
    this.#root = resolve(root)
  }

  /** What the link says, or why it says nothing; `undefined` when there is none. */
  async read(place: LinkPlace): Promise<Link | Problem | undefined> {
    return await readLink(this.#root, pathOf(place))
  }

  /** Makes the link say `digest`. One that does already is left alone, and so keeps its time. */
  async write(place: LinkPlace, digest: Digest): Promise<void> {
    if (place.what === 'tag') await this.#put(join(folderOf(place), 'index', partsOf(digest), 'link'), digest)
    await this.#put(pathOf(place), digest)
  }

  /** Takes the link away, of a tag with all that it was ever on. Does nothing where there is none. */
  async remove(place: LinkPlace): Promise<void> {
    const folder = join(this.#root, folderOf(place))
    if (place.what === 'tag') {
      await rm(folder, { recursive: true, force: true })
      return
    }
    await unless(unlink(join(folder, 'link')), ['ENOENT', 'ENOTDIR'])
    await unless(rmdir(folder), ['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'])
  }

  async #put(path: string, digest: Digest): Promise<void> {
    const found = await readLink(this.#root, path)
    if (found !== undefined && 'digest' in found && found.digest === digest) return
    const target = join(this.#root, path)
    const temporary = join(dirname(target), `link.${randomUUID()}`)
    await makeFolder(dirname(target), this.#root)
    try {
      await writeFile(temporary, digest, { flag: 'wx' })
      await rename(temporary, target)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }
}

/** With what is missing above it, but never `root`: a volume that was moved away would be begun anew in its place. */
async function makeFolder(folder: string, root: string): Promise<void> {
  const make = () => unless(mkdir(folder), ['EEXIST'])
  try {
    await make()
  } catch (error) {
    if (dirname(folder) === root || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    await makeFolder(dirname(folder), root)
    await make()
  }
}

/** `path` is relative to `root`. */
export async function readLink(root: string, path: string): Promise<Link | Problem | undefined> {
  const whole = join(root, path)
  const found = await unless(stat(whole), ['ENOENT', 'ENOTDIR'])
  if (found === undefined) return undefined
  if (!found.isFile()) return { path, why: 'is no file' }
  // A link is at most 135 bytes long; what is larger is none, and is not read.
  if (found.size > 1024) return { path, why: `has ${found.size} bytes, and a link has at most 135` }
  const digest = (await readFile(whole, 'utf8')).trim()
  if (digest === '') return { path, why: 'is empty' }
  if (!isDigest(digest)) return { path, why: 'holds no digest' }
  return { digest, changedAt: Math.floor(found.mtimeMs) }
}

/** Relative to the folder of the volume. */
export function pathOf(place: LinkPlace): string {
  return place.what === 'tag' ? join(folderOf(place), 'current', 'link') : join(folderOf(place), 'link')
}

/** `<alg>/<hex>` */
function partsOf(digest: Digest): string {
  return join(algorithmOf(digest), hexOf(digest))
}

function folderOf(place: LinkPlace): string {
  const home = join(REPOSITORIES, place.repository)
  switch (place.what) {
    case 'blob':
      return join(home, '_layers', partsOf(place.digest))
    case 'manifest':
      return join(home, '_manifests/revisions', partsOf(place.digest))
    case 'tag':
      return join(home, '_manifests/tags', place.tag)
  }
}

async function unless<Value>(work: Promise<Value>, codes: readonly string[]): Promise<Value | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'code' in error && codes.includes(String(error.code))) return undefined
    throw error
  }
}
