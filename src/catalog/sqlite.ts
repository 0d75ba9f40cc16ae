import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../base/operator-error.ts'
import { migrate, SCHEMA_VERSION, schemaVersion } from './migrate.ts'

/** How long a statement waits for another connection's lock, in milliseconds. */
const BUSY_MS = 5_000

/** What the write-ahead log is cut back to after a large transaction, in bytes. */
const LOG_SIZE = 64 * 1024 * 1024

/** SQLite's result codes (https://sqlite.org/rescode.html). */
export const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

/**
 * Opens the writing connection, making the file and bringing its schema up to date if need be.
 *
 * Every commit is synced (`synchronous = full`) until `openWriter` says otherwise for one.
 *
 * Throws an `OperatorError` where the file is not ours to write: of a newer program, damaged, or on a file system
 * that cannot hold it.
 */
export function openDatabase(path: string): DatabaseSync {
  return opened(path, {}, (database) => {
    refuseNewer(database, path)
    const mode = database.prepare('pragma journal_mode = wal').get()?.['journal_mode']
    if (mode !== 'wal') {
      throw new OperatorError(
        `The catalog '${path}' lies on a file system that cannot share memory between processes`,
        'put storage.filesystem.rootdirectory on a local file system',
      )
    }
    database.exec(`pragma synchronous = full; pragma journal_size_limit = ${LOG_SIZE}`)
    migrate(database)
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

function refuseNewer(database: DatabaseSync, path: string): void {
  const version = schemaVersion(database)
  if (version <= SCHEMA_VERSION) return
  throw new OperatorError(
    `The catalog '${path}' has schema version ${version}, and this program knows up to ${SCHEMA_VERSION}: a newer Homeport wrote it`,
    'run that newer version, or put back a copy that was made before it ran',
  )
}

function explained(error: unknown, path: string): unknown {
  const code = sqliteCode(error)
  if (code === undefined) return error
  const said = error instanceof Error ? error.message : String(error)
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    return new OperatorError(
      `The catalog '${path}' is damaged, or no SQLite file: ${said}`,
      "put back a copy of it; without one, move the folder 'homeport' away: the next start reads what registry:2's link files say",
    )
  }
  return new OperatorError(
    `The catalog '${path}' cannot be opened: ${said}`,
    'see that the folder is there, that this user may write to it, and that its disk is not full',
  )
}
