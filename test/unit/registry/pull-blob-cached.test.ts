import assert from 'node:assert/strict'
import { readFile, rm, truncate } from 'node:fs/promises'
import { test } from 'node:test'
import type { BlobStore } from '../../../src/blobs/blob-store.ts'
import { parseManifest } from '../../../src/oci/manifest.ts'
import { Refusal } from '../../../src/oci/refusal.ts'
import type { Asker, PullEnd } from '../../../src/registry/activity.ts'
import type { CachedUpstream } from '../../../src/registry/cache.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { type Image, makeImage } from '../../helpers/images.ts'
import { MemoryBlobStore } from '../../helpers/memory-blob-store.ts'
import { MemoryUpstream } from '../../helpers/memory-upstream.ts'
import { seededBytes } from '../../helpers/seeded-bytes.ts'
import { readAll, until } from '../../helpers/test-fills.ts'
import { ANYONE, ASKER, openTestRules } from '../../helpers/test-rules.ts'
import { temporaryStore } from '../blobs/temporary-store.ts'

const MEBIBYTE = 1024 * 1024
const HOME = 'docker.io/library/alpine'
const OTHER = 'docker.io/library/other'
const IMAGE = makeImage('cached-blob')
const LAYER = [...IMAGE.blobs.keys()].at(-1) ?? digestOf('')
const BYTES = IMAGE.blobs.get(LAYER) ?? Buffer.alloc(0)

async function open(
  more: Partial<CachedUpstream> = {},
  blobs: BlobStore = new MemoryBlobStore(),
  others: Readonly<Record<string, Partial<CachedUpstream>>> = {},
) {
  const upstream = new MemoryUpstream('docker.io')
  const ends: PullEnd[] = []
  const activity = {
    pulled: (end: PullEnd) => void ends.push(end),
    failedBehind: () => undefined,
    coalesced: () => undefined,
  }
  const upstreams = new Map<string, CachedUpstream>([
    ['docker.io', { upstream, revalidate: 60_000, library: true, ...more }],
  ])
  for (const [name, other] of Object.entries(others)) {
    upstreams.set(name, { upstream: new MemoryUpstream(name), revalidate: 60_000, library: false, ...other })
  }
  const rules = await openTestRules({ blobs, cache: { upstreams, activity } })
  const { registry, catalog } = rules
  return {
    ...rules,
    upstream,
    ends,
    blobs,
    find: (digest = LAYER, { repository = HOME, asker = ASKER }: { repository?: string; asker?: Asker } = {}) =>
      registry.findBlob(repository, digest, { asker }),
    head: (digest = LAYER, repository = HOME) =>
      registry.findBlob(repository, digest, { asker: ASKER, promisedTo: ANYONE }),
    /** The layer, as who has it in these repositories leaves it. */
    async store(repositories: readonly string[]) {
      const write = await blobs.begin('w')
      await write.append([BYTES])
      await write.commit(LAYER)
      const [size, digest] = [BYTES.length, LAYER]
      for (const repository of repositories) {
        if (repository.includes('.io/')) await catalog.write('commitFill', { repositories: [repository], digest, size })
        else await catalog.write('commitBlob', { repository, digest, size })
      }
    },
    /** As a pull of its manifest leaves it. */
    async name(image: Image = IMAGE, repository = HOME) {
      const { bytes, digest, mediaType } = image.manifest
      await catalog.write('commitFill', { repositories: [repository], digest: digestOf('x'), size: 1 })
      const manifest = parseManifest(bytes, mediaType)
      await catalog.write('putManifest', { repository, digest, bytes, manifest, tags: [], mustExist: [], at: 1 })
    },
    async [Symbol.asyncDispose]() {
      await rules[Symbol.asyncDispose]()
    },
  }
}

const asked = (what: string, digest = LAYER, repository = 'library/alpine') => `${what} ${repository}@${digest}`

test('a blob that a manifest names is fetched when it is read, stored, and served from here then', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  await cache.name()
  const found = await cache.find()
  assert.equal(found.size, BYTES.length)
  assert.deepEqual(cache.upstream.asked, [])
  assert.ok((await readAll(await found.open())).equals(BYTES))
  await until(() => cache.ends.length === 1)
  while ((await cache.catalog.blobSize(HOME, LAYER)) === undefined) await new Promise((done) => setImmediate(done))
  assert.ok((await readAll(await (await cache.find()).open())).equals(BYTES))
  assert.deepEqual(cache.upstream.asked, [asked('blob')])
  assert.deepEqual(
    cache.ends.map(({ outcome, kind, name, bytes, upstream }) => [outcome, kind, name, bytes, upstream]),
    [
      ['fetched', 'blob', `${HOME}@${LAYER}`, BYTES.length, 'docker.io'],
      ['hit', 'blob', `${HOME}@${LAYER}`, 0, 'docker.io'],
    ],
  )
})

