import type { Catalog } from '../catalog/catalog.ts'
import { everyRow } from './every-row.ts'
import { bringInLine, drainLinks } from './follow-links.ts'
import { LinkFiles, type LinkPlace, type Problem, pathOf } from './link-files.ts'
import { linksIn, repositoriesIn, tagsIn } from './link-files-walk.ts'
import { linkWanted } from './link-wanted.ts'
import type { VolumeContext } from './read-volume.ts'

export interface LinkSummary {
  /** Links that were looked at. */
  readonly links: number
  /** Links that were put right; with `check` those that should be. */
  readonly written: number
  /** What registry:2 would not have, or would have otherwise. */
  readonly problems: number
}

type Finding = 'right' | 'wrong' | { readonly why: string }

/**
 * Makes registry:2's links of hosted repositories say what the catalog says, and tells what registry:2 cannot hold.
 * Links that say more than the catalog are left: registry:2 may have written them since.
 *
 * `check`: changes nothing, and tells what it would.
 */
export async function exportLinks(context: VolumeContext, { check }: { check: boolean }): Promise<LinkSummary> {
  const { parts, root, tell, signal } = context
  const { catalog } = parts
  const links = new LinkFiles(root)
  const counts = { links: 0, written: 0, problems: 0 }
  const report = (problem: Problem) => {
    counts.problems += 1
    tell(problem)
  }
  if (!check) await drainLinks({ catalog, links })
  const names: string[] = []
  for await (const { name, kind } of everyRow(
    (page) => catalog.repositories(page),
    (row) => row.name,
  )) {
    if (kind === 'hosted') names.push(name)
  }

  for (const [index, repository] of names.entries()) {
    for await (const place of placesOf(catalog, repository)) {
      signal.throwIfAborted()
      counts.links += 1
      const finding = await settle({ catalog, links }, place, check)
      if (finding === 'right') continue
      if (finding === 'wrong') counts.written += 1
      if (finding !== 'wrong') report({ path: pathOf(place), why: finding.why })
      else if (check)
        tell({ path: pathOf(place), why: 'does not say what the catalog says; `export registry2` writes it' })
    }
    tell({ done: index + 1, total: names.length, what: repository })
  }
  for await (const problem of unknownLinks(context)) report(problem)
  return counts
}

async function settle(
  { catalog, links }: { catalog: Catalog; links: LinkFiles },
  place: LinkPlace,
  check: boolean,
): Promise<Finding> {
  const wanted = await linkWanted(catalog, place)
  if (wanted === undefined) return 'right'
  if (wanted.digest === undefined) return wanted.why === undefined ? 'right' : { why: `is not written: ${wanted.why}` }
  const found = await links.read(place)
  if (found !== undefined && 'digest' in found) {
    if (found.digest === wanted.digest) return 'right'
    const moved = place.what === 'tag' ? (await catalog.tag(place.repository, place.tag))?.movedAt : undefined
    if (moved !== undefined && found.changedAt > moved) {
      return { why: `was moved by registry:2 to ${found.digest}; \`import registry2\` reads it` }
    }
  }
  if (!check) await bringInLine({ catalog, links }, place)
  return 'wrong'
}

async function* placesOf(catalog: Catalog, repository: string): AsyncGenerator<LinkPlace> {
  for await (const { digest } of everyRow(
    (page) => catalog.blobs(repository, page),
    (row) => row.digest,
  )) {
    yield { repository, what: 'blob', digest }
  }
  for await (const { digest } of everyRow(
    (page) => catalog.manifests(repository, page),
    (row) => row.digest,
  )) {
    yield { repository, what: 'manifest', digest }
  }
  for await (const { name } of everyRow(
    (page) => catalog.tags(repository, page),
    (row) => row.name,
  )) {
    yield { repository, what: 'tag', tag: name }
  }
}

/** Links that say more than the catalog. */
async function* unknownLinks({ parts, root, signal }: VolumeContext): AsyncGenerator<Problem> {
  const why = 'is not in the catalog; `import registry2` reads it, or says why not'
  for await (const repository of repositoriesIn(root)) {
    signal.throwIfAborted()
    if (typeof repository !== 'string') continue
    const there = (await parts.catalog.repository(repository)) !== undefined
    for await (const place of linkedPlaces(root, repository)) {
      const wanted = there ? await linkWanted(parts.catalog, place) : { digest: undefined }
      if (wanted !== undefined && wanted.digest === undefined && !('why' in wanted)) yield { path: pathOf(place), why }
    }
  }
}

async function* linkedPlaces(root: string, repository: string): AsyncGenerator<LinkPlace> {
  for (const what of ['blob', 'manifest'] as const) {
    for await (const link of linksIn(root, repository, what)) {
      if ('digest' in link) yield { repository, what, digest: link.digest }
    }
  }
  for await (const link of tagsIn(root, repository)) {
    if ('digest' in link) yield { repository, what: 'tag', tag: link.tag }
  }
}
