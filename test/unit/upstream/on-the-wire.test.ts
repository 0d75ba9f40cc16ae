import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exactPart } from '../../../src/upstream/fetch-blob.ts'
import { pageOf } from '../../../src/upstream/list-tags.ts'
import type { BlobDownload } from '../../../src/upstream/upstream.ts'
import { UpstreamFailure } from '../../../src/upstream/upstream.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { startFakeCdn } from '../../helpers/fake-cdn.ts'
import { startFakeTokenServer } from '../../helpers/fake-token-server.ts'
import { startFakeUpstream } from '../../helpers/fake-upstream.ts'
import { redirectTo } from '../../helpers/faults.ts'
import { makeArtifact, makeImage } from '../../helpers/images.ts'
import type { RangeLie } from '../../helpers/range-reply.ts'
import { seededBytes } from '../../helpers/seeded-bytes.ts'
import { failureOf, openTestUpstream } from './harness.ts'
import { scripted } from './scripted-door.ts'

const IMAGE = makeImage('wire')
const IMAGES = { 'library/a:1': IMAGE }
const BYTES = seededBytes('a blob', 100_000)
const BLOB = { bytes: Buffer.from(BYTES), digest: digestOf(BYTES) }

test('the upstream sees just what we send: no header of a client, no ns (T48)', async () => {
  await using fake = await startFakeUpstream({ images: IMAGES })
  await using opened = openTestUpstream({ url: fake.url })
  fake.putBlob('library/a', BLOB)
  await opened.upstream.manifest('library/a', '1').value
  await read(await opened.upstream.blob('library/a', BLOB.digest, { at: 5 }).value)
  const [manifest, blob] = fake.requests
  assert.deepEqual(Object.keys(manifest?.headers ?? {}).sort(), [
    'accept',
    'accept-encoding',
    'connection',
    'host',
    'user-agent',
  ])
  assert.deepEqual(manifest?.headers['accept']?.split(', '), [
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.v2+json',
    'application/vnd.oci.artifact.manifest.v1+json',
    '*/*',
  ])
  assert.deepEqual(Object.keys(blob?.headers ?? {}).sort(), [
    'accept',
    'accept-encoding',
    'connection',
    'host',
    'range',
    'user-agent',
  ])
  for (const { headers } of fake.requests) {
    assert.equal(headers['accept-encoding'], 'identity')
    assert.equal(headers['user-agent'], 'homeport/test')
  }
})

for (const name of ['a\r\nx-evil: 1', 'a\nb', 'a\0b', 'a b']) {
  test(`nothing is sent of a name with ${JSON.stringify(name)} in it (T46)`, async () => {
    await using fake = await startFakeUpstream()
    await using opened = openTestUpstream({ url: fake.url })
    await assert.rejects(opened.upstream.manifest(name, '1').value, /cannot be asked for/)
    assert.equal(fake.connections, 0)
  })
}

test('what an API has before /v2/ in its path stays there', async () => {
  await using fake = await startFakeUpstream()
  fake.allow('GET /some/where/v2/library/a/manifests/1')
  await using opened = openTestUpstream({ url: `${fake.url}/some/where/` })
  await failureOf(opened.upstream.manifest('library/a', '1'))
})

test('a blob behind a redirect comes without credentials and cookies (S7, T30)', async () => {
  await using tokens = await startFakeTokenServer()
  await using cdn = await startFakeCdn()
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens, cdn })
  fake.putBlob('library/a', BLOB)
  await using opened = openTestUpstream({ url: fake.url })
  const running = opened.upstream.blob('library/a', BLOB.digest, { at: 10 })
  assert.deepEqual(await read(await running.value), BLOB.bytes.subarray(10))
  const [asked] = cdn.requests
  assert.equal(asked?.headers['authorization'], undefined)
  assert.equal(asked?.headers['cookie'], undefined)
  assert.equal(asked?.headers['range'], 'bytes=10-')
  assert.equal(asked?.headers['accept-encoding'], 'identity')
  assert.deepEqual(
    running.attempts.map(({ hop, status }) => [hop, status]),
    [
      ['blob', 401],
      ['token', 200],
      ['blob', 307],
      ['cdn', 206],
    ],
  )
  assert.ok(!JSON.stringify(running.attempts).includes('Signature'), 'signed addresses are told to nobody')
})

