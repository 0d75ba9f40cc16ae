import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../base/operator-error.ts'
import { MIGRATIONS, migrate, SCHEMA_VERSION, schemaVersion } from './migrate.ts'

/** How long a statement waits for another connection's lock, in milliseconds. */
const BUSY_MS = 5_000

/** What the write-ahead log is cut back to after a large transaction, in bytes. */
const LOG_SIZE = 64 * 1024 * 1024

/** A larger catalog is not read through at each start, in bytes: that would take seconds. Each day's copy reads it. */
const LARGEST_CHECKED = 256 * 1024 * 1024

const REBUILD =
  'stop the server and run `homeport rebuild` with its configuration: it keeps the damaged file, and gets back what the disk has'

/** SQLite's result codes (https://sqlite.org/rescode.html). */
export const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

export interface OpenOptions {
  /** Keeps what is there before a migration of that schema's version begins. What it throws keeps the migration from beginning. */
  readonly keep?: (version: number, copyTo: (path: string) => void) => void
  /** For tests: what makes each version of the schema. */
  readonly migrations?: readonly string[]
}

/**
 * Opens the writing connection, making the file and bringing its schema up to date if need be.
 *
 * Every commit is synced (`synchronous = full`) until `openWriter` says otherwise for one.
 *
 * Throws an `OperatorError` where the file is not ours to write: of a newer program, damaged, or on a file system
 * that cannot hold it.
 */
export function openDatabase(path: string, { keep, migrations = MIGRATIONS }: OpenOptions = {}): DatabaseSync {
  return opened(path, {}, (database) => {
    refuseNewer(database, path, migrations.length)
    refuseDamaged(database, path)
    const mode = database.prepare('pragma journal_mode = wal').get()?.['journal_mode']
    if (mode !== 'wal') {
      throw new OperatorError(
        `The catalog '${path}' lies on a file system that cannot share memory between processes`,
        'put storage.filesystem.rootdirectory on a local file system',
      )
    }
    database.exec(`pragma synchronous = full; pragma journal_size_limit = ${LOG_SIZE}`)
    const version = schemaVersion(database)
    if (version > 0 && version < migrations.length) {
      keep?.(version, (to) => void database.prepare('vacuum into ?').run(to))
    }
    migrate(database, migrations)
  })
}

/** Opens a connection that only reads, beside the writing one, which was opened first. */
export function openForReading(path: string): DatabaseSync {
  return opened(path, { readOnly: true }, (database) => refuseNewer(database, path))
}

/** The number that SQLite gave an error, without its extension. */
export function sqliteCode(error: unknown): number | undefined {
  const code: unknown = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}

/** Whether the file holds what SQLite did not write there. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB
}

function opened(
  path: string,
  options: { readOnly?: boolean },
  prepare: (database: DatabaseSync) => void,
): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { ...options, timeout: BUSY_MS, enableForeignKeyConstraints: true })
    database.exec('pragma temp_store = memory')
    prepare(database)
    return database
  } catch (error) {
    database?.close()
    throw explained(error, path)
  }
}

/** A page that cannot be read would be found by some request, in weeks perhaps, when the good copies are gone. */
function refuseDamaged(database: DatabaseSync, path: string): void {
  if (statSync(path).size > LARGEST_CHECKED) return
  const said = database.prepare('pragma quick_check(1)').get()?.['quick_check']
  if (said !== 'ok') throw new OperatorError(`The catalog '${path}' is damaged: ${String(said)}`, REBUILD)
}

function refuseNewer(database: DatabaseSync, path: string, known: number = SCHEMA_VERSION): void {
  const version = schemaVersion(database)
  if (version <= known) return
  throw new OperatorError(
    `The catalog '${path}' has schema version ${version}, and this program knows up to ${known}: a newer Homeport wrote it`,
    'run that newer version, or put back a copy that was made before it ran',
  )
}

function explained(error: unknown, path: string): unknown {
  const code = sqliteCode(error)
  if (code === undefined || error instanceof OperatorError) return error
  const said = error instanceof Error ? error.message : String(error)
  if (isDamage(error)) {
    return new OperatorError(`The catalog '${path}' is damaged, or no SQLite file: ${said}`, REBUILD)
  }
  return new OperatorError(
    `The catalog '${path}' cannot be opened: ${said}`,
    'see that the folder is there, that this user may write to it, and that its disk is not full',
  )
}
