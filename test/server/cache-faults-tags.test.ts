import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { digestOf } from '../helpers/digest-of.ts'
import { FAULTS, flipped, tooMany } from '../helpers/faults.ts'
import { jsonContent, makeImage, makeIndex, makeMultiPlatform } from '../helpers/images.ts'
import type { Fault } from '../helpers/scripted-reply.ts'
import { AT_ONCE, CachePool, errorOf, isStale, layerOf, startCache } from './cache-scene.ts'

const [image, other] = [makeImage('first'), makeImage('second')]
const images = { 'library/a:1': image }
/** A tag is old at once. */
const OLD = { revalidate: '0s' }

const pool = new CachePool({
  fresh: { count: 24 },
  old: { count: 20, settings: OLD },
  moment: { count: 2, settings: { revalidate: '5s' } },
})
const pastMoment = () => new Promise((resolve) => setTimeout(resolve, 5100))

suite('tags and manifests of an upstream that fails', AT_ONCE, () => {
  before(() => pool.start())
  after(() => pool[Symbol.asyncDispose]())

  // biome-ignore format: one fault a line
  const FAILING: readonly (readonly [name: string, fault: Fault])[] = [
  ['says 429', tooMany('60')],
  ['says 500', FAULTS.broken],
  ['says 502 with a page', FAULTS.badGateway],
  ['says 401', { status: 401, headers: { 'www-authenticate': undefined } }],
  ['says 403 DENIED', FAULTS.denied],
  ['sends a page with 403', FAULTS.blocked],
  ['sends a page with 451', FAULTS.unavailableForLegalReasons],
  ['sends a page with 200', FAULTS.captivePortal],
  ['says 404 without a registry’s JSON', FAULTS.plainNotFound],
  ['resets', FAULTS.reset],
  ['hangs up', FAULTS.close],
  ['never answers', FAULTS.hang],
  ['sends other bytes', { body: flipped, headers: { 'docker-content-digest': undefined } }],
]

  for (const [name, fault] of FAILING) {
    test(`a cached tag is served with a Warning, and by digest without, while the upstream ${name} (FC-05, S3)`, async () => {
      await using cache = await pool.take('old', { images })
      assert.equal((await cache.manifest('1')).status, 200)
      cache.upstream.always('*', fault)
      for (let times = 0; times < 2; times += 1) {
        const stale = await cache.manifest('1')
        assert.deepEqual(stale.bytes, image.manifest.bytes)
        assert.ok(isStale(stale), 'without a Warning')
      }
      const fixed = await cache.manifest(image.manifest.digest)
      assert.deepEqual([fixed.status, fixed.headers['warning']], [200, undefined])
    })
  }

  test('what is fresh costs the upstream nothing, however often it is pulled (FC-06, S11)', async () => {
    const index = makeMultiPlatform('fresh')
    await using cache = await pool.take('fresh', { images: { 'library/a:1': index } })
    const child = index.children[0]?.manifest.digest ?? ''
    await cache.manifest('1')
    await cache.manifest(child)
    const asked = cache.upstream.requests.length
    for (let times = 0; times < 20; times += 1) {
      assert.equal((await cache.manifest('1')).status, 200)
      assert.equal((await cache.manifest('1', { method: 'HEAD' })).status, 200)
      assert.equal((await cache.manifest(child)).status, 200)
    }
    assert.equal(cache.upstream.requests.length, asked, cache.upstream.summary())
  })

  test('an old tag costs one HEAD for all who ask, and a GET only when it moved (FC-07, FC-10, S11)', async () => {
    await using cache = await pool.take('moment', { images })
    await cache.manifest('1')
    for (const [held, gets] of [
      [image, 1],
      [other, 2],
    ] as const) {
      cache.upstream.put('library/a:1', held)
      const heads = cache.upstream.count('HEAD manifest')
      await pastMoment()
      const all = await Promise.all(Array.from({ length: 50 }, () => cache.manifest('1')))
      for (const { bytes } of all) assert.deepEqual(bytes, held.manifest.bytes)
      assert.equal(cache.upstream.count('GET manifest'), gets, cache.upstream.summary())
      assert.equal(cache.upstream.count('HEAD manifest'), heads + 1, cache.upstream.summary())
    }
    assert.deepEqual((await cache.manifest(image.manifest.digest)).bytes, image.manifest.bytes)
  })

  test('a tag that moved, and whose manifest comes a byte a second, is served as it was (S3)', async () => {
    await using cache = await pool.take('old', { images })
    await cache.manifest('1')
    cache.upstream.put('library/a:1', other)
    cache.upstream.always('GET manifest', { drip: { bytes: 1, ms: 1000 } })
    const stale = await cache.manifest('1')
    assert.ok(isStale(stale), stale.text)
    assert.deepEqual(stale.bytes, image.manifest.bytes)
  })

  test('an index stays as it came, is there offline, and lacks only the children that nobody pulled (FC-08, S14)', async () => {
    const index = makeMultiPlatform('kept whole')
    await using cache = await startCache({ upstream: { images: { 'library/a:1': index } } })
    const [pulled, absent] = index.children.map(({ manifest }) => manifest.digest)
    assert.equal((await cache.manifest('1', { method: 'HEAD' })).status, 200)
    assert.equal((await cache.manifest(pulled ?? '')).status, 200)
    await cache.upstream.close()
    await using again = await cache.restart('kill')
    for (const reference of ['1', index.manifest.digest]) {
      const { status, bytes } = await again.manifest(reference)
      assert.equal(status, 200)
      assert.deepEqual(bytes, index.manifest.bytes)
    }
    assert.equal((await again.manifest(pulled ?? '')).status, 200)
    const missing = await again.manifest(absent ?? '')
    assert.deepEqual([missing.status, errorOf(missing).code], [502, 'UNAVAILABLE'])
  })

  test('by digest first: fetched, checked, kept, and never confirmed (FC-13, FC-23)', async () => {
    await using cache = await startCache({ upstream: { images }, settings: OLD })
    const { digest, bytes } = image.manifest
    for (let times = 0; times < 3; times += 1) assert.deepEqual((await cache.manifest(digest)).bytes, bytes)
    assert.equal(cache.upstream.requests.length, 1, cache.upstream.summary())
    await cache.upstream.close()
    await using again = await cache.restart()
    assert.deepEqual((await again.manifest(digest)).bytes, bytes)
  })

  // biome-ignore format: one lie a line
  const LIES: readonly (readonly [name: string, fault: Fault])[] = [
  ['other bytes under the digest that was asked for (FC-04, D-9, S2)', { body: other.manifest.bytes, headers: { 'docker-content-digest': image.manifest.digest } }],
  ['another manifest, and its digest', { body: other.manifest.bytes, headers: { 'docker-content-digest': other.manifest.digest } }],
  ['a page with 200 (D-11, S9)', FAULTS.captivePortal],
  ['a page under the type of a manifest', { body: FAULTS.captivePortal.body ?? '' }],
  ['half of it, and the end of the connection (FC-03)', { length: 'none', at: 40, by: 'fin' }],
  ['a length that is too long (D-10)', { length: 'longer' }],
  ['a length that is too short (D-10)', { length: 'shorter' }],
  ['two lengths that differ (D-10)', { length: 'two' }],
  ['a negative length (D-10)', { length: 'negative' }],
  ['a length and chunks (D-10)', { length: 'with-chunked' }],
]

  for (const [name, fault] of LIES) {
    test(`a manifest is refused with 502, and nothing of it is kept: ${name}`, async () => {
      await using cache = await pool.take('fresh', { images })
      const stop = cache.upstream.always('manifest', fault)
      const refused = await cache.manifest(image.manifest.digest)
      assert.deepEqual([refused.status, errorOf(refused).detail['cause']], [502, 'upstream-broken'], refused.text)
      assert.doesNotMatch(refused.text, /<html|<script/i)
      stop()
      assert.deepEqual((await cache.manifest(image.manifest.digest)).bytes, image.manifest.bytes)
    })
  }

  test('a manifest that is an image to one reader and an index to another is refused, under its own digest too (T2, T35)', async () => {
    const both = { ...JSON.parse(image.manifest.bytes.toString()), manifests: [] }
    const manifest = jsonContent(both)
    await using cache = await pool.take('fresh', { images: { 'library/a:1': { ...image, manifest } } })
    for (const reference of ['1', manifest.digest]) {
      const refused = await cache.manifest(reference)
      assert.deepEqual([refused.status, errorOf(refused).detail['cause']], [502, 'upstream-broken'], refused.text)
    }
  })

  test('a tag whose digest header lies is what its bytes say, or refused (FC-04)', async () => {
    await using cache = await pool.take('fresh', { images })
    cache.upstream.next('GET manifest', { headers: { 'docker-content-digest': other.manifest.digest } })
    const answer = await cache.manifest('1')
    if (answer.status === 200) assert.equal(answer.headers['docker-content-digest'], digestOf(answer.bytes))
    else assert.equal(answer.status, 502)
  })

  test('a tag that is deleted upstream goes on its own word, and comes back by itself', async () => {
    await using cache = await pool.take('old', { images })
    await cache.manifest('1')
    cache.upstream.remove('library/a:1')
    const gone = await cache.manifest('1')
    assert.deepEqual([gone.status, errorOf(gone).code], [404, 'MANIFEST_UNKNOWN'])
    assert.equal((await cache.manifest(image.manifest.digest)).status, 200)
    cache.upstream.put('library/a:1', image)
    const deadline = Date.now() + 10_000
    while ((await cache.manifest('1')).status !== 200) {
      assert.ok(Date.now() < deadline, cache.upstream.summary())
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  })

  test('what the upstream refuses is told as its own, never as not found, and without its challenge (FC-11, S8)', async () => {
    await using cache = await pool.take('fresh', { images })
    cache.upstream.always('manifest', {
      ...FAULTS.denied,
      headers: { 'content-type': 'application/json', 'www-authenticate': 'Bearer realm="https://evil.test/token"' },
    })
    const denied = await cache.manifest('1')
    assert.equal(denied.status, 403)
    assert.equal(errorOf(denied).code, 'DENIED')
    assert.match(errorOf(denied).message, /lab\.test|-\d+\.test/)
    assert.equal(denied.headers['www-authenticate'], undefined)
  })

  test('429 has Retry-After, and whoever repeats at once costs the upstream nothing (S10)', async () => {
    await using cache = await pool.take('fresh', { images })
    cache.upstream.always('manifest', tooMany('60'))
    const first = await cache.manifest('1')
    assert.deepEqual([first.status, errorOf(first).code], [429, 'TOOMANYREQUESTS'])
    assert.ok(Number(first.headers['retry-after']) > 0)
    assert.equal(first.headers['ratelimit-remaining'], undefined)
    const asked = cache.upstream.requests.length
    for (let times = 0; times < 5; times += 1) assert.equal((await cache.manifest('1')).status, 429)
    assert.equal(cache.upstream.requests.length, asked, cache.upstream.summary())
  })

  test('a signature that fails leaves the image alone (FC-29)', async () => {
    await using cache = await pool.take('fresh', { images })
    const { digest } = image.manifest
    cache.upstream.always(`/v2/library/a/manifests/${digest.replace(':', '-')}*`, FAULTS.denied)
    cache.upstream.always('referrers', FAULTS.denied)
    assert.equal((await cache.manifest('1')).status, 200)
    assert.equal((await cache.blob(layerOf(image))).status, 200)
    assert.equal((await cache.manifest(`${digest.replace(':', '-')}.sig`)).status, 403)
    assert.equal((await cache.client.request('GET', `/v2/${cache.name}/library/a/referrers/${digest}`)).status, 403)
    assert.equal((await cache.manifest('1')).status, 200)
  })

  test('two failures put nobody offline: what is cached is served at once, the rest as soon as it works (FC-25)', async () => {
    await using cache = await pool.take('old', { images: { ...images, 'library/b:1': other } })
    await cache.manifest('1')
    const { port } = cache.upstream
    await cache.upstream.close()
    for (let times = 0; times < 2; times += 1) assert.equal((await cache.manifest('1')).status, 200)
    const cold = cache.manifest('1', { repository: 'library/b' })
    await cache.upstream.open({ port })
    assert.deepEqual((await cold).bytes, other.manifest.bytes)
  })

  test('an error says since when the upstream fails (FC-25)', async () => {
    await using cache = await pool.take('fresh', { images })
    cache.upstream.always('manifest', FAULTS.broken)
    await cache.manifest('1')
    const second = errorOf(await cache.manifest('1'))
    assert.match(String(second.detail['since']), /^20\d\d-/)
    assert.equal(second.detail['upstream'], cache.name)
  })

  test('nothing of the upstream’s own headers is passed on', async () => {
    await using cache = await pool.take('fresh', {
      images,
      headers: { 'set-cookie': 'a=b', 'strict-transport-security': 'max-age=1', 'x-evil': '1', etag: '"theirs"' },
    })
    const { headers } = await cache.manifest('1')
    for (const name of ['set-cookie', 'strict-transport-security', 'x-evil'])
      assert.equal(headers[name], undefined, name)
    assert.notEqual(headers.etag, '"theirs"')
  })

  test('an index in an index is served as it is', async () => {
    const nested = makeIndex([makeMultiPlatform('nested')])
    await using cache = await pool.take('fresh', { images: { 'library/a:1': nested } })
    assert.deepEqual((await cache.manifest('1')).bytes, nested.manifest.bytes)
  })
})
