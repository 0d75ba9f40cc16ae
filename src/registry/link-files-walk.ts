import { type Dirent, existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { digestFrom, isAlgorithm, isDigest } from '../oci/digest.ts'
import { isRepositoryName, isTag } from '../oci/name.ts'
import { type Link, type Problem, pathOf, REPOSITORIES, readLink } from './link-files.ts'

/** What makes a folder a repository; the other folders in it are others. */
const OWN_FOLDERS: readonly string[] = ['_layers', '_manifests', '_uploads']

/** Whether registry:2, or we, ever wrote a link there. */
export function hasRepositories(root: string): boolean {
  return existsSync(join(root, REPOSITORIES))
}

/** Names of the repositories, in no order that matters; they lie within each other's folders. */
export async function* repositoriesIn(root: string): AsyncGenerator<string | Problem> {
  const waiting = ['']
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const folder = join(REPOSITORIES, name)
    const entries = await entriesOf(root, folder)
    const own = entries.some((entry) => OWN_FOLDERS.includes(entry.name))
    if (own && isRepositoryName(name)) yield name
    else if (own) yield { path: `${folder}/`, why: 'is not named as a repository may be' }
    for (const entry of entries) {
      if (entry.name.startsWith('_')) continue
      const path = join(folder, entry.name)
      // Followed, it could lead anywhere, and in a circle.
      if (entry.isSymbolicLink()) yield { path, why: 'is a symbolic link' }
      if (entry.isDirectory()) waiting.push(name === '' ? entry.name : `${name}/${entry.name}`)
    }
  }
}

/** Every blob or manifest that a link of the repository names. */
export async function* linksIn(
  root: string,
  repository: string,
  what: 'blob' | 'manifest',
): AsyncGenerator<Link | Problem> {
  const home = join(REPOSITORIES, repository, what === 'blob' ? '_layers' : '_manifests/revisions')
  for (const algorithm of await foldersIn(root, home)) {
    for (const hex of await foldersIn(root, join(home, algorithm))) {
      const path = join(home, algorithm, hex, 'link')
      const link = await readLink(root, path)
      // registry:2 leaves folders behind when it takes a link away.
      if (link === undefined) continue
      if ('why' in link) yield link
      else if (isAlgorithm(algorithm) && isDigest(`${algorithm}:${hex}`) && digestFrom(algorithm, hex) === link.digest)
        yield link
      else yield { path, why: `names ${link.digest}, and lies under ${algorithm}:${hex}` }
    }
  }
}

export async function* tagsIn(
  root: string,
  repository: string,
): AsyncGenerator<(Link & { readonly tag: string }) | Problem> {
  for (const tag of await foldersIn(root, join(REPOSITORIES, repository, '_manifests/tags'))) {
    const path = pathOf({ repository, what: 'tag', tag })
    if (!isTag(tag)) {
      yield { path, why: 'is not named as a tag may be' }
      continue
    }
    const link = await readLink(root, path)
    if (link === undefined) yield { path, why: 'is missing: the tag is on nothing' }
    else yield 'why' in link ? link : { ...link, tag }
  }
}

/** Uploads that were begun with registry:2, and cannot be gone on with here. */
export async function* uploadsIn(root: string, repository: string): AsyncGenerator<Problem> {
  for (const folder of await uploadFoldersIn(root, repository)) {
    yield { path: `${folder}/`, why: 'is an upload that was never finished' }
  }
}

/** Their folders, relative to the folder of the volume. */
export async function uploadFoldersIn(root: string, repository: string): Promise<string[]> {
  const home = join(REPOSITORIES, repository, '_uploads')
  return (await foldersIn(root, home)).map((id) => join(home, id))
}

async function foldersIn(root: string, folder: string): Promise<string[]> {
  return (await entriesOf(root, folder)).filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

async function entriesOf(root: string, folder: string): Promise<Dirent[]> {
  try {
    return await readdir(join(root, folder), { withFileTypes: true })
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return []
    throw error
  }
}