test('an address that has expired is signed anew by the registry, once (FC-26, D-11)', async () => {
  await using cdn = await startFakeCdn()
  await using fake = await startFakeUpstream({ images: IMAGES, cdn })
  fake.putBlob('library/a', BLOB)
  await using opened = openTestUpstream({ url: fake.url })
  const expired = { status: 403, headers: { 'content-type': 'application/xml' }, body: '<Error/>' }
  cdn.next('/blob/*', expired)
  assert.equal((await read(await opened.upstream.blob('library/a', BLOB.digest).value)).length, BLOB.bytes.length)
  assert.equal(fake.count('GET blob'), 2)
  cdn.always('/blob/*', expired)
  const { cause, hop, status } = await failureOf(opened.upstream.blob('library/a', BLOB.digest))
  assert.deepEqual([cause, hop, status], ['blocked', 'cdn', 403])
  assert.equal(fake.count('GET blob'), 4)
})

test('a manifest may be at another registry, to which it is redirected (registry.k8s.io)', async () => {
  await using region = await startFakeUpstream({ images: IMAGES })
  await using fake = await startFakeUpstream()
  fake.always('*', redirectTo(`${region.url}/v2/library/a/manifests/1`, 302))
  fake.allow('*')
  await using opened = openTestUpstream({ url: fake.url })
  const { digest } = await opened.upstream.manifest('library/a', '1').value
  assert.equal(digest, IMAGE.manifest.digest)
  assert.equal(await opened.upstream.confirm('library/a', '1', digest).value, 'confirmed')
})

test('what a manifest names elsewhere is asked for nowhere (T27)', async () => {
  await using elsewhere = await startFakeUpstream()
  await using fake = await startFakeUpstream()
  const layer = {
    mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    digest: BLOB.digest,
    size: 5,
    urls: [elsewhere.url],
  }
  const config = { mediaType: 'application/vnd.docker.container.image.v1+json', digest: BLOB.digest, size: 5 }
  const mediaType = 'application/vnd.docker.distribution.manifest.v2+json'
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }))
  fake.put('library/a:1', { manifest: { bytes, mediaType, digest: digestOf(bytes) }, blobs: new Map(), children: [] })
  await using opened = openTestUpstream({ url: fake.url })
  await opened.upstream.manifest('library/a', '1').value
  assert.equal(elsewhere.connections, 0)
})

for (const part of [0.1, 0.5, 0.999]) {
  test(`a blob that is reset at ${part * 100} % is told as cut, and goes on from there (D-8)`, async () => {
    await using fake = await startFakeUpstream({ images: IMAGES })
    fake.putBlob('library/a', BLOB)
    await using opened = openTestUpstream({ url: fake.url })
    fake.next('blob', { at: Math.floor(BLOB.bytes.length * part) })
    const first = await opened.upstream.blob('library/a', BLOB.digest).value
    const parts: Uint8Array[] = []
    await assert.rejects(
      async () => {
        for await (const piece of first.body) parts.push(piece)
      },
      (error) => {
        assert.ok(error instanceof UpstreamFailure)
        const { cause, hop, facts } = error.failure
        assert.deepEqual([cause, hop, facts.wrong], ['upstream-broken', 'blob', 'cut'])
        return true
      },
    )
    assert.equal(opened.made.at(-1)?.cause, 'upstream-broken')
    assert.equal(opened.upstream.state().failing, undefined, 'what is cached is not old for that')
    assert.equal(opened.upstream.state().routes[0]?.failing?.cause, 'upstream-broken', 'the next route first')
    const at = Buffer.concat(parts).length
    const rest = await opened.upstream.blob('library/a', BLOB.digest, { at, size: BLOB.bytes.length }).value
    assert.equal(rest.at, at)
    assert.deepEqual(Buffer.concat([...parts, await read(rest)]), BLOB.bytes)
    const bodies = fake.requests.reduce((sum, { sent }) => sum + sent, 0)
    assert.equal(opened.received.get('direct'), bodies, 'every byte is counted')
  })
}

// biome-ignore format: one case a line
const LIES: readonly [RangeLie, number][] = [
  ['ignored', 1], ['other-start', 2], ['other-total', 2], ['no-content-range', 2], ['unsatisfiable', 2],
]
for (const [lie, requests] of LIES) {
  test(`a range that is ${lie} brings the whole, and never bytes of somewhere else (FC-66)`, async () => {
    await using fake = await startFakeUpstream({ images: IMAGES })
    fake.putBlob('library/a', BLOB)
    fake.rangeLie = lie
    await using opened = openTestUpstream({ url: fake.url })
    const download = await opened.upstream.blob('library/a', BLOB.digest, { at: 1_000, size: BLOB.bytes.length }).value
    assert.deepEqual([download.at, download.size], [0, BLOB.bytes.length])
    assert.deepEqual(await read(download), BLOB.bytes)
    assert.equal(fake.requests.length, requests)
  })
}

