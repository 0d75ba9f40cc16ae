import type { Catalog } from '../catalog/catalog.ts'
import type { Data } from '../catalog/commands.ts'
import type { Digest } from '../oci/digest.ts'
import type { Problem } from './link-files.ts'
import { readScheduled } from './link-files-scheduler.ts'
import { repositoriesIn } from './link-files-walk.ts'
import type { Parts } from './parts.ts'
import { type RepositoryPart, readRepository } from './read-repository.ts'

/** Parts that may wait for the writer at once: they share a transaction, and so a sync. */
const PARTS_AT_ONCE = 32

export interface VolumeContext {
  readonly parts: Pick<Parts, 'catalog' | 'blobs' | 'now'>
  /** Folder of the volume. */
  readonly root: string
  readonly tell: (news: VolumeNews) => void
  readonly signal: AbortSignal
}

/** How far it is, `what` being the repository that was read last; or what could not be used. */
export type VolumeNews = { readonly done: number; readonly total: number; readonly what: string } | Problem

export interface VolumeSummary {
  /** Names of the repositories that were found, by their kind. */
  readonly hosted: readonly string[]
  readonly cached: readonly string[]
  /** How many are new to the catalog. */
  readonly manifests: number
  readonly tags: number
  readonly blobs: number
  readonly problems: number
}

/** What is in the catalog already, and is not read again. */
export interface Known {
  readonly manifests: ReadonlySet<Digest>
  readonly blobs: ReadonlySet<Digest>
  /** Whether the tag's link says nothing that the catalog does not know. */
  hasTag(tag: RepositoryPart['tags'][number]): boolean
}

/**
 * Reads into the catalog what registry:2's links say, for each repository that `known` says something of; one of
 * which it says `undefined` is passed by.
 *
 * A repository with a manifest that a proxying registry:2 listed is *cached*; all else is *hosted*.
 */
export async function readVolume(
  context: VolumeContext,
  known: (repository: string) => Promise<Known | undefined>,
): Promise<VolumeSummary> {
  const { parts, root, tell, signal } = context
  const counts = { manifests: 0, tags: 0, blobs: 0, problems: 0 }
  const report = (problem: Problem) => {
    counts.problems += 1
    tell(problem)
  }
  const scheduled = await readScheduled(root)
  if (scheduled.problem !== undefined) report(scheduled.problem)
  const names = await namesIn(root, report)
  const writing = new Writing(parts.catalog)

  async function read(repository: string): Promise<void> {
    const there = await known(repository)
    if (there === undefined) return
    const listed = scheduled.manifests.get(repository)
    const kind = listed === undefined ? 'hosted' : 'cached'
    let empty = true
    for await (const part of readRepository({
      root,
      blobs: parts.blobs,
      repository,
      known: there,
      ...(listed && { listed }),
    })) {
      signal.throwIfAborted()
      part.problems.forEach(report)
      const { blobs, manifests } = part
      const tags = part.tags.filter((tag) => !there.hasTag(tag))
      if (blobs.length + manifests.length + tags.length === 0) continue
      empty = false
      counts.blobs += blobs.length
      counts.manifests += manifests.length
      counts.tags += tags.length
      await writing.add({ repository, kind, blobs, manifests, tags, complete: false })
    }
    // Nothing usable makes no repository.
    if (!empty) await writing.add({ repository, kind, blobs: [], manifests: [], tags: [], complete: true })
  }

  for (const [index, repository] of names.entries()) {
    signal.throwIfAborted()
    await read(repository)
    tell({ done: index + 1, total: names.length, what: repository })
  }
  await writing.end()
  return { ...(await byKind(parts.catalog, names)), ...counts }
}

async function namesIn(root: string, report: (problem: Problem) => void): Promise<string[]> {
  const names: string[] = []
  for await (const name of repositoriesIn(root)) {
    if (typeof name === 'string') names.push(name)
    else report(name)
  }
  return names.sort()
}

async function byKind(catalog: Catalog, names: readonly string[]): Promise<{ hosted: string[]; cached: string[] }> {
  const found: { hosted: string[]; cached: string[] } = { hosted: [], cached: [] }
  for (const name of names) {
    const repository = await catalog.repository(name)
    if (repository !== undefined) found[repository.kind].push(name)
  }
  return found
}

/** Sends parts in their order, and waits only when many are on their way. */
class Writing {
  readonly #catalog: Catalog
  #waiting: Promise<unknown>[] = []

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  async add(part: Data<'adopt'>): Promise<void> {
    const sent = this.#catalog.write('adopt', part)
    // It is thrown where it is awaited, which is later.
    sent.catch(() => undefined)
    this.#waiting.push(sent)
    if (this.#waiting.length >= PARTS_AT_ONCE) await this.end()
  }

  async end(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    await Promise.all(waiting)
  }
}
