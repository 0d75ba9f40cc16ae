import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import { backUp } from '../../src/app/backup.ts'
import type { Told } from '../../src/app/operations.ts'
import { rebuildVolume } from '../../src/app/rebuild.ts'
import { openVolume, type Volume } from '../../src/app/volume.ts'
import { openLog } from '../../src/base/log.ts'
import { OperatorError } from '../../src/base/operator-error.ts'
import { noCache } from '../../src/registry/cache.ts'
import { createRegistry } from '../../src/registry/create-registry.ts'
import { DigestLock } from '../../src/registry/digest-lock.ts'
import { everyRow } from '../../src/registry/every-row.ts'
import { drainLinks } from '../../src/registry/follow-links.ts'
import { Leases } from '../../src/registry/leases.ts'
import { LinkFiles } from '../../src/registry/link-files.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { type Image, makeArtifact, makeImage, makeIndex } from '../helpers/images.ts'
import { type TemporaryFolder, temporaryFolder } from '../helpers/temporary.ts'
import { ANYONE, bodyOf } from '../helpers/test-rules.ts'

const NEVER = new AbortController().signal
const log = openLog({ level: 'error', write: () => {} })
/** So many that they take several pages. */
const TAGS = 60

/** What registry:2's links cannot hold. */
const FOREIGN = Buffer.from('{"schemaVersion":2,"mediaType":"application/vnd.example.list+json"}')
const LONG = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}', 'sha512'), size: 2 },
    layers: [],
  }),
)

/** Pages: of a tree the first, or a leaf, as `name root` and `name leaf`. */
const DAMAGES = {
  'tables, each at its root': [
    ...['repositories', 'blobs', 'repository_blobs', 'manifest_contents', 'manifests', 'manifest_references', 'tags'],
    ...['uploads', 'link_jobs', 'adopted', 'meta'],
  ].map((table) => `${table} root`),
  'indexes, each at its root': [
    ...['sqlite_autoindex_repositories_1', 'repository_blobs_digest', 'sqlite_autoindex_manifests_1', 'tags_digest'],
    ...['manifests_digest', 'manifests_subject', 'blobs_leaving', 'manifest_references_digest'],
  ].map((index) => `${index} root`),
  'tags, further down': ['tags leaf'],
  'index of tags, further down': ['tags_digest leaf'],
}