test('a blob of another size than was told before is another blob', async () => {
  await using fake = await startFakeUpstream({ images: IMAGES })
  fake.putBlob('library/a', BLOB)
  await using opened = openTestUpstream({ url: fake.url })
  const { cause, facts } = await failureOf(opened.upstream.blob('library/a', BLOB.digest, { at: 10, size: 11 }))
  assert.deepEqual([cause, facts.wrong], ['upstream-broken', 'length'])
})

for (const length of ['longer', 'none', 'chunked'] as const) {
  test(`a blob that ends too early (${length}) never ends cleanly where its length is known, and is whole where not (D-10)`, async () => {
    await using fake = await startFakeUpstream({ images: IMAGES })
    fake.putBlob('library/a', BLOB)
    await using opened = openTestUpstream({ url: fake.url })
    fake.next('blob', { length })
    const download = await opened.upstream.blob('library/a', BLOB.digest).value
    if (length === 'longer') await assert.rejects(read(download), UpstreamFailure)
    else assert.equal((await read(download)).length, BLOB.bytes.length)
  })
}

test('a blob is never asked about by HEAD, and its bytes are not fetched for that (FC-18, S12)', async () => {
  await using fake = await startFakeUpstream({ images: IMAGES })
  const large = Buffer.alloc(8 * 1024 * 1024)
  fake.putBlob('library/a', { bytes: large, digest: digestOf(large) })
  await using opened = openTestUpstream({ url: fake.url })
  assert.deepEqual(await opened.upstream.hasBlob('library/a', digestOf(large)).value, { size: large.length })
  assert.deepEqual(
    fake.requests.map(({ method }) => method),
    ['GET'],
  )
})

test('without the interface, referrers are those of the fallback tag (S59)', async () => {
  const artifact = makeArtifact('wire', { subject: IMAGE })
  await using fake = await startFakeUpstream({ images: IMAGES, referrers: 'none' })
  await using opened = openTestUpstream({ url: fake.url })
  assert.deepEqual(await opened.upstream.referrers('library/a', IMAGE.manifest.digest).value, [])
  const tag = IMAGE.manifest.digest.replace(':', '-')
  const { bytes, mediaType, digest } = artifact.manifest
  const descriptor = {
    mediaType,
    digest,
    size: bytes.length,
    artifactType: 'application/vnd.example.note',
    annotations: { a: 'b' },
  }
  const type = 'application/vnd.oci.image.index.v1+json'
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: [descriptor] }))
  fake.put(`library/a:${tag}`, {
    manifest: { bytes: index, mediaType: type, digest: digestOf(index) },
    blobs: new Map(),
    children: [],
  })
  assert.deepEqual(await opened.upstream.referrers('library/a', IMAGE.manifest.digest).value, [descriptor])
})

test('a fallback tag that cannot be read is an error, and no empty list (S59)', async () => {
  await using fake = await startFakeUpstream({ images: IMAGES, referrers: 'none' })
  await using opened = openTestUpstream({ url: fake.url })
  fake.always('manifest', { status: 404, headers: { 'content-type': 'text/plain' }, body: 'not here' })
  const { cause } = await failureOf(opened.upstream.referrers('library/a', IMAGE.manifest.digest))
  assert.equal(cause, 'upstream-broken')
})

test('tags keep the order of the upstream, and its links are followed wherever they are written', async () => {
  const names = ['z', 'a', 'm', 'b', 'y']
  const images = Object.fromEntries(names.map((tag) => [`library/a:${tag}`, IMAGE]))
  await using fake = await startFakeUpstream({ images, tagsPerPage: 2, absoluteLinks: true })
  await using opened = openTestUpstream({ url: fake.url })
  const pages: string[] = []
  let last: string | undefined
  for (let more = true; more; ) {
    const page = await opened.upstream.tags('library/a', { limit: 100, ...(last !== undefined && { last }) }).value
    pages.push(...page.tags)
    more = page.more
    last = page.tags.at(-1)
  }
  assert.deepEqual(pages, names)
})

test('an opaque link of a page is what the next one is asked by (quay.io)', async () => {
  await using fake = await startFakeUpstream()
  fake.allow('GET /v2/library/a/tags/list?n=2')
  fake.allow('GET /v2/library/a/tags/list?next_page=opaque')
  const link = '</v2/library/a/tags/list?next_page=opaque>; rel="next"'
  const list = (tags: string[], headers = {}) => ({
    status: 200,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ tags }),
  })
  fake.next('*', list(['z', 'a'], { link }), list(['b']))
  await using opened = openTestUpstream({ url: fake.url })
  assert.deepEqual(await opened.upstream.tags('library/a', { limit: 2 }).value, { tags: ['z', 'a'], more: true })
  assert.deepEqual(await opened.upstream.tags('library/a', { limit: 2, last: 'a' }).value, { tags: ['b'], more: false })
  assert.equal(fake.requests.at(-1)?.target, '/v2/library/a/tags/list?next_page=opaque')
})

