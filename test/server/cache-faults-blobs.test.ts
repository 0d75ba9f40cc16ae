import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Digest } from '../../src/oci/digest.ts'
import { startFakeCdn } from '../helpers/fake-cdn.ts'
import type { UpstreamOptions } from '../helpers/fake-upstream.ts'
import { FAULTS, flipped, page } from '../helpers/faults.ts'
import { type Image, makeImage } from '../helpers/images.ts'
import type { Fault } from '../helpers/scripted-reply.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { AT_ONCE, type Cache, CachePool, errorOf, layerOf, startCache } from './cache-scene.ts'

const MEBIBYTE = 1024 * 1024

/** A cache of an image that no other test has: bytes that are stored are there for all. */
interface Scene extends Cache {
  readonly image: Image
  readonly layer: Digest
  readonly bytes: Buffer
}

let scenes = 0

function makeScene(): { readonly held: UpstreamOptions } & Pick<Scene, 'image' | 'layer' | 'bytes'> {
  scenes += 1
  const seed = `layers ${scenes}`
  const image = makeImage(seed, { layers: [[{ path: 'big.bin', bytes: seededBytes(seed, 2 * MEBIBYTE) }]] })
  const layer = layerOf(image)
  const bytes = image.blobs.get(layer)
  assert.ok(bytes)
  return { ...{ image, layer, bytes }, held: { images: { 'library/a:1': image } } }
}

/** Its manifest is cached, the layer is not. */
async function fresh(kind: 'any' | 'login' = 'any', more: UpstreamOptions = {}): Promise<Scene> {
  const { held, ...scene } = makeScene()
  const cache = await pool.take(kind, { ...held, ...more })
  await cache.manifest('1')
  return { ...cache, ...scene }
}

/** With a Homeport of its own. */
async function alone() {
  const { held, ...scene } = makeScene()
  const cache = await startCache({ upstream: held })
  await cache.manifest('1')
  return { ...cache, ...scene }
}

/** Resolves to what came, or to how it broke. */
async function attempt(cache: Scene): Promise<Buffer | 'broken' | number> {
  try {
    const answer = await cache.blob(cache.layer)
    return answer.status === 200 ? answer.bytes : answer.status
  } catch {
    return 'broken'
  }
}

/** Whether the blob's file is there for everybody. */
async function isStored({ server, layer }: Pick<Scene, 'server' | 'layer'>): Promise<boolean> {
  const [, hex = ''] = layer.split(':')
  const folder = join(server.data, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex)
  return (await readdir(folder).catch((): string[] => [])).includes('data')
}