suite('homeport rebuild', () => {
  let folder: TemporaryFolder
  let whole: Content
  before(async () => {
    folder = await temporaryFolder()
    await using volume = await openVolume({ rootdirectory: folder.at('made'), mustexist: false })
    await fill(volume)
    whole = await contentOf(volume)
    await backUp({ root: volume.root, now: Date.UTC(2026, 1, 25), log })
  })
  after(() => folder[Symbol.asyncDispose]())

  test('what is compared is there: tags, foreign types, sha512, a referrer, kinds, an upload', () => {
    assert.equal(whole.tags.length, TAGS + 5)
    assert.ok(whole.tags.some((tag) => tag.includes('sha512:')))
    assert.deepEqual(whole.uploads, ['team/going 5'])
  })

  for (const [of, pages] of Object.entries(DAMAGES)) {
    test(`damaged ${of}, and no copy of the catalog: everything is back`, async () => {
      await using copy = await copyOf(folder)
      rmSync(copy.at('homeport/backups'), { recursive: true })
      for (const page of pages) await damage(copy.at('homeport/catalog.db'), page)
      const told = await rebuilt(copy.path)
      const found = await contentIn(copy.path)
      // Only their tables say what a repository is, and what goes on.
      const { kinds, uploads } = pages.includes('uploads root') ? found : whole
      assert.deepEqual(found, { ...whole, kinds, uploads })
      assert.ok(existsSync(copy.at('homeport/catalog.db.damaged-1')), told.notes)
    })
  }

  for (const [of, lose] of [
    ['that was deleted', (at: string) => rmSync(at)],
    ['that is no database any more', (at: string) => writeFileSync(at, 'x'.repeat(20_000))],
    ['that is empty', (at: string) => writeFileSync(at, '')],
  ] as const) {
    test(`a catalog ${of}: the links and the newest copy have everything but uploads`, async () => {
      await using copy = await copyOf(folder)
      lose(copy.at('homeport/catalog.db'))
      const told = await rebuilt(copy.path)
      assert.match(told.notes, /catalog-2026-02-25\.db/)
      assert.deepEqual(await contentIn(copy.path), { ...whole, uploads: [] })
    })
  }

  test('a catalog that was deleted, and no copy: what links can hold is back, and what they cannot is told', async () => {
    await using copy = await copyOf(folder)
    rmSync(copy.at('homeport/catalog.db'))
    rmSync(copy.at('homeport/backups'), { recursive: true })
    const told = await rebuilt(copy.path)
    assert.match(told.notes, /no copy of the catalog/)
    const found = await contentIn(copy.path)
    const held = (line: string) => !/sha512:|^mirror/.test(line) && !line.includes(digestOf(FOREIGN))
    assert.deepEqual(found.tags, whole.tags.filter(held))
    assert.deepEqual(found.manifests, whole.manifests.filter(held))
    assert.deepEqual(
      told.rows.map(({ path }) => String(path)).sort(),
      [digestOf(FOREIGN), digestOf(LONG, 'sha512'), makeImage('mirrored').manifest.digest].sort(),
      'manifests that nothing names are listed',
    )
  })

  test('layers whose links lagged are tied again by the manifests that name them', async () => {
    await using copy = await copyOf(folder)
    rmSync(copy.at('homeport/catalog.db'))
    rmSync(copy.at('docker/registry/v2/repositories/team/app/_layers'), { recursive: true })
    await rebuilt(copy.path)
    assert.deepEqual((await contentIn(copy.path)).blobs, whole.blobs)
  })

  test('a log that was left beside a deleted catalog is not read into the new one', async () => {
    await using copy = await copyOf(folder)
    const path = copy.at('homeport/catalog.db')
    const writing = new DatabaseSync(path)
    writing.exec("pragma journal_mode = wal; delete from tags; insert into meta values ('stray', '1')")
    const log = await readFile(`${path}-wal`)
    assert.ok(log.length > 0)
    writing.close()
    rmSync(path)
    writeFileSync(`${path}-wal`, log)
    await rebuilt(copy.path)
    assert.deepEqual((await contentIn(copy.path)).tags, whole.tags)
    assert.ok(existsSync(`${path}.damaged-1-wal`), 'it is kept aside')
  })

  test('a deleted tag does not come back from an older copy, nor one that was moved to where it was', async () => {
    await using copy = await copyOf(folder)
    {
      await using volume = await openVolume({ rootdirectory: copy.path, mustexist: false })
      await volume.catalog.write('deleteTag', { repository: 'team/app', tag: 'v1' })
      await drainLinks({ catalog: volume.catalog, links: new LinkFiles(copy.path) })
    }
    rmSync(copy.at('homeport/catalog.db'))
    await rebuilt(copy.path)
    const { tags } = await contentIn(copy.path)
    assert.deepEqual(
      tags,
      whole.tags.filter((tag) => !tag.startsWith('team/app:v1 ')),
    )
  })

  test('a catalog that can be read whole is believed alone: what was deleted does not come back from a copy', async () => {
    await using copy = await copyOf(folder)
    {
      await using volume = await openVolume({ rootdirectory: copy.path, mustexist: false })
      await volume.catalog.write('deleteTag', { repository: 'team/foreign', tag: 'list' })
    }
    await rebuilt(copy.path)
    const tags = whole.tags.filter((tag) => !tag.startsWith('team/foreign:list '))
    assert.deepEqual(await contentIn(copy.path), { ...whole, tags })
  })

  test('a run that is cut short changes nothing; the next one ends it', async () => {
    await using copy = await copyOf(folder)
    await damage(copy.at('homeport/catalog.db'), 'tags root')
    const bytes = await readFile(copy.at('homeport/catalog.db'))
    const cut = new AbortController()
    await assert.rejects(
      rebuildVolume({ rootdirectory: copy.path }, { signal: cut.signal, tell: () => cut.abort(new Error('cut')) }),
      /cut/,
    )
    assert.deepEqual(await readFile(copy.at('homeport/catalog.db')), bytes)
    await rebuilt(copy.path)
    assert.deepEqual(await contentIn(copy.path), whole)
  })

  test('a rebuild that was killed before the new catalog took its place is ended by the next start', async () => {
    await using copy = await copyOf(folder)
    await rebuilt(copy.path)
    const own = (name: string) => copy.at('homeport', name)
    // As after the kill: the new one is whole, and the old one lies where it lay.
    const { renameSync } = await import('node:fs')
    renameSync(own('catalog.db'), own('catalog.db.rebuilt'))
    renameSync(own('catalog.db.damaged-1'), own('catalog.db'))
    await damage(own('catalog.db'), 'tags root')
    assert.deepEqual(await contentIn(copy.path), whole)
    assert.deepEqual(
      readdirSync(copy.at('homeport')).filter((name) => name.includes('rebuil')),
      [],
    )
  })

  test('a server that runs keeps the folder; a folder that is no volume is refused', async () => {
    await using copy = await copyOf(folder)
    await using _ = await openVolume({ rootdirectory: copy.path, mustexist: false })
    await assert.rejects(
      rebuildVolume({ rootdirectory: copy.path }, { tell() {}, signal: NEVER }),
      (error) => error instanceof OperatorError && /in use by process/.test(error.message),
    )
    await assert.rejects(
      rebuildVolume({ rootdirectory: folder.at('absent') }, { tell() {}, signal: NEVER }),
      (error) => error instanceof OperatorError && /no volume/.test(error.message),
    )
  })

  test('a start without the catalog is refused with the remedy, and a folder that only has the mark begins', async () => {
    await using copy = await copyOf(folder)
    rmSync(copy.at('homeport/catalog.db'))
    await assert.rejects(
      openVolume({ rootdirectory: copy.path, mustexist: false }),
      (error) => error instanceof OperatorError && /homeport rebuild/.test(error.hint ?? ''),
    )
    rmSync(copy.at('homeport/volume'))
    writeFileSync(copy.at('homeport/volume'), '')
    await (await openVolume({ rootdirectory: copy.path, mustexist: true }))[Symbol.asyncDispose]()
  })
})