test('HEAD of a blob that is named and not stored asks nobody (S12)', async () => {
  await using cache = await open()
  await cache.name()
  assert.equal((await cache.head()).size, BYTES.length)
  assert.deepEqual(cache.upstream.asked, [])
  assert.equal(cache.ends[0]?.outcome, 'hit')
})

test('HEAD of a blob that nobody names asks with a GET, and is told its size', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  assert.equal((await cache.head()).size, BYTES.length)
  assert.deepEqual(cache.upstream.asked, [asked('hasBlob')])
})

test('a blob that nobody names is the upstream’s to show: one question finds and fetches it', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  const found = await cache.find()
  assert.equal(found.size, BYTES.length)
  assert.ok((await readAll(await found.open())).equals(BYTES))
  assert.deepEqual(cache.upstream.asked, [asked('blob')])
})

test('a size that nobody tells is left out', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  cache.upstream.blobScript = () => ({ untold: true })
  const found = await cache.find()
  assert.equal(found.size, undefined)
  assert.ok((await readAll(await found.open())).equals(BYTES))
})

test('what another repository has stored is shown only where the upstream has it, and the answer is kept (S27)', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  await readAll(await (await cache.find()).open())
  while ((await cache.catalog.blobSize(HOME, LAYER)) === undefined) await new Promise((done) => setImmediate(done))
  await assert.rejects(cache.find(LAYER, { repository: OTHER }), { kind: 'blob-unknown' })
  assert.equal(cache.upstream.asked.at(-1), asked('hasBlob', LAYER, 'library/other'))

  cache.upstream.publish('library/other', IMAGE)
  for (let times = 0; times < 2; times += 1) {
    assert.ok((await readAll(await (await cache.find(LAYER, { repository: OTHER })).open())).equals(BYTES))
  }
  assert.equal(cache.upstream.asked.filter((line) => line.startsWith('hasBlob')).length, 2)
  assert.equal(cache.upstream.asked.filter((line) => line.startsWith('blob')).length, 1)
})

test('what is on its way for another repository is shown only where the upstream has it, and stays that one’s (T7, S27)', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  const gate = Promise.withResolvers<void>()
  cache.upstream.blobScript = () => ({ before: () => gate.promise })
  const first = await cache.find()
  await assert.rejects(cache.find(LAYER, { repository: OTHER }), { kind: 'blob-unknown' })
  assert.equal(cache.upstream.asked.at(-1), asked('hasBlob', LAYER, 'library/other'))

  gate.resolve()
  assert.ok((await readAll(await first.open())).equals(BYTES))
  while ((await cache.catalog.blobSize(HOME, LAYER)) === undefined) await new Promise((done) => setImmediate(done))
  assert.equal(await cache.catalog.blobSize(OTHER, LAYER), undefined)
})

test('what another repository of the upstream has is shown at once where a manifest names it', async () => {
  await using cache = await open()
  await cache.store([OTHER])
  await cache.name()
  assert.ok((await readAll(await (await cache.find()).open())).equals(BYTES))
  assert.deepEqual(cache.upstream.asked, [])
})

for (const [whose, home] of [
  ['hosted', 'team/secret'],
  ['private at another upstream', 'quay.io/team/secret'],
] as const) {
  test(`a manifest that names what is ${whose} shows it only where its upstream has it, which is kept (T7)`, async () => {
    await using cache = await open({}, new MemoryBlobStore(), { 'quay.io': { signsIn: true } })
    await cache.store([home])
    await cache.name()
    for (const ask of [cache.find, cache.head]) await assert.rejects(ask(), { kind: 'blob-unknown' })
    assert.deepEqual(cache.upstream.asked, [asked('hasBlob'), asked('hasBlob')])

    cache.upstream.publish('library/alpine', IMAGE)
    for (let times = 0; times < 2; times += 1) {
      assert.ok((await readAll(await (await cache.find()).open())).equals(BYTES))
    }
    assert.deepEqual(cache.upstream.asked, [asked('hasBlob'), asked('hasBlob'), asked('hasBlob')])
  })
}