/** Resolves when it is: the last bytes go out before the file is durable. */
async function stored(scene: Pick<Scene, 'server' | 'layer'>): Promise<void> {
  for (let tries = 0; !(await isStored(scene)); tries += 1) {
    assert.ok(tries < 200, 'it is not stored')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const pool = new CachePool({
  any: { count: 48 },
  login: { count: 1, settings: { username: 'ci', password: 'hub' } },
})

suite('blobs of an upstream that fails', AT_ONCE, () => {
  before(() => pool.start())
  after(() => pool[Symbol.asyncDispose]())

  for (const share of [0.1, 0.5, 0.999]) {
    for (const by of ['reset', 'fin'] as const) {
      test(`an upstream that cuts by ${by} at ${share * 100} % is taken up with Range, and the client sees one stream (D-8)`, async () => {
        await using cache = await fresh()
        const at = Math.floor(cache.bytes.length * share)
        cache.upstream.next('GET blob', { at, by })
        assert.deepEqual(await attempt(cache), cache.bytes)
        const [first, second] = cache.upstream.matching('GET blob')
        assert.equal(second?.headers['range'], `bytes=${at}-`, cache.upstream.summary())
        assert.equal(first?.sent, at)
        assert.ok(
          cache.upstream.bytesSent <= 1.05 * (cache.bytes.length + cache.image.manifest.bytes.length),
          cache.upstream.summary(),
        )
      })
    }
  }

  test('ten cuts, one every 128 KiB, cost nobody a byte (D-8)', async () => {
    await using cache = await fresh()
    cache.upstream.next('GET blob', ...Array.from({ length: 10 }, () => ({ at: 128 * 1024 })))
    assert.deepEqual(await attempt(cache), cache.bytes)
    assert.equal(cache.upstream.count('GET blob'), 11)
    assert.ok(cache.upstream.bytesSent <= 1.05 * cache.bytes.length)
  })

  test('a blob without a length that ends early is not taken for the whole: it is taken up (FC-03, N-3)', async () => {
    await using cache = await fresh()
    cache.upstream.next('GET blob', { length: 'none', at: MEBIBYTE, by: 'fin' })
    assert.deepEqual(await attempt(cache), cache.bytes)
    assert.equal(cache.upstream.matching('GET blob')[1]?.headers['range'], `bytes=${MEBIBYTE}-`)
  })

  for (const lie of ['ignored', 'other-start', 'other-total', 'no-content-range', 'unsatisfiable'] as const) {
    test(`a resume that the upstream gets wrong (${lie}) gives no wrong byte`, async () => {
      await using cache = await fresh()
      cache.upstream.rangeLie = lie
      cache.upstream.next('GET blob', { at: MEBIBYTE })
      const came = await attempt(cache)
      assert.ok(came === 'broken' || (Buffer.isBuffer(came) && came.equals(cache.bytes)), String(came))
      cache.upstream.rangeLie = undefined
      assert.deepEqual(await attempt(cache), cache.bytes)
    })
  }

  // biome-ignore format: one lie a line
  const LIES: readonly (readonly [name: string, fault: Fault])[] = [
  ['wrong bytes of the right length (D-9, S2)', { body: flipped }],
  ['wrong last byte (D-9)', { body: (whole) => Buffer.from(flipped(Buffer.from(whole).reverse())).reverse() }],
  ['a length that is too short (D-10)', { length: 'shorter' }],
  ['a length that is too long (D-10)', { length: 'longer' }],
  ['a page with 200 (D-11, S9)', FAULTS.captivePortal],
  ['a page with 200 under the type of bytes', { body: page('Welcome') }],
]

  for (const [name, fault] of LIES) {
    test(`a bad blob never arrives whole and is not kept: ${name}`, async () => {
      await using cache = await fresh()
      const stop = cache.upstream.always('GET blob', fault)
      const came = await attempt(cache)
      assert.ok(
        came === 'broken' || came === 502 || came === 504,
        Buffer.isBuffer(came) ? `${came.length} bytes` : String(came),
      )
      assert.equal(await isStored(cache), false)
      stop()
      assert.deepEqual(await attempt(cache), cache.bytes)
      await stored(cache)
    })
  }

  test('the last 64 KiB wait for the last byte, and so for the hash (S1, S2)', async () => {
    await using cache = await fresh()
    const size = cache.bytes.length
    cache.upstream.next('GET blob', { at: size - 1, by: 'stall' })
    using client = await cache.server.connect()
    await client.request(`GET ${cache.pathOf(cache.layer)}`)
    await client.received(size - 80 * 1024)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const came = client.unread.length - client.unread.indexOf('\r\n\r\n') - 4
    assert.ok(came <= size - 64 * 1024, `${size - came} bytes are held back`)
    cache.upstream.resetAll()
    assert.deepEqual((await client.answer()).body, cache.bytes)
    assert.equal(cache.upstream.matching('GET blob')[1]?.headers['range'], `bytes=${size - 1}-`)
  })

  // biome-ignore format: one lie a line
  const UNREADABLE: readonly (readonly [name: string, fault: Fault])[] = [
  ['a negative length (D-10)', { length: 'negative' }],
  ['two lengths that differ (D-10)', { length: 'two' }],
  ['a length and chunks (D-10)', { length: 'with-chunked' }],
  ['a length in words (D-10)', { length: 'words' }],
]

  for (const [name, fault] of UNREADABLE) {
    test(`what is no right HTTP is 502 in time, and the connection is not used again: ${name}`, async () => {
      await using cache = await fresh()
      const stop = cache.upstream.always('GET blob', fault)
      const came = await attempt(cache)
      assert.ok(came === 'broken' || came === 502, String(came))
      stop()
      assert.deepEqual(await attempt(cache), cache.bytes)
    })
  }

  for (const length of ['none', 'chunked'] as const) {
    test(`a blob without a length (${length}) arrives whole, with the size of its manifest`, async () => {
      await using cache = await fresh()
      cache.upstream.always('GET blob', { length })
      const answer = await cache.blob(cache.layer)
      assert.deepEqual(answer.bytes, cache.bytes)
      assert.equal(answer.headers['content-length'], String(cache.bytes.length))
    })
  }

  test('twenty clients cost one GET, no HEAD, and nobody’s leaving disturbs the rest (FC-15, S5, S12, D-23)', async () => {
    await using cache = await fresh()
    let go = () => {}
    cache.upstream.next('GET blob', { wait: new Promise<void>((resolve) => (go = resolve)) })
    const all = Array.from({ length: 20 }, () => attempt(cache))
    using leaver = await cache.server.connect()
    await leaver.request(`GET ${cache.pathOf(cache.layer)}`)
    using slow = await cache.server.connect()
    await slow.request(`GET ${cache.pathOf(cache.layer)}`)
    await cache.upstream.asked('GET blob')
    leaver[Symbol.dispose]()
    go()
    for (const came of await Promise.all(all)) assert.deepEqual(came, cache.bytes)
    assert.deepEqual((await slow.answer()).body, cache.bytes)
    assert.equal(cache.upstream.count('GET blob'), 1, cache.upstream.summary())
    assert.equal(cache.upstream.count('HEAD blob'), 0)
  })

  test('headers and bytes come while the upstream drips; who leaves finds it whole later (FC-14)', async () => {
    await using cache = await fresh()
    cache.upstream.next('GET blob', { drip: { bytes: 256 * 1024, ms: 100 } })
    using early = await cache.server.connect()
    await early.request(`GET ${cache.pathOf(cache.layer)}`)
    await early.received(200_000)
    assert.notEqual(cache.upstream.matching('GET blob')[0]?.end, 'whole')
    early[Symbol.dispose]()
    assert.deepEqual(await attempt(cache), cache.bytes)
    assert.equal(cache.upstream.count('GET blob'), 1, cache.upstream.summary())
  })

  test('a second pull needs no upstream: what was served is what is kept (FC-20)', async () => {
    await using cache = await alone()
    await attempt(cache)
    await cache.upstream.close()
    assert.deepEqual(await attempt(cache), cache.bytes)
    await using again = { ...cache, ...(await cache.restart('kill')) }
    assert.deepEqual(await attempt(again), cache.bytes)
  })

  test('kill -9 at half: the second pull fetches the rest, and never a half for the whole (S14)', async () => {
    await using cache = await alone()
    const half = Math.floor(cache.bytes.length / 2)
    cache.upstream.next('GET blob', { at: half, by: 'stall' })
    using client = await cache.server.connect()
    await client.request(`GET ${cache.pathOf(cache.layer)}`)
    await client.received(half - 128 * 1024)
    await using again = { ...cache, ...(await cache.restart('kill')) }
    assert.equal(await isStored(again), false)
    assert.deepEqual(await attempt(again), cache.bytes)
    const last = cache.upstream.matching('GET blob').at(-1)
    const [, from = '0'] = /^bytes=(\d+)-$/.exec(last?.headers['range'] ?? '') ?? []
    assert.ok(Number(from) > half / 2, `it was taken up at ${from}`)
  })

  test('a range of a cold blob is 206 with the right bytes (S13)', async () => {
    await using cache = await fresh()
    for (const [range, from, to] of [
      ['bytes=1000-', 1000, cache.bytes.length - 1],
      ['bytes=0-99', 0, 99],
      ['bytes=2000000-2000099', 2_000_000, 2_000_099],
    ] as const) {
      const answer = await cache.blob(cache.layer, { range })
      assert.deepEqual(
        [answer.status, answer.headers['content-range']],
        [206, `bytes ${from}-${to}/${cache.bytes.length}`],
      )
      assert.deepEqual(answer.bytes, cache.bytes.subarray(from, to + 1))
    }
  })

  test('nothing is compressed, and its length is told (FC-36)', async () => {
    await using cache = await fresh()
    const { headers } = await cache.blob(cache.layer, { 'accept-encoding': 'gzip, zstd' })
    assert.equal(headers['content-encoding'], undefined)
    assert.equal(headers['content-length'], String(cache.bytes.length))
    assert.equal(cache.upstream.matching('GET blob')[0]?.headers['accept-encoding'], 'identity')
  })

  test('an upstream that sends what is compressed is broken, not served (FC-36)', async () => {
    await using cache = await fresh()
    cache.upstream.always('GET blob', { headers: { 'content-encoding': 'gzip' } })
    const came = await attempt(cache)
    // What it calls compressed may be the very bytes: then their hash says so.
    assert.ok(came === 502 || (Buffer.isBuffer(came) && came.equals(cache.bytes)), String(came))
  })

  test('a blob that is not there on the registry’s word is 404, else 502 with its cause', async () => {
    await using cache = await fresh()
    cache.upstream.next('GET blob', FAULTS.blobUnknown)
    const unknown = await cache.blob(cache.layer)
    assert.deepEqual([unknown.status, errorOf(unknown).code], [404, 'BLOB_UNKNOWN'])
    const stop = cache.upstream.always('GET blob', FAULTS.plainNotFound)
    const broken = await cache.blob(cache.layer)
    assert.deepEqual([broken.status, errorOf(broken).detail['cause']], [502, 'upstream-broken'])
    stop()
  })

  test('redirects are followed here, signed URLs are used once and never told, credentials stay (FC-26, S7)', async () => {
    await using cdn = await startFakeCdn()
    await using cache = await fresh('login', { cdn, auth: { user: 'ci', password: 'hub' } })
    cdn.next('/blob/*', { at: 1_000_000 })
    const answer = await cache.blob(cache.layer)
    assert.deepEqual(answer.bytes, cache.bytes)
    assert.equal(answer.headers['location'], undefined)
    for (const { headers } of cdn.requests) {
      assert.deepEqual([headers['authorization'], headers['cookie']], [undefined, undefined])
    }
    assert.doesNotMatch(cache.server.process.stderr, /Signature=secret/)
  })

  test('a signed URL that has expired starts again at the registry, once (FC-26, D-11)', async () => {
    await using cdn = await startFakeCdn()
    await using cache = await fresh('any', { cdn })
    cdn.next('/blob/*', {
      status: 403,
      headers: { 'content-type': 'application/xml' },
      body: '<Error><Code>AccessDenied</Code></Error>',
    })
    assert.deepEqual(await attempt(cache), cache.bytes)
    assert.equal(cache.upstream.count('GET blob'), 2)
  })
})