/** Pushes what a year of use would leave, and one upload that goes on. */
async function fill(volume: Volume): Promise<void> {
  const { catalog, blobs } = volume
  const parts = {
    ...{ catalog, blobs, locks: new DigestLock(), leases: new Leases(() => 0), now: () => 1_000_000 },
    policy: { deletes: true, sparse: false, children: 'none' as const },
    report: () => assert.fail(),
    cache: noCache(blobs),
  }
  await using registry = createRegistry(parts)
  const push = async (repository: string, bytes: Uint8Array, reference: string, tags: string[] = []) => {
    await registry.putManifest(repository, { reference, bytes, tags, contentType: undefined })
  }
  const blob = async (repository: string, bytes: Uint8Array, digest = digestOf(bytes)) => {
    const { id } = await registry.uploads.begin(repository, ANYONE, 'sha256')
    const body = (async function* () {
      yield bytes
    })()
    await registry.uploads.finish({ id, repository, caller: ANYONE }, digest, { body })
  }
  const image = async (repository: string, { children, blobs, manifest }: Image, reference: string) => {
    for (const child of children) await image(repository, child, child.manifest.digest)
    for (const bytes of blobs.values()) await blob(repository, bytes)
    await push(repository, manifest.bytes, reference)
  }
  const app = makeImage('app')
  await image('team/app', app, 'v0')
  for (let at = 1; at < TAGS; at += 1) await push('team/app', app.manifest.bytes, `v${at}`)
  await image('team/multi', makeIndex([makeImage('a'), makeImage('b')]), 'latest')
  await image('team/app', makeArtifact('signature', { subject: app }), 'signature')
  await push('team/foreign', FOREIGN, 'list')
  await blob('team/long', Buffer.from('{}'), digestOf('{}', 'sha512'))
  await push('team/long', LONG, digestOf(LONG, 'sha512'), ['long'])
  await image('mirror/app', makeImage('mirrored'), 'latest')
  await catalog.write('setRepositoryKind', { repository: 'mirror/app', kind: 'cached' })
  // What registry:2 proxied has its own links.
  await drainLinks({ catalog, links: new LinkFiles(volume.root) })

  const { id } = await registry.uploads.begin('team/going', ANYONE, 'sha256')
  await registry.uploads.append({ id, repository: 'team/going', caller: ANYONE }, { body: bodyOf('hello') })
}

