import { once } from 'node:events'
import { readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Log } from '../base/log.ts'
import { OperatorError } from '../base/operator-error.ts'
import { dailyName, hasRoom, surplusCopies } from '../ops/backups.ts'
import type { BackupEnd, BackupSetup } from './backup-thread.ts'
import { type CatalogFiles, catalogFilesOf } from './catalog-files.ts'
import { unpack } from './writer-messages.ts'

/**
 * Makes the day's copy of the catalog if it is not there, and lets go of what is too old. Does nothing else, and harms
 * nothing: throws an `OperatorError` where there is no room.
 */
export async function backUp({ root, now, log }: { root: string; now: number; log: Log }): Promise<void> {
  const files = catalogFilesOf(root)
  const name = dailyName(now)
  if ((await namesIn(files.backups)).includes(name)) return
  await refuseWithoutRoom(files)
  const to = join(files.backups, name)
  try {
    await copyOnThread({ root, catalog: files.catalog, copy: files.copy, to })
  } finally {
    await rm(files.copy, { force: true })
  }
  log.info({ file: to }, 'the catalog has been copied')
  for (const old of surplusCopies(await namesIn(files.backups))) await rm(join(files.backups, old), { force: true })
}

async function refuseWithoutRoom({ catalog }: CatalogFiles): Promise<void> {
  const sizes = await Promise.all([catalog, `${catalog}-wal`].map(async (path) => (await sizeOf(path)) ?? 0))
  const size = sizes.reduce((sum, each) => sum + each, 0)
  const { bavail, bsize } = await statfs(catalog)
  if (hasRoom(bavail * bsize, size)) return
  throw new OperatorError(
    `There is no room for today's copy of the catalog: it has ${size} bytes, and ${bavail * bsize} are free`,
    'make room on the disk of storage.filesystem.rootdirectory; the copy is tried again each hour',
  )
}

async function copyOnThread(setup: BackupSetup): Promise<void> {
  // Named by the running file's own ending: the compiler does not rewrite it.
  const file = import.meta.url.endsWith('.ts') ? './backup-thread.ts' : './backup-thread.js'
  const worker = new Worker(new URL(file, import.meta.url), { workerData: setup })
  const [[{ error }]] = (await Promise.all([once(worker, 'message'), once(worker, 'exit')])) as [[BackupEnd], unknown]
  if (error !== undefined) throw unpack(error)
}

async function namesIn(folder: string): Promise<string[]> {
  return (await unlessAbsent(readdir(folder))) ?? []
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await unlessAbsent(stat(path)))?.size
}

async function unlessAbsent<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