test('what another upstream gives to everybody is shown at once where a manifest names it: a client has asked for it once', async () => {
  await using cache = await open({}, new MemoryBlobStore(), { 'quay.io': {} })
  await cache.store(['quay.io/team/public'])
  await cache.name()
  assert.ok((await readAll(await (await cache.find()).open())).equals(BYTES))
  assert.deepEqual(cache.upstream.asked, [])
})

test('what was pushed since a manifest’s blob was looked for is not shown either (T7)', async () => {
  await using cache = await open()
  await cache.name()
  const found = await cache.find()
  await cache.store(['team/secret'])
  await assert.rejects(found.open(), { kind: 'blob-unknown' })
  assert.deepEqual(cache.upstream.asked, [asked('hasBlob')])
})

test('where nothing is asked, a manifest that names what is hosted does not show it (T7)', async () => {
  await using cache = await open({ cacheOnly: 'offline' })
  await cache.store(['team/secret'])
  await cache.name()
  await assert.rejects(cache.find(), { kind: 'not-cached' })
  assert.deepEqual(cache.upstream.asked, [])
})

for (const [what, damage] of [
  ['lacks a byte', (path: string) => truncate(path, BYTES.length - 1)],
  ['is cut in half', (path: string) => truncate(path, BYTES.length >> 1)],
  ['is empty', (path: string) => truncate(path, 0)],
  ['is gone', (path: string) => rm(path)],
] as const) {
  test(`a stored blob whose file ${what} is fetched again without a word to the client (D-6, FC-01, FC-03)`, async () => {
    await using store = await temporaryStore()
    await using cache = await open({}, store)
    cache.upstream.publish('library/alpine', IMAGE)
    await cache.name()
    await readAll(await (await cache.find()).open())
    while ((await cache.catalog.blobSize(HOME, LAYER)) === undefined) await new Promise((done) => setImmediate(done))
    const hex = LAYER.slice('sha256:'.length)
    const path = store.folder.at('docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
    await damage(path)
    assert.equal((await cache.head()).size, BYTES.length)
    assert.ok((await readAll(await (await cache.find()).open())).equals(BYTES))
    while ((await store.stat(LAYER))?.size !== BYTES.length) await new Promise((done) => setImmediate(done))
    assert.ok((await readFile(path)).equals(BYTES))
    assert.deepEqual(cache.upstream.asked, [asked('blob'), asked('blob')])
  })
}

test('twenty who ask for what another repository has cost one question (S5)', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  cache.upstream.publish('library/other', IMAGE)
  await readAll(await (await cache.find()).open())
  while ((await cache.catalog.blobSize(HOME, LAYER)) === undefined) await new Promise((done) => setImmediate(done))
  await Promise.all(Array.from({ length: 20 }, () => cache.find(LAYER, { repository: OTHER })))
  assert.equal(cache.upstream.asked.filter((line) => line.startsWith('hasBlob')).length, 1)
})

test('a row without bytes is fetched again', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  await cache.name()
  await cache.catalog.write('commitFill', { repositories: [HOME], digest: LAYER, size: BYTES.length })
  assert.ok((await readAll(await (await cache.find()).open())).equals(BYTES))
  while ((await cache.blobs.stat(LAYER)) === undefined) await new Promise((done) => setImmediate(done))
  assert.equal((await cache.find()).size, BYTES.length)
  assert.deepEqual(cache.upstream.asked, [asked('blob')])
})

test('a client that asks while a blob is stored never makes a second question of it (S5)', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  await cache.name()
  await cache.catalog.write('commitFill', { repositories: [HOME], digest: LAYER, size: BYTES.length })
  // What is looked up may be old when it is told.
  const stat = cache.blobs.stat.bind(cache.blobs)
  cache.blobs.stat = async (digest) => {
    const found = await stat(digest)
    for (let turns = 0; turns < 5; turns += 1) await new Promise((done) => setImmediate(done))
    return found
  }
  let asking = true
  const askers = Array.from({ length: 5 }, async () => {
    while (asking) {
      assert.ok((await readAll(await (await cache.find()).open())).equals(BYTES))
      await new Promise((done) => setImmediate(done))
    }
  })
  for (let turns = 0; turns < 200; turns += 1) await new Promise((done) => setImmediate(done))
  asking = false
  await Promise.all(askers)
  assert.deepEqual(cache.upstream.asked, [asked('blob')])
})

