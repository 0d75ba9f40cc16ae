import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { CAUSES, type Cause } from '../../src/upstream/upstream.ts'
import { makeImage, makeMultiPlatform } from '../helpers/images.ts'
import { failureOf } from '../helpers/memory-upstream.ts'
import { type TestCache, testCache } from '../helpers/test-cache.ts'
import type { Answer } from '../helpers/test-registry.ts'
import { assertAnswer } from './case.ts'

const NAME = 'library/alpine'
const TAG = `/v2/docker.io/${NAME}/manifests/3`
const [OLD, NEW] = [makeImage('old'), makeImage('new')]
const MINUTE = 60_000
/** Longer than anything is confirmed for. */
const LATER = 61_000

const serves = (answer: Answer, image: typeof OLD) => assertAnswer(answer, { status: 200, bytes: image.manifest.bytes })
const told = ({ ends }: TestCache) => ends.map(({ outcome }) => outcome)

/** A tag that was pulled, longer ago than it is confirmed for. What came before is forgotten. */
async function warm(options: Parameters<typeof testCache>[0] = {}): Promise<TestCache> {
  const cache = await testCache(options)
  cache.hub.publish(NAME, OLD, '3')
  serves(await cache.get(TAG), OLD)
  await cache.clock.advance(LATER)
  for (const list of [cache.hub.asked, cache.ends]) list.length = 0
  return cache
}

