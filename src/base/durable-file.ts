import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Files that outlive a power cut. Everything here blocks: it is for the writer
 * thread, and for commands that have no server.
 *
 * `publishFile` calls, in this order:
 *
 *     open fsync close     the file
 *     mkdir                each folder that is missing, from the top
 *     link                 what lies there now, if anything: kept until all went well
 *     rename               over what lies there
 *     open fsync close     the folder of the file, then the parent of each folder that was made
 *     unlink               what was kept
 *
 * What it does not cover:
 *
 * - Linux tells of a failed write-back once, and takes the pages for clean: a second
 *   `fsync` says yes. Who tries again must write the bytes anew before.
 * - A folder that a killed process made, and had not synced, is taken for an old one
 *   (a journal writes it with the next sync of what is in it).
 * - A file system that cannot sync folders (EINVAL: some network shares) is let be.
 * - Where nothing can be linked (FAT), what was replaced cannot be put back after a failed
 *   sync of a folder: then the new file stays, whole, and `from` is gone.
 * - A disk that says it wrote, and did not.
 */

export type Step = 'sync file' | 'make folder' | 'rename' | 'sync folder'

/** Which step failed, at which path, and what the system said. */
class DurableFileError extends Error {
  override readonly name = 'DurableFileError'
  readonly step: Step
  /** The system's: `ENOSPC`, `EIO`, … */
  readonly code: string | undefined

  constructor(step: Step, path: string, cause: unknown) {
    super(`Cannot ${step} ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.step = step
    this.code = codeOf(cause)
  }
}

/** What takes one finished step back, for when a later one fails. The last one goes first. */
type Undo = (() => void)[]

/**
 * Makes the file at `from` the file at `to`, durably, in place of what may lie there. Missing folders are
 * made below `root`, which must be there.
 *
 * Throws a `DurableFileError`. Then `from` and what lay at `to` are where they were, and the folders that
 * were made are gone, so that a second try makes and syncs them again.
 */
export function publishFile(from: string, to: string, root: string): void {
  take('sync file', from, () => sync(from))
  const undo: Undo = []
  try {
    const made = makeFolders(dirname(resolve(to)), resolve(root), undo)
    const aside = setAside(to, `${from}.replaced`, undo)
    const canGoBack = aside !== undefined || !existsSync(to)
    take('rename', to, () => renameSync(from, to))
    if (canGoBack) undo.push(() => renameSync(to, from))
    for (const folder of [dirname(to), ...made.map(dirname)]) take('sync folder', folder, () => syncFolder(folder))
    if (aside !== undefined) attempt(() => unlinkSync(aside))
  } catch (error) {
    for (const back of undo.reverse()) attempt(back)
    throw error
  }
}

/**
 * Makes `bytes` the content of the file at `path`, which stays the file that it is: for one that nothing can be
 * renamed over, because it is a mount of its own. A reader may see half of it, and so does the next start after a
 * power cut.
 */
export function rewriteFile(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'r+')
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at, at)
    ftruncateSync(descriptor, bytes.length)
    take('sync file', path, () => fsyncSync(descriptor))
  } finally {
    closeSync(descriptor)
  }
}

/** Makes what a file holds now outlive a power cut. Its name may still be taken by one, where its folder was not synced. */
export function syncFile(path: string): void {
  take('sync file', path, () => sync(path))
}

/** Makes a file durable whose sync may have failed: writes what it holds anew, in place. Does nothing where there is none. */
export function renewFile(path: string): void {
  if (existsSync(path)) rewriteFile(path, readFileSync(path))
}

/**
 * Takes a file away, and says whether there was one. Not synced: an unlink that a power cut takes back
 * leaves a file that nothing names.
 */
export function removeFile(path: string): boolean {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false
    throw error
  }
}

/** Enough that a disk which takes it takes a manifest and its row too. */
const TRIAL = Buffer.alloc(64 * 1024, 'homeport ')

/** Writes a file at `path`, syncs it, reads it back and takes it away. Throws where the disk does not do that now. */
export function tryDisk(path: string): void {
  try {
    writeFileSync(path, TRIAL)
    sync(path)
    // It comes from the system's memory, most likely: what this finds is a disk that says yes and keeps nothing.
    if (!readFileSync(path).equals(TRIAL)) throw new Error(`What was written to ${path} is not what is read from it`)
  } finally {
    attempt(() => unlinkSync(path))
  }
}

/** Makes what is missing of `folder` below `root`. Returns what it made, the deepest first. */
function makeFolders(folder: string, root: string, undo: Undo): string[] {
  if (folder === root || folder === dirname(folder) || existsSync(folder)) return []
  const above = makeFolders(dirname(folder), root, undo)
  take('make folder', folder, () => mkdirSync(folder))
  undo.push(() => rmdirSync(folder))
  return [folder, ...above]
}

/** Keeps what lies at `path` under a second name. `undefined`: nothing lies there, or it cannot be linked. */
function setAside(path: string, aside: string, undo: Undo): string | undefined {
  if (!existsSync(path)) return undefined
  attempt(() => unlinkSync(aside))
  if (!attempt(() => linkSync(path, aside))) return undefined
  undo.push(() => {
    renameSync(aside, path)
    // Two names of one file: nothing was replaced, and the rename did nothing.
    rmSync(aside, { force: true })
  })
  return aside
}

function syncFolder(folder: string): void {
  try {
    sync(folder)
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function take(step: Step, path: string, act: () => void): void {
  try {
    act()
  } catch (cause) {
    throw new DurableFileError(step, path, cause)
  }
}

function attempt(act: () => void): boolean {
  try {
    act()
    return true
  } catch {
    return false
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
