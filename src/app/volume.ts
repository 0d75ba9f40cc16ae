import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { OperatorError } from '../base/operator-error.ts'
import type { BlobStore } from '../blobs/blob-store.ts'
import { FsBlobStore } from '../blobs/fs-blob-store.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { CommandName, Write } from '../catalog/commands.ts'
import { openReads } from '../catalog/sqlite-reads.ts'
import { lockVolume } from '../catalog/volume-lock.ts'
import { catalogFilesOf, installRebuilt } from './catalog-files.ts'
import { startWriter } from './writer.ts'

const MARK = 'A volume of Homeport. With storage.filesystem.mustexist, the server starts only where this file is.\n'

export interface VolumeOptions {
  readonly rootdirectory: string
  /** Refuse a folder that is no volume: an empty mount point, most likely. */
  readonly mustexist: boolean
}

/** A data folder, held by this process alone. Closing it lets go of everything, in reverse order. */
export interface Volume extends AsyncDisposable {
  readonly root: string
  readonly catalog: Catalog
  readonly blobs: BlobStore
  /** Downloads that are not whole, beside `blobs`, with which it shares what is committed. */
  readonly fills: BlobStore
  /** Whether the disk takes what is written now. Rejects with what it said. */
  readonly tryDisk: () => Promise<void>
  readonly writerDied: Promise<Error>
  readonly writerQueue: () => number
  /** Calls back after each command that was committed from now on. */
  readonly onWritten: (listener: (name: CommandName) => void) => void
}

/** Throws an `OperatorError` where another process holds the folder, or it is not what it should be. */
export async function openVolume({ rootdirectory, mustexist }: VolumeOptions): Promise<Volume> {
  const root = resolve(rootdirectory)
  const own = join(root, 'homeport')
  const mark = markOf(root)
  if (mustexist) refuseEmpty(root, mark)
  await makeFolder(own)

  await using stack = new AsyncDisposableStack()
  stack.use(lockVolume(join(own, 'lock.db')))
  const files = catalogFilesOf(root)
  installRebuilt(files)
  await refuseLost(files.catalog, mark)
  const writer = stack.use(await startWriter({ root, catalogFile: files.catalog, backups: files.backups }))
  const listeners: ((name: CommandName) => void)[] = []
  const write: Write = async (name, data) => {
    const answer = await writer.write(name, data)
    for (const listener of listeners) listener(name)
    return answer
  }
  const catalog = stack.use(openReads(files.catalog, write))
  // Behind the catalog: that the mark has its text says that there was one.
  if ((await textIn(mark)) === '') await writeFile(mark, MARK)
  const blobs = stack.use(new FsBlobStore({ root, publish: writer.publish }))
  const { publish, makeDurable } = writer
  const fills = stack.use(new FsBlobStore({ root, publish, makeDurable, incoming: 'homeport/fills' }))
  const held = stack.move()
  return {
    root,
    catalog,
    blobs,
    fills,
    tryDisk: () => writer.tryDisk(join(own, 'probe')),
    writerDied: writer.died,
    onWritten: (listener) => void listeners.push(listener),
    writerQueue: writer.queue,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Begun anew without a word, it would serve what links and nothing else say, and the rest would be missed in weeks. */
async function refuseLost(catalog: string, mark: string): Promise<void> {
  if (existsSync(catalog) || (await textIn(mark)) === '') return
  throw new OperatorError(
    `The catalog '${catalog}' is not there, and this volume had one`,
    `put it back, or run \`homeport rebuild\` with this configuration; to begin without it: rm '${mark}'`,
  )
}

async function textIn(mark: string): Promise<string> {
  return existsSync(mark) ? await readFile(mark, 'utf8') : ''
}

/**
 * Rejects where the folder is no volume now: it was moved away, or its disk is not mounted, and what is made there would
 * be hidden below it later.
 */
export async function seeVolume(root: string): Promise<void> {
  await readdir(root)
  await readFile(markOf(root))
}

function markOf(root: string): string {
  return join(root, 'homeport', 'volume')
}

/** A folder of registry:2 is a volume too: it is adopted in place. */
function refuseEmpty(root: string, mark: string): void {
  if (existsSync(mark) || existsSync(join(root, 'docker', 'registry', 'v2'))) return
  throw new OperatorError(
    `There is no volume at '${root}', and storage.filesystem.mustexist is on: is the disk mounted?`,
    `mount it; for a new volume: mkdir -p '${join(root, 'homeport')}' && touch '${mark}'`,
  )
}

function firstMissing(folder: string): string {
  const above = dirname(folder)
  return existsSync(above) ? folder : firstMissing(above)
}

async function makeFolder(folder: string): Promise<void> {
  try {
    // Manifests of private repositories are in there, and the door for commands.
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    // Of many folders at once Node says ENOENT where the file system is read-only.
    const why = await mkdir(firstMissing(folder)).then(
      () => cause,
      (error: unknown) => error,
    )
    throw new OperatorError(
      `The data folder '${folder}' cannot be made: ${why instanceof Error ? why.message : String(why)}`,
      'set storage.filesystem.rootdirectory to a folder that this user may write to; mount it without :ro',
    )
  }
}
