import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { publishFile, rewriteFile } from '../base/durable-file.ts'
import { OperatorError } from '../base/operator-error.ts'

const NEW_FILE_MODE = 0o600

/** How often, and how many milliseconds apart, it is tried while another command has the file. */
const TRIES = 50
const TRY_MS = 100
/** A command that was killed left its new file behind: after so many milliseconds it is taken for that. */
const STALE_MS = 60_000

/** What says that nothing can be put in the file's place, though it may be written itself: a mount, a foreign folder. */
const IN_PLACE = new Set(['EACCES', 'EBUSY', 'EPERM', 'EROFS', 'EXDEV'])

const HINTS: Readonly<Record<string, string>> = {
  EISDIR: 'name the file, not its folder',
  ENOENT: 'make its folder first',
  EROFS:
    'where a container has it mounted read-only, change it from one that may write to the folder: ' +
    'docker run --rm -it -v FOLDER:/auth IMAGE user add NAME --file /auth/htpasswd',
  ENOSPC: 'make room on the disk',
}

export function isThere(path: string): boolean {
  return existsSync(path)
}

/** The text of the file; empty where there is none. Throws an `OperatorError` where it cannot be read. */
export function textOfHtpasswd(path: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw cannot('read', path, error)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new OperatorError(
      `'${path}' is not UTF-8, so its lines could not be kept as they are`,
      'convert it with iconv',
    )
  }
}

/**
 * Puts what `edit` makes of the file's text in its place: whole or not at all, with its owner and mode, and durably.
 * A new file is for its owner alone. One command at a time: another waits.
 *
 * A file that nothing can be put in the place of (a mount of its own) is written in place, and the answer says so.
 * This blocks: it is for a command, not for the server. Throws an `OperatorError`, and what `edit` throws.
 */
export async function changeHtpasswd(path: string, edit: (text: string) => string): Promise<'replaced' | 'in place'> {
  const place = placeOf(path)
  const fresh = `${place}.new`
  let descriptor: number
  try {
    descriptor = await openAlone(fresh)
  } catch (error) {
    if (!IN_PLACE.has(codeOf(error)) || statsOf(place) === undefined) throw asTold(error, path)
    return writeInPlace(place, edit(textOfHtpasswd(place)))
  }
  try {
    const text = edit(textOfHtpasswd(place))
    try {
      fill(descriptor, text, statsOf(place))
      publishFile(fresh, place, dirname(place))
      return 'replaced'
    } catch (error) {
      if (!IN_PLACE.has(codeOf(error)) || statsOf(place) === undefined) throw error
      return writeInPlace(place, text)
    }
  } catch (error) {
    throw asTold(error, path)
  } finally {
    closeSync(descriptor)
    rmSync(fresh, { force: true })
  }
}

/** Throws an `OperatorError` where it is plain that `changeHtpasswd` could not: before somebody is asked for a password. */
export function refuseUnwritable(path: string): void {
  const place = placeOf(path)
  try {
    accessSync(dirname(place), constants.W_OK)
  } catch (error) {
    if (statsOf(place) === undefined) throw cannot('change', path, error)
    try {
      accessSync(place, constants.W_OK)
    } catch (ofItself) {
      throw cannot('change', path, ofItself)
    }
  }
}

function writeInPlace(place: string, text: string): 'in place' {
  try {
    rewriteFile(place, Buffer.from(text))
  } catch (error) {
    throw asTold(error, place)
  }
  return 'in place'
}

/** What a link leads to: the link itself stays. */
function placeOf(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return path
    throw cannot('read', path, error)
  }
}

function statsOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

/** Makes the file that must not be there yet. Who made it may change the other. */
async function openAlone(fresh: string): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    try {
      return openSync(fresh, 'wx', NEW_FILE_MODE)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    const since = statsOf(fresh)?.mtimeMs
    if (since !== undefined && Date.now() - since > STALE_MS) rmSync(fresh, { force: true })
    else if (tries >= TRIES) {
      throw new OperatorError(`Another command is changing the file: '${fresh}' is there`, 'end it, and try again')
    } else await pause(TRY_MS)
  }
}

function fill(descriptor: number, text: string, old: Stats | undefined): void {
  if (old !== undefined) {
    const mine = process.getuid?.() === old.uid && process.getgid?.() === old.gid
    if (!mine) fchownSync(descriptor, old.uid, old.gid)
    fchmodSync(descriptor, old.mode & 0o7777)
  }
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
}

function asTold(error: unknown, path: string): unknown {
  return error instanceof OperatorError || codeOf(error) === '' ? error : cannot('change', path, error)
}

function cannot(what: string, path: string, error: unknown): OperatorError {
  return new OperatorError(
    `Cannot ${what} the users in '${path}': ${error instanceof Error ? error.message : String(error)}`,
    HINTS[codeOf(error)] ?? 'run the command as a user who may read and write it',
  )
}

/** The system's; empty: not from there. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