for (const cacheOnly of ['cacheonly', 'offline'] as const) {
  test(`nothing is asked with ${cacheOnly}: what is stored is served, the rest is refused`, async () => {
    await using cache = await open({ cacheOnly })
    cache.upstream.publish('library/alpine', IMAGE)
    await cache.name()
    for (const ask of [() => cache.find(), () => cache.head(), () => cache.find(digestOf('none'))]) {
      await assert.rejects(ask, (error) => error instanceof Refusal && error.kind === 'not-cached')
    }
    const write = await cache.blobs.begin('w')
    await write.append([BYTES])
    await write.commit(LAYER)
    await cache.catalog.write('commitFill', { repositories: [HOME], digest: LAYER, size: BYTES.length })
    assert.ok((await readAll(await (await cache.find()).open())).equals(BYTES))
    await assert.rejects(cache.find(LAYER, { repository: OTHER }), { kind: 'not-cached' })
    assert.deepEqual(cache.upstream.asked, [])
  })
}

test('a failure before the headers is a refusal, and is told once', async () => {
  await using cache = await open()
  await cache.name()
  cache.upstream.failWith('connection-refused')
  const found = await cache.find()
  await assert.rejects(found.open(), (error) => error instanceof Refusal && error.kind === 'upstream-unavailable')
  assert.deepEqual(
    cache.ends.map(({ outcome, failure }) => [outcome, failure?.cause]),
    [['failed', 'connection-refused']],
  )
})

test('an upstream that says nothing is told of in 10 s, and its answer helps who asks then (D-12)', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  await cache.name()
  const answer = cache.upstream.hang()
  const opening = (await cache.find()).open()
  const refused = assert.rejects(opening, (error) => error instanceof Refusal && error.kind === 'upstream-timeout')
  await cache.clock.advance(9_900)
  await refused
  answer()
  assert.ok((await readAll(await (await cache.find()).open())).equals(BYTES))
  assert.equal(cache.upstream.asked.length, 1)
})

test('a client that hangs up while it waits is let go', async () => {
  await using cache = await open()
  await cache.name()
  cache.upstream.hang()
  const leaving = new AbortController()
  const found = await cache.find(LAYER, { asker: { ...ASKER, signal: leaving.signal } })
  const opening = found.open()
  await new Promise((done) => setImmediate(done))
  leaving.abort()
  await assert.rejects(opening, Refusal)
})

test('what one repository may not have is no answer for another that joined', async () => {
  await using cache = await open()
  cache.upstream.publish('library/other', IMAGE)
  const answer = cache.upstream.hang()
  const first = assert.rejects(cache.find(), { kind: 'blob-unknown' })
  const second = cache.find(LAYER, { repository: OTHER })
  await cache.clock.settle()
  answer()
  await first
  assert.ok((await readAll(await (await second).open())).equals(BYTES))
  while ((await cache.catalog.blobSize(OTHER, LAYER)) === undefined) await new Promise((done) => setImmediate(done))
})

test('who joined what another repository may not have has his answer in the same 10 s', async () => {
  await using cache = await open()
  const answer = cache.upstream.hang()
  await cache.name()
  await cache.name(IMAGE, OTHER)
  const beginning = (await cache.find()).open()
  const first = assert.rejects(beginning, { kind: 'blob-unknown' })
  const found = cache.find(LAYER, { repository: OTHER }).then((blob) => blob.open())
  const second = assert.rejects(found, { kind: 'upstream-timeout' })
  await cache.clock.advance(6_000)
  answer()
  cache.upstream.hang()
  await first
  await cache.clock.advance(3_800)
  await second
})

test('a part far ahead is asked for by itself, and the whole is fetched beside it (S13)', async () => {
  await using cache = await open()
  const bytes = seededBytes('far', 20 * MEBIBYTE)
  const digest = digestOf(bytes)
  cache.upstream.publishBlob('library/alpine', digest, bytes)
  let gate: (() => void) | undefined
  cache.upstream.blobScript = () => ({
    chunk: MEBIBYTE,
    before: (at) => (at === MEBIBYTE ? new Promise<void>((done) => (gate = done)) : undefined),
  })
  const found = await cache.find(digest)
  const part = { start: 15 * MEBIBYTE, end: 16 * MEBIBYTE }
  const got = await readAll(await found.open(part), { from: part.start, to: part.end })
  assert.ok(got.equals(bytes.subarray(part.start, part.end)))
  const near = readAll(await found.open({ start: 2 * MEBIBYTE, end: 3 * MEBIBYTE }), {
    from: 2 * MEBIBYTE,
    to: 3 * MEBIBYTE,
  })
  await until(() => gate !== undefined)
  gate?.()
  assert.ok((await near).equals(bytes.subarray(2 * MEBIBYTE, 3 * MEBIBYTE)))
  assert.equal(cache.upstream.asked.length, 2)
})

