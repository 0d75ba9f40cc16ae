import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { SQLITE_BUSY, sqliteCode } from './sqlite.ts'

/** Pages after which what the log holds goes into the database file: as many as SQLite takes by itself. */
const PAGES = 1_000

/**
 * The log of the writing connection, and whether it may be built upon.
 *
 * Linux tells of a failed write-back once, and then takes the pages for clean: what they held may never reach the disk,
 * though every later sync goes well. After a power cut SQLite reads the log up to the first frame that is not whole. So
 * a commit behind a frame that was lost is lost too, however well it was synced itself; and a page that is moved from
 * such a log into the database file has nothing behind it that could mend it.
 *
 * Therefore a failure makes the log *doubted*, and its bytes are written anew and synced before the next commit, and
 * before anything is moved. At the start it is doubted as well: nobody knows how the process before this one ended.
 * SQLite says nothing of a failed sync when it moves pages by itself, so that is done here.
 */
export class WriteAheadLog {
  readonly #renew: () => void
  readonly #inform: StatementSync
  readonly #move: StatementSync
  #doubted = true

  constructor(database: DatabaseSync, renew: () => void) {
    database.exec('pragma wal_autocheckpoint = 0')
    this.#renew = renew
    this.#inform = database.prepare('pragma wal_checkpoint(noop)')
    this.#move = database.prepare('pragma wal_checkpoint(passive)')
    this.#tryToMend()
  }

  /** To be called before a transaction. Throws what keeps the log from being trusted. */
  mend(): void {
    if (!this.#doubted) return
    this.#renew()
    this.#doubted = false
  }

  /** A transaction failed. Tries to put it right at once, while the pages are still in memory; `mend` says whether that went well. */
  doubt(error: unknown): void {
    // Another connection's lock is no fault of the disk.
    if (sqliteCode(error) === SQLITE_BUSY) return
    this.#doubted = true
    this.#tryToMend()
  }

  /** To be called after a transaction. */
  keepShort(): void {
    try {
      const pages = this.#inform.get()?.['log']
      if (typeof pages === 'number' && pages >= PAGES) this.#move.get()
    } catch (error) {
      this.doubt(error)
    }
  }

  #tryToMend(): void {
    try {
      this.mend()
    } catch {
      // The next transaction finds out.
    }
  }
}
