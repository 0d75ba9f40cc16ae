import { rmSync } from 'node:fs'
import { openForReading } from './sqlite.ts'

/**
 * Copies the catalog as it is at this moment to `to`, over what lies there; requests read and write meanwhile.
 * The copy is one file without free pages, and not synced.
 *
 * Every row is read: of a damaged catalog it throws, and leaves nothing.
 */
export function copyCatalog(path: string, to: string): void {
  rmSync(to, { force: true })
  const database = openForReading(path)
  try {
    database.prepare('vacuum into ?').run(to)
  } catch (error) {
    rmSync(to, { force: true })
    throw error
  } finally {
    database.close()
  }
}