test('a link whose path begins like a host’s leads nowhere else, with our token least of all (T5, T30, promise 10)', async () => {
  await using other = await startFakeUpstream()
  await using fake = await startFakeUpstream()
  const page = `//${new URL(other.url).host}/v2/library/a/tags/list`
  fake.allow('GET /v2/library/a/tags/list?n=2')
  fake.allow(`GET ${page}`)
  const list = (tags: string[], headers = {}) => ({
    status: 200,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ tags }),
  })
  fake.next('*', list(['z', 'a'], { link: `<${fake.url}${page}>; rel="next"` }), list(['b']))
  await using opened = openTestUpstream({ url: fake.url })
  await opened.upstream.tags('library/a', { limit: 2 }).value
  assert.deepEqual(await opened.upstream.tags('library/a', { limit: 2, last: 'a' }).value, { tags: ['b'], more: false })
  assert.equal(fake.requests.at(-1)?.target, page)
  assert.deepEqual(other.requests, [])
})

test('a download that is cancelled amid its body has not failed', async () => {
  await using fake = await startFakeUpstream({ images: IMAGES })
  const large = Buffer.alloc(32 * 1024 * 1024)
  fake.putBlob('library/a', { bytes: large, digest: digestOf(large) })
  await using opened = openTestUpstream({ url: fake.url })
  const download = await opened.upstream.blob('library/a', digestOf(large)).value
  let received = 0
  for await (const part of download.body) {
    received += part.length
    download.cancel()
  }
  assert.ok(received < large.length)
  assert.ok(opened.made.every(({ cause }) => cause === undefined))
  assert.equal(opened.upstream.state().routes[0]?.failing, undefined)
})

// biome-ignore format: one case a line
const PARTS: readonly [Record<string, string>, number | undefined, number | undefined][] = [
  [{ 'content-range': 'bytes 10-99/100', 'content-length': '90' }, undefined, 100],
  [{ 'content-range': 'bytes 10-99/100' }, 100, 100],
  [{ 'content-range': 'bytes 9-99/100' }, undefined, undefined],
  [{ 'content-range': 'bytes 11-99/100' }, undefined, undefined],
  [{ 'content-range': 'bytes 10-98/100' }, undefined, undefined],
  [{ 'content-range': 'bytes 10-99/*' }, undefined, undefined],
  [{ 'content-range': 'bytes 10-99/100', 'content-length': '91' }, undefined, undefined],
  [{ 'content-range': 'bytes 10-99/100' }, 101, undefined],
  [{ 'content-range': 'bytes 10-9/10' }, undefined, undefined],
  [{ 'content-range': 'bytes */100' }, undefined, undefined],
  [{}, undefined, undefined],
]
for (const [headers, size, told] of PARTS) {
  test(`a part from 10 on with ${JSON.stringify(headers)}, of ${size ?? 'any'} bytes, is ${told === undefined ? 'not exact' : 'exact'}`, () => {
    assert.equal(exactPart({ headers }, { at: 10, size }), told)
  })
}

for (const [length, wrong] of [
  ['5', 'cut'],
  ['2', 'length'],
] as const) {
  test(`a body of three bytes that was told as ${length} never ends cleanly, whatever carried it (D-10)`, async () => {
    await using all = scripted(['a'], () => ({ status: 200, headers: { 'content-length': length }, body: 'abc' }))
    const { body } = await all.upstream.blob('library/a', BLOB.digest).value
    await assert.rejects(
      async () => {
        for await (const _ of body);
      },
      (error) => error instanceof UpstreamFailure && error.failure.facts.wrong === wrong,
    )
  })
}

async function read(download: BlobDownload): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of download.body) parts.push(part)
  return Buffer.concat(parts)
}

// What an upstream sends all at once, whatever is asked, is cut to the page.
// biome-ignore format: one case a line
const PAGES: readonly [string, { last?: string; limit: number; more: boolean }, { tags: string[]; more: boolean }][] = [
  ['the first', { limit: 2, more: false }, { tags: ['a', 'b'], more: true }],
  ['one behind', { last: 'b', limit: 2, more: false }, { tags: ['c', 'd'], more: true }],
  ['the last', { last: 'd', limit: 2, more: false }, { tags: ['e'], more: false }],
  ['one that begins behind what is not there', { last: 'x', limit: 9, more: true }, { tags: ['a', 'b', 'c', 'd', 'e'], more: true }],
]
for (const [name, asked, page] of PAGES) {
  test(`a page of all tags: ${name}`, () => assert.deepEqual(pageOf(['a', 'b', 'c', 'd', 'e'], asked), page))
}
