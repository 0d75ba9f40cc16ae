import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { openDatabase } from '../../../src/catalog/sqlite.ts'
import { openReads } from '../../../src/catalog/sqlite-reads.ts'
import { catalogContract } from '../../contracts/catalog.contract.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'
import { openTestCatalog } from '../../helpers/test-catalog.ts'

catalogContract('SqliteCatalog', openTestCatalog)

test('the file is in WAL mode, synced at each commit, with foreign keys, and waits for locks', async () => {
  await using folder = await temporaryFolder()
  const database = openDatabase(folder.at('catalog.db'))
  const pragma = (name: string) => Object.values(database.prepare(`pragma ${name}`).get() ?? {})[0]
  assert.deepEqual(['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout', 'temp_store'].map(pragma), [
    'wal',
    2,
    1,
    5000,
    2,
  ])
  database.close()
})

test('a file is opened again with what is in it', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('catalog.db')
  const database = openDatabase(path)
  database.exec("insert into repositories (name, kind) values ('a', 'hosted')")
  database.close()
  const again = openDatabase(path)
  await using reads = openReads(path, () => Promise.reject(new Error('reads only')))
  assert.equal((await reads.repository('a'))?.kind, 'hosted')
  again.close()
})

test('a newer schema is refused, with file, both versions and a remedy, and is not touched', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('catalog.db')
  const newer = new DatabaseSync(path)
  newer.exec('pragma user_version = 99')
  newer.close()
  for (const open of [openDatabase, (file: string) => openReads(file, () => Promise.reject(new Error()))]) {
    assert.throws(
      () => open(path),
      (error) => {
        assert.ok(error instanceof OperatorError)
        assert.equal(
          error.message,
          `The catalog '${path}' has schema version 99, and this program knows up to 1: a newer Homeport wrote it`,
        )
        assert.match(error.hint ?? '', /newer version/)
        return true
      },
    )
  }
  const untouched = new DatabaseSync(path)
  assert.deepEqual(untouched.prepare('select name from sqlite_master').all(), [])
  untouched.close()
})

test('a file that is no catalog, and one that cannot be opened, are told apart', async () => {
  await using folder = await temporaryFolder()
  await writeFile(folder.at('catalog.db'), 'not a database at all, but long enough to be read as one'.repeat(20))
  assert.throws(() => openDatabase(folder.at('catalog.db')), {
    name: 'OperatorError',
    message: /is damaged, or no SQLite file/,
  })
  assert.throws(() => openDatabase(folder.at('no', 'such')), { name: 'OperatorError', message: /cannot be opened/ })
})

test('a migration that fails leaves the version before it', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('catalog.db')
  const foreign = new DatabaseSync(path)
  foreign.exec('create table tags (x)')
  foreign.close()
  assert.throws(() => openDatabase(path), { message: /table tags already exists/ })
  const after = new DatabaseSync(path)
  assert.deepEqual(
    after
      .prepare('select name from sqlite_master')
      .all()
      .map((row) => row['name']),
    ['tags'],
  )
  assert.equal(after.prepare('pragma user_version').get()?.['user_version'], 0)
  after.close()
})
