import { existsSync, rmSync } from 'node:fs'
import { mkdir, readdir, rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { OperatorError } from '../base/operator-error.ts'
import { FsBlobStore } from '../blobs/fs-blob-store.ts'
import type { Remains } from '../catalog/catalog.ts'
import { salvage } from '../catalog/salvage.ts'
import { openReads } from '../catalog/sqlite-reads.ts'
import { lockVolume } from '../catalog/volume-lock.ts'
import { dailyCopies } from '../ops/backups.ts'
import { type RebuildSummary, rebuild } from '../registry/rebuild.ts'
import { type CatalogFiles, catalogFilesOf, installRebuilt } from './catalog-files.ts'
import type { OperationContext } from './operations.ts'
import type { VolumeOptions } from './volume.ts'
import { startWriter } from './writer.ts'

/**
 * Makes a new catalog of what the disk says, beside the old one, and lets it take that one's place when it is whole: a
 * run that is cut short changes nothing. The server must not run. Resolves to the exit code.
 */
export async function rebuildVolume(
  { rootdirectory }: Pick<VolumeOptions, 'rootdirectory'>,
  { tell, signal }: Pick<OperationContext, 'tell' | 'signal'>,
): Promise<number> {
  const root = resolve(rootdirectory)
  if (!existsSync(join(root, 'homeport')) && !existsSync(join(root, 'docker/registry/v2'))) {
    throw new OperatorError(
      `There is no volume at '${root}'`,
      'name the configuration of the server whose folder it is',
    )
  }
  await mkdir(join(root, 'homeport'), { recursive: true, mode: 0o700 })
  using _ = lockVolume(join(root, 'homeport', 'lock.db'))
  const files = catalogFilesOf(root)
  installRebuilt(files)
  removeDatabase(files.rebuilding)

  const sources = await readSources(files, (note) => tell({ note }))
  const summary = await fill({ root, files, sources }, { tell, signal })
  await rename(files.rebuilding, files.rebuilt)
  const kept = installRebuilt(files)
  if (kept !== undefined) tell({ note: `the old catalog is kept as '${kept}'; remove it when nothing is missed` })
  tell({ note: sentenceOf(summary) })
  return 0
}

async function readSources(files: CatalogFiles, note: (text: string) => void) {
  const catalog = existsSync(files.catalog) ? salvage(files.catalog) : undefined
  if (catalog === undefined) note('the catalog is not there')
  for (const loss of catalog?.losses ?? []) note(`of the catalog is lost: ${loss}`)
  if (catalog !== undefined && catalog.losses.length === 0) {
    note('the catalog can be read whole; it is made anew all the same')
    return { catalog }
  }
  const backup = await newestBackup(files, note)
  return { ...(catalog && { catalog }), ...(backup && { backup }) }
}

/** The newest copy that can be read whole. */
async function newestBackup({ backups }: CatalogFiles, note: (text: string) => void): Promise<Remains | undefined> {
  for (const name of dailyCopies(existsSync(backups) ? await readdir(backups) : [])) {
    const remains = salvage(join(backups, name))
    if (remains.losses.length === 0) {
      note(`what link files cannot hold is taken from the copy '${name}'; what was deleted since may come back by that`)
      return remains
    }
    note(`the copy '${name}' is damaged, too`)
  }
  note(
    'there is no copy of the catalog: what link files cannot hold (sha512, types that registry:2 does not know) is lost',
  )
  return undefined
}

async function fill(
  { root, files, sources }: { root: string; files: CatalogFiles; sources: { catalog?: Remains; backup?: Remains } },
  { tell, signal }: Pick<OperationContext, 'tell' | 'signal'>,
): Promise<RebuildSummary> {
  await using writer = await startWriter({ root, catalogFile: files.rebuilding })
  await using catalog = openReads(files.rebuilding, writer.write)
  await using blobs = new FsBlobStore({ root, publish: writer.publish })
  return await rebuild(
    {
      parts: { catalog, blobs, now: Date.now },
      ...{ root, signal },
      tell(news) {
        if ('why' in news) tell({ row: { path: news.path, why: news.why } })
        else tell({ progress: { ...news, what: 'repositories' } })
      },
    },
    sources,
  )
}

function removeDatabase(path: string): void {
  for (const suffix of ['-shm', '-wal', '']) rmSync(`${path}${suffix}`, { force: true })
}

function sentenceOf({ repositories, manifests, tags, blobs, uploads, problems, unnamed }: RebuildSummary): string {
  return (
    `rebuilt: ${repositories} repositories, ${manifests} manifests, ${tags} tags, ${blobs} blobs, ${uploads} uploads; ` +
    `${problems} problems; ${unnamed} manifests that nothing names`
  )
}