suite('a tag that nobody pulled', () => {
  test('is fetched, kept with its bytes as they came, and then served without a question (FC-06)', async () => {
    await using cache = await testCache()
    const { hub, registry } = cache
    hub.publish(NAME, OLD, '3')
    serves(await cache.get(TAG), OLD)
    for (let time = 0; time < 20; time += 1) serves(await cache.get(TAG), OLD)
    serves(await cache.get(`/v2/docker.io/${NAME}/manifests/${OLD.manifest.digest}`), OLD)
    assert.deepEqual(hub.asked, [`manifest ${NAME}:3`])
    const { catalog, blobs } = registry.rules.parts
    assert.equal((await catalog.repository(`docker.io/${NAME}`))?.kind, 'cached')
    assert.equal((await blobs.stat(OLD.manifest.digest))?.size, OLD.manifest.bytes.length)
    assert.deepEqual(told(cache), ['fetched', ...Array<string>(21).fill('hit')])
    const { asker: _, attempts, ...end } = cache.ends[0] ?? assert.fail()
    const bytes = OLD.manifest.bytes.length
    assert.deepEqual(end, {
      ...{ upstream: 'docker.io', kind: 'manifest', name: `docker.io/${NAME}:3`, outcome: 'fetched' },
      ...{ bytes, resumes: 0, ms: { header: 0, total: 0 } },
    })
    assert.equal(attempts.length, 1)
  })

  test('is the same by every form of address (S62)', async () => {
    await using cache = await testCache()
    cache.hub.publish(NAME, OLD, '3')
    for (const path of [
      `/v2/${NAME}/manifests/3?ns=docker.io`,
      `/docker.io/v2/${NAME}/manifests/3`,
      `/v2/docker.io/${NAME}/manifests/3?ns=docker.io`,
      `/v2/${NAME}/manifests/3`,
      '/v2/alpine/manifests/3',
    ]) {
      serves(await cache.get(path), OLD)
    }
    assert.equal(cache.hub.asked.length, 1)
  })

  test('is asked for once, however many want it', async () => {
    await using cache = await testCache()
    cache.hub.publish(NAME, OLD, '3')
    const answers = await Promise.all(Array.from({ length: 20 }, () => cache.get(TAG)))
    for (const answer of answers) serves(answer, OLD)
    assert.equal(cache.hub.asked.length, 1)
    // The bytes came once.
    assert.equal(
      cache.ends.reduce((sum, { bytes }) => sum + bytes, 0),
      OLD.manifest.bytes.length,
    )
  })

  test('HEAD keeps it whole, so that it is there when the upstream is not (FC-08)', async () => {
    await using cache = await testCache()
    const { hub, registry } = cache
    const index = makeMultiPlatform('many')
    const [one, other] = index.children
    hub.publish(NAME, index, '3')
    const child = (image = one) => `/v2/docker.io/${NAME}/manifests/${image?.manifest.digest}`
    const head = await registry.request(`HEAD ${TAG}`)
    assert.equal(head.headers['docker-content-digest'], index.manifest.digest)
    assertAnswer(await cache.get(child()), { status: 200 })
    hub.failWith('connection-refused')
    await cache.clock.advance(LATER)
    assertAnswer(await cache.get(TAG), { status: 200, bytes: index.manifest.bytes, has: { warning: /299/ } })
    const byDigest = await cache.get(`/v2/docker.io/${NAME}/manifests/${index.manifest.digest}`)
    assertAnswer(byDigest, { status: 200, bytes: index.manifest.bytes, has: { warning: undefined } })
    assertAnswer(await cache.get(child()), { status: 200 })
    assertAnswer(await cache.get(child(other)), { status: 502, code: 'UNAVAILABLE' })
  })

  test('that the registry does not have is 404 for 5 s, and then asked for again (S10)', async () => {
    await using cache = await testCache()
    for (let time = 0; time < 6; time += 1) {
      assertAnswer(await cache.get(TAG), { status: 404, code: 'MANIFEST_UNKNOWN' })
    }
    assert.equal(cache.hub.asked.length, 1)
    cache.hub.publish(NAME, OLD, '3')
    await cache.clock.advance(5_000)
    serves(await cache.get(TAG), OLD)
    assert.deepEqual(told(cache), [...Array<string>(6).fill('failed'), 'fetched'])
    assert.equal(cache.ends[5]?.failure?.cause, 'not-found')
  })

  for (const cause of CAUSES) {
    test(`is an error that names ${cause}, and says the same to programs (FC-11, S9)`, async () => {
      await using cache = await testCache()
      cache.hub.failWith(cause, { hop: 'token', host: 'auth.docker.io' })
      const answer = await cache.get(TAG)
      const [error] = JSON.parse(answer.text).errors
      assert.match(error.message, /docker\.io/)
      const { hop, upstream, route } = error.detail
      assert.deepEqual(
        { cause: error.detail.cause, hop, upstream, route },
        {
          ...{ cause, hop: 'token', upstream: 'docker.io', route: 'direct' },
        },
      )
      const { outcome, failure, attempts } = cache.ends[0] ?? assert.fail()
      assert.deepEqual([outcome, failure?.cause, attempts.length, cache.ends.length], ['failed', cause, 1, 1])
      assert.equal(await cache.registry.rules.catalog.repository(`docker.io/${NAME}`), undefined)
    })
  }

  test('that hangs is an error within 10 s, and goes on behind for who comes later (S6)', async () => {
    await using cache = await testCache()
    const { hub } = cache
    hub.publish(NAME, OLD, '3')
    const answer = hub.hang()
    assertAnswer(await cache.getWhile(TAG, 10_000), { status: 504, code: 'UNAVAILABLE' })
    assert.deepEqual([told(cache), cache.ends[0]?.failure?.cause], [['failed'], 'timeout'])
    assert.ok((cache.ends[0]?.ms.total ?? 0) < 10_000)
    answer()
    await cache.clock.settle()
    serves(await cache.get(TAG), OLD)
    assert.deepEqual([hub.asked.length, cache.behind], [1, []])
  })

  test('that hangs is an error of what it hangs at', async () => {
    await using cache = await testCache()
    cache.hub.hang()
    cache.hub.hangsAt = failureOf('connection-refused', { hop: 'proxy' }).failure
    assertAnswer(await cache.getWhile(TAG, 10_000), { status: 502, text: /"hop":"proxy"/ })
  })
})

