import type { DatabaseSync } from 'node:sqlite'
import type { Write } from './commands.ts'
import { SQLITE_COMMANDS } from './sqlite-commands.ts'
import { Statements } from './statements.ts'
import { WriteAheadLog } from './write-ahead-log.ts'

interface Waiting {
  durable: boolean
  /** Runs the command, and returns how to tell its answer. */
  run: () => () => void
  reject: (error: unknown) => void
}

/**
 * Runs commands on the writing connection. All that wait share one transaction,
 * and so at most one sync.
 *
 * Invariant: nobody is told before the commit. A command that fails undoes itself
 * alone; a commit that fails, fails every command in it.
 *
 * `renewLog` writes the bytes of the write-ahead log anew, and syncs them. Without: of a catalog that no power cut meets.
 */
export function openWriter(database: DatabaseSync, renewLog: () => void = () => {}): Write {
  const statements = new Statements(database)
  const log = new WriteAheadLog(database, renewLog)
  let waiting: Waiting[] = []

  function runTogether(): void {
    const together = waiting
    waiting = []
    const level = together.some(({ durable }) => durable) ? 'full' : 'normal'
    try {
      log.mend()
      database.exec(`pragma synchronous = ${level}; begin immediate`)
      const answers = together.map(runAlone)
      database.exec('commit')
      for (const tell of answers) tell()
    } catch (error) {
      if (database.isOpen && database.isTransaction) database.exec('rollback')
      for (const { reject } of together) reject(error)
      log.doubt(error)
      return
    }
    log.keepShort()
  }

  function runAlone({ run, reject }: Waiting): () => void {
    database.exec('savepoint command')
    let tell: () => void
    try {
      tell = run()
    } catch (error) {
      // A full disk: SQLite has undone the whole transaction by itself.
      if (!database.isTransaction) throw error
      database.exec('rollback to command')
      tell = () => reject(error)
    }
    database.exec('release command')
    return tell
  }

  return (name, data) =>
    new Promise((resolve, reject) => {
      const command = SQLITE_COMMANDS[name]
      const sent = structuredClone(data)
      const run = () => {
        const answer = command.run(statements, sent)
        return () => resolve(answer)
      }
      if (waiting.push({ durable: command.durable, run, reject }) === 1) setImmediate(runTogether)
    })
}