test('a part that is cut goes on, and parts out of order are found', async () => {
  await using cache = await open()
  const bytes = seededBytes('parts', 20 * MEBIBYTE)
  const digest = digestOf(bytes)
  cache.upstream.publishBlob('library/alpine', digest, bytes)
  let cuts = 0
  cache.upstream.blobScript = () => ({
    before: (at) => {
      if (at < 9 * MEBIBYTE) return new Promise(() => undefined)
      cuts += 1
      if (cuts % 7 === 0) throw new Error('cut')
      return undefined
    },
  })
  const found = await cache.find(digest)
  const reader = await found.open({ start: 9 * MEBIBYTE, end: 19 * MEBIBYTE })
  for (const [start, length] of [
    [12 * MEBIBYTE, MEBIBYTE],
    [10 * MEBIBYTE, 1000],
    [10 * MEBIBYTE + 5000, 100_000],
    [18 * MEBIBYTE, 1000],
  ] as const) {
    const into = Buffer.alloc(length)
    for (let at = 0; at < length; ) at += await reader.read(into.subarray(at), start + at)
    assert.ok(into.equals(bytes.subarray(start, start + length)))
  }
  await reader.close()
})

test('a part that stands still is asked for anew, and given up after 60 s without a byte (D-12)', async () => {
  await using cache = await open()
  const bytes = seededBytes('still', 20 * MEBIBYTE)
  const digest = digestOf(bytes)
  cache.upstream.publishBlob('library/alpine', digest, bytes)
  cache.upstream.blobScript = () => ({ before: () => new Promise(() => undefined) })
  const reader = await (await cache.find(digest)).open({ start: 15 * MEBIBYTE, end: 16 * MEBIBYTE })
  const failed = assert.rejects(reader.read(Buffer.alloc(1000), 15 * MEBIBYTE), /timeout at blob/)
  await cache.clock.advance(20_000)
  assert.deepEqual(cache.upstream.asked.slice(0, 3), Array(3).fill(asked('blob', digest)))
  await cache.clock.advance(40_000)
  await failed
  await reader.close()
  assert.deepEqual(
    cache.ends.map(({ outcome, failure }) => [outcome, failure?.cause]),
    [['failed', 'timeout']],
  )
})

test('a manifest by the address of blobs is its bytes', async () => {
  await using cache = await open()
  await cache.name()
  const { digest, bytes } = IMAGE.manifest
  assert.ok((await readAll(await (await cache.find(digest)).open())).equals(bytes))
  assert.deepEqual(cache.upstream.asked, [])
})

test('a hosted repository under an upstream’s name is asked of nobody', async () => {
  await using cache = await open()
  await cache.catalog.write('commitBlob', { repository: HOME, digest: digestOf('mine'), size: 4 })
  await assert.rejects(cache.find(), { kind: 'blob-unknown' })
  assert.deepEqual(cache.upstream.asked, [])
})

test('a blob in line behind others has its headers before its client gives up, where a manifest names it (D-23)', async () => {
  await using cache = await open()
  cache.upstream.publish('library/alpine', IMAGE)
  await cache.name()
  const { promise: answer, resolve } = Promise.withResolvers<void>()
  const others = Array.from({ length: 12 }, (_, index) => Buffer.from(`other ${index}`))
  for (const bytes of others) cache.upstream.publishBlob('library/alpine', digestOf(bytes), bytes)
  cache.upstream.blobScript = (digest) => (digest === LAYER ? {} : { before: () => answer })
  const found = await Promise.all(others.map((bytes) => cache.find(digestOf(bytes))))
  const opening = (await cache.find()).open()
  await cache.clock.advance(9_000)
  const reader = await opening
  assert.equal(cache.upstream.asked.includes(asked('blob')), false)
  resolve()
  assert.ok((await readAll(reader)).equals(BYTES))
  for (const other of found) await (await other.open()).close()
})
