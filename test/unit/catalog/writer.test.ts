import assert from 'node:assert/strict'
import type { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import type { Data } from '../../../src/catalog/commands.ts'
import { openDatabase } from '../../../src/catalog/sqlite.ts'
import { SQLITE_COMMANDS } from '../../../src/catalog/sqlite-commands.ts'
import { openReads } from '../../../src/catalog/sqlite-reads.ts'
import { openWriter } from '../../../src/catalog/writer.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const DIGEST = digestOf('a blob')
const SESSION = { id: 'an-id', repository: 'a', account: '', algorithm: 'sha256', startedAt: 1 } as const

interface Open extends AsyncDisposable {
  readonly database: DatabaseSync
  readonly catalog: Catalog
  readonly path: string
  /** What the writer told SQLite, in order; a listener may throw in its place. */
  readonly said: string[]
  onExec: (sql: string) => void
}

async function open(): Promise<Open> {
  const folder = await temporaryFolder()
  const path = folder.at('catalog.db')
  const database = openDatabase(path)
  const catalog = openReads(path, openWriter(database))
  const exec = database.exec.bind(database)
  const opened: Open = {
    database,
    catalog,
    path,
    said: [],
    onExec: () => {},
    async [Symbol.asyncDispose]() {
      await catalog[Symbol.asyncDispose]()
      database.close()
      await folder[Symbol.asyncDispose]()
    },
  }
  database.exec = (sql) => {
    opened.said.push(sql)
    opened.onExec(sql)
    exec(sql)
  }
  return opened
}

function blobIn(repository: string): Data<'commitBlob'> {
  return { repository, digest: DIGEST, size: 1 }
}

test('commands that wait share one transaction', async () => {
  await using opened = await open()
  const { catalog, said } = opened
  await Promise.all(['a', 'b', 'c'].map((repository) => catalog.write('commitBlob', blobIn(repository))))
  assert.equal(said.filter((sql) => sql === 'commit').length, 1)
  await catalog.write('commitBlob', blobIn('d'))
  assert.equal(said.filter((sql) => sql === 'commit').length, 2)
})

test('a command that fails undoes itself alone', async () => {
  await using opened = await open()
  const { catalog } = opened
  const outcomes = await Promise.allSettled([
    catalog.write('commitBlob', blobIn('before')),
    // Its repository is made first, and its blob then fails.
    catalog.write('commitBlob', { ...blobIn('broken'), size: null as never }),
    catalog.write('commitBlob', blobIn('after')),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(
    (await catalog.repositories({ limit: 9 })).map(({ name }) => name),
    ['after', 'before'],
  )
})

test('a commit that fails, fails every command in it, and the next ones go on', async () => {
  await using opened = await open()
  const { catalog } = opened
  opened.onExec = (sql) => {
    if (sql === 'commit') throw new Error('the disk is gone')
  }
  const failing = Promise.allSettled(['a', 'b'].map((repository) => catalog.write('commitBlob', blobIn(repository))))
  for (const outcome of await failing)
    assert.equal(outcome.status === 'rejected' && outcome.reason.message, 'the disk is gone')
  assert.deepEqual(await catalog.repositories({ limit: 9 }), [])

  opened.onExec = () => {}
  await catalog.write('commitBlob', blobIn('c'))
  assert.deepEqual(
    (await catalog.repositories({ limit: 9 })).map(({ name }) => name),
    ['c'],
  )
})

test('nobody is told before the commit', async () => {
  await using opened = await open()
  const { catalog, said } = opened
  let told = false
  opened.onExec = () => assert.equal(told, false)
  await catalog.write('commitBlob', blobIn('a')).then(() => {
    told = true
  })
  assert.equal(said.at(-1), 'commit')
})

test('a full disk fails the command that met it and those beside it, and leaves nothing of them', async () => {
  await using opened = await open()
  const { catalog, database } = opened
  const pages = database.prepare('pragma page_count').get()?.['page_count'] as number
  database.exec(`pragma max_page_count = ${pages}`)
  const large = {
    repository: 'large',
    digest: DIGEST,
    bytes: new Uint8Array(100_000),
    manifest: { mediaType: 'a/b', references: [] },
    tags: [],
    mustExist: [],
    at: 1,
  }
  const outcomes = await Promise.allSettled([
    catalog.write('putManifest', large),
    catalog.write('putManifest', { ...large, repository: 'other' }),
  ])
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.errcode),
    [13, 13],
  )
  assert.deepEqual(await catalog.repositories({ limit: 9 }), [])
  database.exec('pragma max_page_count = 100000')
  assert.deepEqual(await catalog.write('putManifest', large), { stored: true })
})

test('a database that is locked for longer than the patience fails the commands that wait, and no later ones', async () => {
  await using opened = await open()
  const { catalog, database, path } = opened
  database.exec('pragma busy_timeout = 1')
  const other = openDatabase(path)
  other.exec('begin immediate')
  await assert.rejects(catalog.write('commitBlob', blobIn('a')), { message: /locked/ })
  other.exec('rollback')
  other.close()
  await catalog.write('commitBlob', blobIn('a'))
})

for (const [what, write, level] of [
  ['what a client was promised', (catalog: Catalog) => catalog.write('commitBlob', blobIn('a')), 'full'],
  ['an upload session', (catalog: Catalog) => catalog.write('beginUpload', SESSION), 'normal'],
  [
    'both at once',
    (catalog: Catalog) =>
      Promise.all([catalog.write('beginUpload', SESSION), catalog.write('commitBlob', blobIn('a'))]),
    'full',
  ],
] as const) {
  test(`${what} is committed with synchronous = ${level}`, async () => {
    await using opened = await open()
    await write(opened.catalog)
    assert.equal(opened.said[0], `pragma synchronous = ${level}; begin immediate`)
    assert.equal(opened.database.prepare('pragma synchronous').get()?.['synchronous'], level === 'full' ? 2 : 1)
  })
}

test('only upload sessions, notes of downloads, words about cached tags, troubles and written links may be lost in a power cut', () => {
  const fleeting = Object.entries(SQLITE_COMMANDS).filter(([, { durable }]) => !durable)
  assert.deepEqual(fleeting.map(([name]) => name).sort(), [
    'beginUpload',
    'confirmTag',
    'dropFill',
    'endUpload',
    'linksWritten',
    'markTagGone',
    'noteFill',
    'noteTroubles',
  ])
})

test('what cannot cross to another thread is refused', async () => {
  await using opened = await open()
  await assert.rejects(opened.catalog.write('endUpload', { id: (() => '') as never }), { name: 'DataCloneError' })
})

test('data may be changed by the caller while the command waits', async () => {
  await using opened = await open()
  const tags = ['v1']
  const bytes = Buffer.from('a manifest')
  const written = opened.catalog.write('putManifest', {
    repository: 'a',
    digest: digestOf('a manifest'),
    bytes,
    manifest: { mediaType: 'a/b', references: [] },
    tags,
    mustExist: [],
    at: 1,
  })
  tags.push('v2')
  bytes.fill(0)
  await written
  assert.equal(Buffer.from((await opened.catalog.manifestByTag('a', 'v1'))?.bytes ?? []).toString(), 'a manifest')
  assert.equal(await opened.catalog.tag('a', 'v2'), undefined)
})