suite('a tag that is cached', () => {
  test('is confirmed by one HEAD each minute, whoever asks (FC-06, FC-07, S11)', async () => {
    await using cache = await warm()
    const answers = await Promise.all(Array.from({ length: 50 }, () => cache.get(TAG)))
    for (const answer of answers) {
      serves(answer, OLD)
      assert.equal(answer.headers['warning'], undefined)
    }
    await cache.clock.advance(MINUTE - 1)
    serves(await cache.get(TAG), OLD)
    assert.deepEqual(cache.hub.asked, [`confirm ${NAME}:3`])
    await cache.clock.advance(1)
    serves(await cache.get(TAG), OLD)
    assert.equal(cache.hub.asked.length, 2)
    assert.ok(told(cache).every((outcome) => outcome === 'hit'))
  })

  test('is what it points at now, once it has moved; the older one stays by digest (FC-10)', async () => {
    await using cache = await warm()
    cache.hub.publish(NAME, NEW, '3')
    serves(await cache.get(TAG), NEW)
    serves(await cache.get(TAG), NEW)
    serves(await cache.get(`/v2/docker.io/${NAME}/manifests/${OLD.manifest.digest}`), OLD)
    assert.deepEqual(cache.hub.asked, [`confirm ${NAME}:3`, `manifest ${NAME}:3`])
    assert.deepEqual(told(cache), ['fetched', 'hit', 'hit'])
  })

  test('has its own time to be confirmed again, by its upstream', async () => {
    await using cache = await testCache({ hub: { revalidate: 10 * MINUTE } })
    for (const upstream of [cache.hub, cache.ghcr]) upstream.publish(NAME, OLD, '3')
    for (const minutes of [0, 9, 1]) {
      await cache.clock.advance(minutes * MINUTE)
      for (const name of ['docker.io', 'ghcr.io']) serves(await cache.get(`/v2/${name}/${NAME}/manifests/3`), OLD)
    }
    const confirmed = ({ asked }: TestCache['hub']) => asked.filter((line) => line.startsWith('confirm')).length
    assert.deepEqual([confirmed(cache.hub), confirmed(cache.ghcr)], [1, 2])
  })

  for (const cause of CAUSES.filter((one): one is Exclude<Cause, 'not-found'> => one !== 'not-found')) {
    test(`is served as it was, with a warning, where its upstream is ${cause} (FC-05, S3)`, async () => {
      await using cache = await warm()
      cache.hub.failWith(cause, { status: 418 })
      const answer = await cache.get(TAG)
      serves(answer, OLD)
      const { failure } = cache.ends[0] ?? assert.fail()
      assert.match(String(answer.headers['warning']), /^299 - "docker\.io\/library\/alpine:3 is served as it was at 19/)
      assert.match(String(answer.headers['warning']), /could not be confirmed: docker\.io/)
      assert.deepEqual([told(cache), failure?.cause], [['stale'], cause])
    })
  }

  for (const cause of CAUSES.filter((one) => one !== 'not-found')) {
    test(`is not gone where a HEAD finds nothing, and then a GET ${cause}: only the registry’s own word deletes`, async () => {
      await using cache = await warm()
      cache.hub.unpublish(NAME, '3')
      cache.hub.script = ({ method }) => {
        if (method === 'manifest') throw failureOf(cause, { status: 404 })
      }
      const answer = await cache.get(TAG)
      serves(answer, OLD)
      assert.match(String(answer.headers['warning']), /could not be confirmed/)
      assert.equal((await cache.registry.rules.catalog.tag(`docker.io/${NAME}`, '3'))?.goneAt, undefined)
    })
  }

  test('is served within 2 s where its upstream is silent, and at once to who comes then (S3)', async () => {
    await using cache = await warm()
    const { hub } = cache
    hub.publish(NAME, NEW, '3')
    const answer = hub.hang()
    const first = await cache.getWhile(TAG, 2_000)
    serves(first, OLD)
    assert.match(String(first.headers['warning']), /^299 - /)
    assert.equal(cache.ends[0]?.failure?.cause, 'timeout')
    // Nobody moves the clock for this one.
    serves(await cache.get(TAG), OLD)
    assert.deepEqual(told(cache), ['stale', 'stale'])
    // The check goes on behind.
    answer()
    await cache.clock.settle()
    serves(await cache.get(TAG), NEW)
    assert.deepEqual(hub.asked, [`confirm ${NAME}:3`, `manifest ${NAME}:3`])
    assert.deepEqual(told(cache), ['stale', 'stale', 'hit'])
  })

  test('is served at once while its upstream is known to fail, and asked for behind (FC-25)', async () => {
    await using cache = await warm()
    const { hub } = cache
    const { failure } = failureOf('timeout', { hop: 'connect' })
    hub.failing = { since: 1_000_000, failure }
    hub.publish(NAME, NEW, '3')
    const answer = hub.hang()
    const stale = await cache.get(TAG)
    serves(stale, OLD)
    assert.match(String(stale.headers['warning']), /could not be confirmed/)
    assert.equal(cache.ends[0]?.failure?.hop, 'connect')
    // What is not cached has its time, and its error says since when.
    const cold = await cache.getWhile(`/v2/docker.io/${NAME}/manifests/4`, 10_000)
    assertAnswer(cold, { status: 504, text: /failing since 1970-01-01T00:16:40/ })
    delete (hub as { failing?: unknown }).failing
    answer()
    await cache.clock.settle()
    serves(await cache.get(TAG), NEW)
  })

  test('is gone where its registry says so, stays here, and comes back by itself (FC-10)', async () => {
    await using cache = await warm()
    const { hub, registry } = cache
    hub.unpublish(NAME, '3')
    assertAnswer(await cache.get(TAG), { status: 404, code: 'MANIFEST_UNKNOWN' })
    assertAnswer(await cache.get(TAG), { status: 404 })
    assert.deepEqual(hub.asked, [`confirm ${NAME}:3`, `manifest ${NAME}:3`])
    const row = await registry.rules.catalog.tag(`docker.io/${NAME}`, '3')
    assert.equal(row?.digest, OLD.manifest.digest)
    assert.notEqual(row?.goneAt, undefined)
    serves(await cache.get(`/v2/docker.io/${NAME}/manifests/${OLD.manifest.digest}`), OLD)

    // What it said still counts while it cannot be asked.
    await cache.clock.advance(5_000)
    hub.failWith('connection-refused')
    assertAnswer(await cache.get(TAG), { status: 404, text: /its registry said at 1970.*now it could not be asked/ })
    assert.equal(cache.ends.at(-1)?.failure?.cause, 'connection-refused')
    // At once, while it is known to fail: nobody moves the clock for this one.
    hub.failing = { since: 1_000_000, failure: failureOf('timeout').failure }
    const answer = hub.hang()
    assertAnswer(await cache.get(TAG), { status: 404, text: /now it could not be asked/ })
    delete (hub as { failing?: unknown }).failing
    hub.publish(NAME, OLD, '3')
    answer()
    await cache.clock.settle()
    serves(await cache.get(TAG), OLD)
    assert.equal((await registry.rules.catalog.tag(`docker.io/${NAME}`, '3'))?.goneAt, undefined)
    assert.deepEqual(told(cache), ['failed', 'failed', 'hit', 'failed', 'failed', 'hit'])
  })

  test('is asked for once it is gone, though it was confirmed lately', async () => {
    await using cache = await warm({ hub: { revalidate: 60 * MINUTE } })
    const { digest } = OLD.manifest
    const row = { repository: `docker.io/${NAME}`, tag: '3', digest, at: cache.clock.now }
    await cache.registry.rules.catalog.write('markTagGone', row)
    cache.hub.unpublish(NAME, '3')
    assertAnswer(await cache.get(TAG), { status: 404 })
    assert.equal(cache.hub.asked.length, 2)
  })

  test('comes back as another, too', async () => {
    await using cache = await warm()
    cache.hub.unpublish(NAME, '3')
    assertAnswer(await cache.get(TAG), { status: 404 })
    await cache.clock.advance(5_000)
    cache.hub.publish(NAME, NEW, '3')
    serves(await cache.get(TAG), NEW)
  })

  test('is not served for longer than maxstale', async () => {
    await using cache = await warm({ hub: { maxstale: 3 * MINUTE } })
    cache.hub.failWith('connection-refused')
    serves(await cache.get(TAG), OLD)
    await cache.clock.advance(2 * MINUTE)
    assertAnswer(await cache.get(TAG), {
      status: 502,
      text: /confirmed last at 1970-\S+, which is longer ago than maxstale/,
    })
    // It waits as long as for what is not cached.
    const answer = cache.hub.hang()
    const late = cache.get(TAG)
    await cache.clock.advance(9_000)
    answer()
    serves(await late, OLD)
  })

  test('is asked for where the clock was set back', async () => {
    await using cache = await testCache()
    cache.hub.publish(NAME, OLD, '3')
    serves(await cache.get(TAG), OLD)
    cache.clock.now -= 3_600_000
    serves(await cache.get(TAG), OLD)
    assert.deepEqual(cache.hub.asked.slice(1), [`confirm ${NAME}:3`])
  })

  test('leaves the last pulls of a limit to those who wait', async () => {
    await using cache = await warm()
    const { hub } = cache
    hub.publish(NAME, NEW, '3')
    hub.rateLimit = { limit: 100, remaining: 5, reserved: true, resetAt: 9_000_000 }
    const answer = hub.hang()
    serves(await cache.getWhile(TAG, 2_000), OLD)
    answer()
    await cache.clock.settle()
    assert.deepEqual(hub.asked, [`confirm ${NAME}:3`])
    assert.deepEqual(
      cache.behind.map(({ cause, facts }) => [cause, facts.retryAt]),
      [['rate-limited', 9_000_000]],
    )
    serves(await cache.get(TAG), NEW)
  })

  test('is served though what its upstream says cannot be written down', async () => {
    await using cache = await warm()
    const { catalog, blobs } = cache.registry.rules.parts
    const write = catalog.write
    Object.assign(catalog, { write: () => Promise.reject(new Error('the disk is full')) })
    serves(await cache.get(TAG), OLD)
    cache.hub.publish(NAME, NEW, '3')
    serves(await cache.get(TAG), NEW)
    cache.hub.unpublish(NAME, '3')
    assertAnswer(await cache.get(TAG), { status: 404 })
    assert.equal(cache.registry.rules.reports.length, 3)
    Object.assign(catalog, { write })
    // Bytes without their row are nothing.
    assert.notEqual(await blobs.stat(NEW.manifest.digest), undefined)
    assert.equal(await catalog.manifest(`docker.io/${NAME}`, NEW.manifest.digest), undefined)
    assert.equal((await catalog.tag(`docker.io/${NAME}`, '3'))?.digest, OLD.manifest.digest)
  })
})

test('bytes whose row was never written, as after a crash, are nothing that anybody finds', async () => {
  await using cache = await testCache()
  const { catalog, blobs } = cache.registry.rules.parts
  cache.hub.publish(NAME, OLD, '3')
  const { write } = catalog
  Object.assign(catalog, { write: () => Promise.reject(new Error('killed')) })
  serves(await cache.get(TAG), OLD)
  Object.assign(catalog, { write })
  assert.notEqual(await blobs.stat(OLD.manifest.digest), undefined)
  cache.hub.failWith('connection-refused')
  assertAnswer(await cache.get(TAG), { status: 502 })
  assertAnswer(await cache.get(`/v2/docker.io/${NAME}/manifests/${OLD.manifest.digest}`), { status: 502 })
  assert.equal(await catalog.repository(`docker.io/${NAME}`), undefined)
})

test('a manifest that is too large to wait in memory is read from where it is kept, and told of once', async () => {
  await using cache = await testCache()
  const large = makeImage('large', { annotations: { filler: 'x'.repeat(300_000) } })
  cache.hub.publish(NAME, large, '3')
  for (const reference of ['3', '3', large.manifest.digest]) {
    serves(await cache.get(`/v2/docker.io/${NAME}/manifests/${reference}`), large)
  }
  assert.deepEqual(cache.hub.asked, [`manifest ${NAME}:3`])
  assert.deepEqual(told(cache), ['fetched', 'hit', 'hit'])
  // Nor is it lost where it cannot be kept.
  const { blobs } = cache.registry.rules.parts
  Object.assign(blobs, { begin: () => Promise.reject(new Error('the disk is full')) })
  const other = makeImage('other', { annotations: { filler: 'y'.repeat(300_000) } })
  cache.hub.publish(NAME, other, '4')
  serves(await cache.get(`/v2/docker.io/${NAME}/manifests/4`), other)
})

suite('a digest', () => {
  const BY_DIGEST = `/v2/docker.io/${NAME}/manifests/${OLD.manifest.digest}`

  test('that is not cached is fetched and kept, and never ages (FC-13, FC-23)', async () => {
    await using cache = await testCache()
    cache.hub.publish(NAME, OLD)
    serves(await cache.get(BY_DIGEST), OLD)
    await cache.clock.advance(365 * 24 * 60 * MINUTE)
    serves(await cache.get(BY_DIGEST), OLD)
    assert.deepEqual(cache.hub.asked, [`manifest ${NAME}@${OLD.manifest.digest}`])
    assert.deepEqual(told(cache), ['fetched', 'hit'])
  })

  test('that another repository has is asked for at the upstream of this one (FC-27)', async () => {
    await using cache = await warm()
    const elsewhere = `/v2/docker.io/other/private/manifests/${OLD.manifest.digest}`
    assertAnswer(await cache.get(elsewhere), { status: 404 })
    assert.deepEqual(cache.hub.asked, [`manifest other/private@${OLD.manifest.digest}`])
  })

  test('whose bytes are here already is not written again', async () => {
    await using cache = await warm()
    const { blobs } = cache.registry.rules.parts
    Object.assign(blobs, { begin: () => Promise.reject(new Error('nothing is to be written')) })
    cache.hub.publish('other/app', OLD, '1')
    serves(await cache.get('/v2/docker.io/other/app/manifests/1'), OLD)
    assert.deepEqual(cache.registry.rules.reports, [])
    assert.notEqual(await cache.registry.rules.catalog.tag('docker.io/other/app', '1'), undefined)
  })
})

suite('nobody is asked', () => {
  for (const cacheOnly of ['cacheonly', 'offline'] as const) {
    test(`where ${cacheOnly} says so: what is cached is served, what is not says why`, async () => {
      await using cache = await testCache({ hub: { cacheOnly } })
      const { hub, registry } = cache
      const { digest, bytes, mediaType } = OLD.manifest
      const data = { repository: `docker.io/${NAME}`, digest, bytes, manifest: { mediaType, references: [] }, at: 5 }
      await registry.rules.catalog.write('putCachedManifest', { ...data, tag: '3' })
      await cache.clock.advance(365 * 24 * 60 * MINUTE)
      assertAnswer(await cache.get(TAG), { status: 200, bytes, has: { warning: undefined } })
      assertAnswer(await cache.get(`/v2/docker.io/${NAME}/manifests/${digest}`), { status: 200 })
      const setting = cacheOnly === 'offline' ? /egress\.offline is set/ : /upstreams\.docker\.io\.cacheonly is set/
      for (const reference of ['4', NEW.manifest.digest]) {
        const missing = await cache.get(`/v2/docker.io/${NAME}/manifests/${reference}`)
        assertAnswer(missing, { status: 503, code: 'UNAVAILABLE', text: setting })
      }
      await registry.rules.catalog.write('markTagGone', { repository: `docker.io/${NAME}`, tag: '3', digest, at: 6 })
      assertAnswer(await cache.get(TAG), { status: 404, text: /its registry said/ })
      assert.deepEqual([hub.asked, told(cache)], [[], ['hit', 'hit', 'failed', 'failed', 'failed']])
    })
  }

  test('and maxstale counts there, too', async () => {
    await using cache = await testCache({ hub: { cacheOnly: 'offline', maxstale: MINUTE } })
    const { digest, bytes, mediaType } = OLD.manifest
    const row = { repository: `docker.io/${NAME}`, digest, bytes, manifest: { mediaType, references: [] } }
    const at = cache.clock.now
    await cache.registry.rules.catalog.write('putCachedManifest', { ...row, at, tag: '3' })
    serves(await cache.get(TAG), OLD)
    await cache.clock.advance(LATER)
    assertAnswer(await cache.get(TAG), { status: 503, text: /older than maxstale; egress\.offline is set/ })
    assert.deepEqual(cache.hub.asked, [])
  })

  test('for what is hosted, whatever its upstream does (FC-22)', async () => {
    await using cache = await testCache()
    cache.hub.failWith('connection-refused')
    await cache.registry.push('team/app', OLD, '1')
    await cache.clock.advance(LATER)
    serves(await cache.get('/v2/team/app/manifests/1'), OLD)
    assertAnswer(await cache.get('/v2/team/app/manifests/2'), { status: 404, code: 'MANIFEST_UNKNOWN' })
    assert.deepEqual([cache.hub.asked, cache.ends], [[], []])
  })

  test('for what was hosted under the name of an upstream before, not even for what it lacks', async () => {
    await using cache = await testCache()
    const { digest, bytes, mediaType } = OLD.manifest
    const row = { repository: 'ghcr.io/mine/app', digest, bytes, manifest: { mediaType, references: [] }, at: 5 }
    await cache.registry.rules.catalog.write('putManifest', { ...row, tags: ['1'], mustExist: [] })
    for (const path of ['/v2/ghcr.io/mine/app', '/ghcr.io/v2/mine/app']) {
      serves(await cache.get(`${path}/manifests/1`), OLD)
      for (const reference of ['2', NEW.manifest.digest]) {
        assertAnswer(await cache.get(`${path}/manifests/${reference}`), { status: 404, code: 'MANIFEST_UNKNOWN' })
      }
      assert.deepEqual(JSON.parse((await cache.get(`${path}/tags/list`)).text).tags, ['1'])
    }
    assert.deepEqual([cache.ghcr.asked, cache.ends], [[], []])
  })

  test('before there is a request (FC-17)', async () => {
    await using cache = await testCache()
    assert.deepEqual(cache.hub.asked, [])
  })
})

suite('somebody who leaves', () => {
  test('hurts nobody who waits for the same, and the tag is kept', async () => {
    await using cache = await testCache()
    const { hub } = cache
    const { registry } = cache.registry.rules
    hub.publish(NAME, OLD, '3')
    const answer = hub.hang()
    const leaving = new AbortController()
    const asker = { id: 'leaves', peer: '192.0.2.9', signal: leaving.signal }
    const gone = registry.findManifest(`docker.io/${NAME}`, '3', asker)
    const stays = cache.get(TAG)
    await cache.clock.settle()
    leaving.abort(new Error('hung up'))
    await assert.rejects(gone, /hung up/)
    answer()
    serves(await stays, OLD)
    assert.equal(hub.asked.length, 1)
    // He is told of with what he waited for.
    const [first] = cache.ends
    assert.deepEqual([first?.asker.id, first?.outcome, first?.failure?.cause], ['leaves', 'failed', 'timeout'])
    assert.equal(cache.ends.length, 2)
    assert.equal(cache.clock.sleeping, 0)
  })

  test('leaves what he asked for to be kept', async () => {
    await using cache = await testCache()
    const { hub } = cache
    hub.publish(NAME, OLD, '3')
    const answer = hub.hang()
    const leaving = new AbortController()
    const asker = { id: 'leaves', peer: '192.0.2.9', signal: leaving.signal }
    const gone = cache.registry.rules.registry.findManifest(`docker.io/${NAME}`, '3', asker)
    await cache.clock.settle()
    leaving.abort(new Error('hung up'))
    await assert.rejects(gone, /hung up/)
    answer()
    await cache.clock.settle()
    serves(await cache.get(TAG), OLD)
    assert.equal(hub.asked.length, 1)
  })

  test('leaves its failure to be told of, as one that nobody waits for', async () => {
    await using cache = await testCache()
    let fail = () => {}
    cache.hub.script = () =>
      new Promise((_, reject) => {
        fail = () => reject(failureOf('upstream-broken'))
      })
    assertAnswer(await cache.getWhile(TAG, 10_000), { status: 504 })
    fail()
    await cache.clock.settle()
    assert.deepEqual(
      cache.behind.map(({ cause }) => cause),
      ['upstream-broken'],
    )
  })
})

suite('a push', () => {
  // biome-ignore format: one case a line
  const PUSHES = [
    'POST /v2/library/x/blobs/uploads/', 'POST /v2/docker.io/team/x/blobs/uploads/', 'POST /v2/ghcr.io/team/x/blobs/uploads/',
    'POST /v2/team/x/blobs/uploads/?ns=docker.io', 'POST /docker.io/v2/team/x/blobs/uploads/', 'PUT /v2/docker.io/library/alpine/manifests/3',
    'PUT /v2/library/alpine/manifests/3', 'DELETE /v2/docker.io/library/alpine/manifests/3', `DELETE /v2/docker.io/library/alpine/blobs/${OLD.manifest.digest}`,
    'POST /v2/alpine/blobs/uploads/',
  ]
  for (const push of PUSHES) {
    test(`${push} is 405, and nobody is asked (FC-34, S64)`, async () => {
      await using cache = await warm()
      const answer = await cache.registry.request(push, { body: '' })
      assertAnswer(answer, { status: 405, code: 'UNSUPPORTED', text: /docker\.io|ghcr\.io/ })
      assert.deepEqual(cache.hub.asked, [])
    })
  }

  test('to a name of ours is taken beside the cache, and asks nobody whether its blobs are there (FC-34, S64)', async () => {
    await using cache = await warm()
    assert.equal((await cache.registry.request(`HEAD /v2/team/new/blobs/${OLD.manifest.digest}`)).status, 404)
    await cache.registry.push('team/new', NEW, '1')
    serves(await cache.get('/v2/team/new/manifests/1'), NEW)
    assert.deepEqual(cache.hub.asked, [])
  })
})

test('an ns that is not configured is 404 with a body, and nobody is asked (FC-21, S63)', async () => {
  await using cache = await warm()
  for (const ns of ['quay.io', '169.254.169.254', 'localhost:5000', 'docker.io.evil.example']) {
    assertAnswer(await cache.get(`/v2/${NAME}/manifests/3?ns=${ns}`), {
      status: 404,
      code: 'NAME_UNKNOWN',
      text: /was not asked/,
    })
  }
  assert.deepEqual([cache.hub.asked, cache.ghcr.asked], [[], []])
})
