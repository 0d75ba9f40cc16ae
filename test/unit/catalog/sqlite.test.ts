import assert from 'node:assert/strict'
import { open, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { MIGRATIONS, SCHEMA_VERSION } from '../../../src/catalog/migrate.ts'
import { openDatabase } from '../../../src/catalog/sqlite.ts'
import { openReads } from '../../../src/catalog/sqlite-reads.ts'
import { openWriter } from '../../../src/catalog/writer.ts'
import { catalogContract } from '../../contracts/catalog.contract.ts'
import { digestOf } from '../../helpers/digest-of.ts'
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
          `The catalog '${path}' has schema version 99, and this program knows up to ${SCHEMA_VERSION}: a newer Homeport wrote it`,
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

test('what is there is kept before a migration, with its version; a keeper that throws keeps the migration from beginning', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('catalog.db')
  const first = ['create table old (x integer) strict; insert into old values (1)']
  const both = [...first, 'drop table old']
  openDatabase(path, { migrations: first, keep: () => assert.fail('a new one has nothing to keep') }).close()

  const refusing = () => {
    throw new Error('no room')
  }
  assert.throws(() => openDatabase(path, { migrations: both, keep: refusing }), /no room/)
  const kept: number[] = []
  const keep = (version: number, copyTo: (path: string) => void) => {
    kept.push(version)
    copyTo(folder.at('copy.db'))
  }
  openDatabase(path, { migrations: both, keep }).close()
  openDatabase(path, { migrations: both, keep }).close()
  assert.deepEqual(kept, [1])
  const copy = new DatabaseSync(folder.at('copy.db'))
  assert.equal(copy.prepare('select x from old').get()?.['x'], 1)
  assert.equal(copy.prepare('pragma user_version').get()?.['user_version'], 1)
  copy.close()
})

test('a catalog of the first version has all that it had, and takes what came since', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('catalog.db')
  const digest = digestOf('{}')
  const before = openDatabase(path, { migrations: MIGRATIONS.slice(0, 1) })
  before.exec(`
    insert into repositories (id, name, kind) values (1, 'docker.io/library/old', 'cached'), (2, 'team/app', 'hosted');
    insert into blobs (digest, size) values ('${digest}', 2);
    insert into manifest_contents (digest, bytes) values ('${digest}', x'7b7d');
    insert into manifests (repository, digest, media_type, size, pushed_at) values (1, '${digest}', 'a/b', 2, 5), (2, '${digest}', 'a/b', 2, 5);
    insert into tags (repository, name, digest, moved_at) values (1, '1', '${digest}', 7), (2, '1', '${digest}', 7);`)
  before.close()

  const database = openDatabase(path)
  const catalog = openReads(path, openWriter(database))
  const [cached, hosted] = ['docker.io/library/old', 'team/app'] as const
  const stored = { digest, mediaType: 'a/b', bytes: Buffer.from('{}'), movedAt: 7 }
  assert.partialDeepStrictEqual(await catalog.manifestByTag(hosted, '1'), { ...stored, kind: 'hosted' })
  const old = await catalog.manifestByTag(cached, '1')
  assert.partialDeepStrictEqual(old, { ...stored, kind: 'cached' })
  assert.deepEqual([old?.confirmedAt, old?.goneAt], [undefined, undefined])
  assert.equal(await catalog.write('confirmTag', { repository: cached, tag: '1', digest, at: 9 }), true)
  assert.equal((await catalog.manifestByTag(cached, '1'))?.confirmedAt, 9)
  assert.deepEqual([await catalog.failures(), await catalog.fills({ limit: 1 })], [[], []])
  await catalog[Symbol.asyncDispose]()
  database.close()
})

test('a page that cannot be read is found when the catalog is opened, and the remedy is named', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('catalog.db')
  openDatabase(path).close()
  const reading = new DatabaseSync(path)
  const { rootpage } = reading.prepare("select rootpage from sqlite_schema where name = 'tags'").get() as never
  const { page_size: size } = reading.prepare('pragma page_size').get() as never
  reading.close()
  const file = await open(path, 'r+')
  await file.write(Buffer.alloc(size, 0xff), 0, size, (rootpage - 1) * size)
  await file.close()
  assert.throws(
    () => openDatabase(path),
    (error) =>
      error instanceof OperatorError && /is damaged/.test(error.message) && /homeport rebuild/.test(error.hint ?? ''),
  )
})
