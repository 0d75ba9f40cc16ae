import { truncateSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../base/operator-error.ts'
import { isDamage, SQLITE_BUSY, sqliteCode } from './sqlite.ts'

/** Two that start at once may write over each other's name; one of them holds it after a few rounds. */
const ROUNDS = 50

/** One that is taking it, or has just ended, is out of the way after these tries and pauses in milliseconds. */
const TRIES = 5
const PAUSE_MS = 20

interface Holder {
  pid: number
  host: string
  /** ISO 8601. */
  since: string
}

/**
 * Takes the folder of `path` for this process: one process a folder, because digest locks, leases and fills live in memory.
 *
 * It is a write transaction that stays open. The kernel frees it with the process, `kill -9` too. In WAL mode others
 * read meanwhile, and so can say who it is. Nothing in the file need survive, so nothing is synced, and what a power
 * cut made of it is thrown away.
 *
 * Invariant: nobody in this process opens the file by other means; to close a second descriptor would free the lock
 * (POSIX record locks).
 *
 * Throws an `OperatorError` where another process has it.
 */
export function lockVolume(path: string): Disposable {
  try {
    return lockUnlessDamaged(path) ?? lockAfresh(path)
  } catch (error) {
    if (error instanceof OperatorError) throw error
    const [because, remedy] = UNTAKEN[sqliteCode(error) ?? 0] ?? [
      error instanceof Error ? error.message : String(error),
      'see that it is on a local file system, and that this user may read and write all that is in it',
    ]
    throw new OperatorError(`The folder '${dirname(path)}' cannot be taken: ${because}`, remedy)
  }
}

const UNWRITABLE = [
  'this user may not write there, or its file system is read-only',
  'chown -R it to the user of the server, or run as its owner; mount it without :ro',
] as const

/** By SQLite's code: READONLY, FULL, CANTOPEN. */
const UNTAKEN: Readonly<Record<number, readonly [because: string, remedy: string]>> = {
  8: UNWRITABLE,
  13: ['its disk is full', 'make room: a few hundred KiB are enough to start, and to delete'],
  14: UNWRITABLE,
}

/** `undefined`: the file is none of SQLite's, which it cannot be while somebody holds it. */
function lockUnlessDamaged(path: string): Disposable | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    hold(database, path)
    const held = database
    return { [Symbol.dispose]: () => held.isOpen && held.close() }
  } catch (error) {
    database?.close()
    if (isDamage(error)) return undefined
    throw error
  }
}

/** In place, and never by another file: two that do this at once meet at the lock. */
function lockAfresh(path: string): Disposable {
  truncateSync(path)
  const lock = lockUnlessDamaged(path)
  if (lock === undefined) throw new Error('what it holds is damaged')
  return lock
}

/** Writes who holds it where others can read it, and then holds it. */
function hold(database: DatabaseSync, path: string): void {
  const me: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() }
  const mine = JSON.stringify(me)
  for (let round = 0; round < ROUNDS; round += 1) {
    begin(database, path)
    if (readHolder(database) === mine) return
    database.prepare('insert or replace into holder (id, who) values (1, ?)').run(mine)
    database.exec('commit')
  }
  throw taken(undefined, path)
}

function begin(database: DatabaseSync, path: string): void {
  for (let tries = 1; ; tries += 1) {
    try {
      database.exec(`pragma journal_mode = wal; pragma synchronous = off; begin exclusive;
        create table if not exists holder (id integer primary key, who text not null)`)
      return
    } catch (error) {
      if (sqliteCode(error) !== SQLITE_BUSY) throw error
      if (tries === TRIES) throw taken(readHolder(database), path)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    }
  }
}

function readHolder(database: DatabaseSync): string | undefined {
  try {
    return database.prepare('select who from holder').get()?.['who'] as string | undefined
  } catch {
    // The holder is about to make the table.
    return undefined
  }
}

function taken(holder: string | undefined, path: string): OperatorError {
  const folder = dirname(dirname(path))
  const hint = 'stop it first, or set storage.filesystem.rootdirectory to a folder of its own'
  if (holder === undefined) return new OperatorError(`The folder '${folder}' is in use by another process`, hint)
  const { pid, host, since } = JSON.parse(holder) as Holder
  const where = host === hostname() ? '' : ` on '${host}'`
  return new OperatorError(`The folder '${folder}' is in use by process ${pid}${where} since ${since}`, hint)
}
