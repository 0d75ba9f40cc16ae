import type { DatabaseSync } from 'node:sqlite'
import { INIT } from './migrations/001-init.ts'
import { CONFIRMATIONS } from './migrations/002-confirmations.ts'
import { FILLS } from './migrations/003-fills.ts'
import { FAILURES } from './migrations/004-failures.ts'

/** In order, listed by hand; the first makes version 1. A released one is never edited. */
export const MIGRATIONS: readonly string[] = [INIT, CONFIRMATIONS, FILLS, FAILURES]

/** What this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length

export function schemaVersion(database: DatabaseSync): number {
  return database.prepare('pragma user_version').get()?.['user_version'] as number
}

/**
 * Runs what is missing, each migration in a transaction of its own: a crash leaves a version that is whole. One that
 * fails is undone when its connection is closed.
 */
export function migrate(database: DatabaseSync, migrations: readonly string[] = MIGRATIONS): void {
  for (let version = schemaVersion(database); version < migrations.length; version += 1) {
    database.exec('begin immediate')
    database.exec(migrations[version] ?? '')
    database.exec(`pragma user_version = ${version + 1}; commit`)
  }
}