interface Content {
  kinds: string[]
  tags: string[]
  manifests: string[]
  blobs: string[]
  uploads: string[]
}

async function contentIn(root: string): Promise<Content> {
  await using volume = await openVolume({ rootdirectory: root, mustexist: true })
  return await contentOf(volume)
}

async function contentOf({ catalog, blobs }: Volume): Promise<Content> {
  const content: Content = { kinds: [], tags: [], manifests: [], blobs: [], uploads: [] }
  const page = { limit: 10_000 }
  for (const { name, kind } of await catalog.repositories(page)) {
    content.kinds.push(`${name} ${kind}`)
    for await (const tag of everyRow(
      (some) => catalog.tags(name, some),
      (row) => row.name,
    ))
      content.tags.push(`${name}:${tag.name} ${tag.digest}`)
    for (const { digest, mediaType } of await catalog.manifests(name, page)) {
      const stored = await catalog.manifest(name, digest)
      const referrers = await catalog.referrers(name, digest, page)
      content.manifests.push(`${name} ${digest} ${mediaType} ${stored?.bytes.length} ${referrers.length}`)
    }
    for (const { digest, size } of await catalog.blobs(name, page)) content.blobs.push(`${name} ${digest} ${size}`)
  }
  for (const { id, repository } of await catalog.uploads(page)) {
    const write = await blobs.resume(id)
    content.uploads.push(`${repository} ${write?.size}`)
    await write?.close()
  }
  return content
}

async function rebuilt(root: string): Promise<{ notes: string; rows: Readonly<Record<string, unknown>>[] }> {
  const said: Told[] = []
  const code = await rebuildVolume({ rootdirectory: root }, { signal: NEVER, tell: (told) => said.push(told) })
  assert.equal(code, 0)
  return {
    notes: said.flatMap((told) => ('note' in told ? [told.note] : [])).join('\n'),
    rows: said.flatMap((told) => ('row' in told ? [told.row] : [])),
  }
}

async function copyOf(folder: TemporaryFolder): Promise<TemporaryFolder> {
  const { cp } = await import('node:fs/promises')
  const copy = await temporaryFolder()
  await cp(folder.at('made'), copy.path, { recursive: true, preserveTimestamps: true })
  return copy
}

async function damage(path: string, which: string): Promise<void> {
  const [tree = '', place] = which.split(' ')
  const reading = new DatabaseSync(path)
  const pages = reading
    .prepare('select pageno from dbstat where name = ? order by pagetype = ?, pageno')
    .all(...[tree, place === 'root' ? 'leaf' : 'internal'])
  const root = reading.prepare('select rootpage from sqlite_schema where name = ?').get(tree)?.['rootpage']
  const size = Number(reading.prepare('pragma page_size').get()?.['page_size'])
  reading.close()
  assert.ok(place === 'root' || pages.length > 1, `${tree} has one page`)
  const page = Number(place === 'root' ? root : pages[1]?.['pageno'])
  const file = await open(path, 'r+')
  await file.write(Buffer.alloc(size, 0xff), 0, size, (page - 1) * size)
  await file.close()
}
