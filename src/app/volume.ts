import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { OperatorError } from '../base/operator-error.ts'
import type { BlobStore } from '../blobs/blob-store.ts'
import { FsBlobStore } from '../blobs/fs-blob-store.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { openReads } from '../catalog/sqlite-reads.ts'
import { lockVolume } from '../catalog/volume-lock.ts'
import { startWriter } from './writer.ts'

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
  /** Whether the disk takes what is written now. Rejects with what it said. */
  readonly tryDisk: () => Promise<void>
  readonly writerDied: Promise<Error>
}

/** Throws an `OperatorError` where another process holds the folder, or it is not what it should be. */
export async function openVolume({ rootdirectory, mustexist }: VolumeOptions): Promise<Volume> {
  const root = resolve(rootdirectory)
  const own = join(root, 'homeport')
  const mark = join(own, 'volume')
  if (mustexist) refuseEmpty(root, mark)
  await makeFolder(own)

  await using stack = new AsyncDisposableStack()
  stack.use(lockVolume(join(own, 'lock.db')))
  if (!existsSync(mark))
    await writeFile(
      mark,
      'A volume of Homeport. With storage.filesystem.mustexist, the server starts only where this file is.\n',
    )
  const catalogFile = join(own, 'catalog.db')
  const writer = stack.use(await startWriter({ root, catalogFile }))
  const catalog = stack.use(openReads(catalogFile, writer.write))
  const blobs = stack.use(new FsBlobStore({ root, publish: writer.publish }))
  const held = stack.move()
  return {
    root,
    catalog,
    blobs,
    tryDisk: () => writer.tryDisk(join(own, 'probe')),
    writerDied: writer.died,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** A folder of registry:2 is a volume too: it is adopted in place. */
function refuseEmpty(root: string, mark: string): void {
  if (existsSync(mark) || existsSync(join(root, 'docker', 'registry', 'v2'))) return
  throw new OperatorError(
    `There is no volume at '${root}', and storage.filesystem.mustexist is on: is the disk mounted?`,
    `mount it; for a new volume: mkdir -p '${join(root, 'homeport')}' && touch '${mark}'`,
  )
}

async function makeFolder(folder: string): Promise<void> {
  try {
    // Manifests of private repositories are in there, and the door for commands.
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new OperatorError(
      `The data folder cannot be made: ${cause instanceof Error ? cause.message : String(cause)}`,
      'set storage.filesystem.rootdirectory to a folder that this user may write to',
    )
  }
}
