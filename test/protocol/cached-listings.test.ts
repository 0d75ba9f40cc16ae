import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { CAUSES } from '../../src/upstream/upstream.ts'
import { descriptorOf, makeArtifact, makeImage } from '../helpers/images.ts'
import { type TestCache, testCache } from '../helpers/test-cache.ts'
import { codeOf } from '../helpers/test-registry.ts'
import { assertAnswer } from './case.ts'

const NAME = 'library/alpine'
const HERE = `/v2/docker.io/${NAME}`
const IMAGE = makeImage('listed')
const SIGNATURE = 'application/vnd.example.signature+json'
const NOTES = [
  makeArtifact('one', { subject: IMAGE }),
  makeArtifact('two', { subject: IMAGE, artifactType: SIGNATURE }),
]
const DESCRIPTORS = NOTES.map(({ manifest }, at) => ({
  ...descriptorOf(manifest),
  artifactType: at === 0 ? 'application/vnd.example.note' : SIGNATURE,
  annotations: { at: String(at) },
}))
const REFERRERS = `${HERE}/referrers/${IMAGE.manifest.digest}`
const sorted = [...DESCRIPTORS].sort((one, other) => (one.digest < other.digest ? -1 : 1))

const read = (answer: { text: string }) => JSON.parse(answer.text)
const told = ({ ends }: TestCache) => ends.map(({ kind, name, outcome }) => `${outcome} ${kind} ${name}`)

suite('tags of a cached repository', () => {
  test('are its upstream’s, page by page, by every form of address (S61)', async () => {
    await using cache = await testCache()
    for (const tag of ['1', '2', '3']) cache.hub.publish(NAME, IMAGE, tag)
    const first = await cache.get(`${HERE}/tags/list?n=2`)
    assert.deepEqual(read(first), { name: `docker.io/${NAME}`, tags: ['1', '2'] })
    assert.equal(first.headers['link'], `<${HERE}/tags/list?last=2&n=2>; rel="next"`)
    const second = await cache.get(`${HERE}/tags/list?last=2&n=2`)
    assert.deepEqual([read(second).tags, second.headers['link']], [['3'], undefined])
    const byNs = await cache.get(`/v2/${NAME}/tags/list?n=2&ns=docker.io`)
    assert.equal(byNs.headers['link'], `</v2/${NAME}/tags/list?last=2&n=2&ns=docker.io>; rel="next"`)
    assert.equal(byNs.headers['oci-namespace'], 'docker.io')
    assert.deepEqual(read(await cache.get('/v2/alpine/tags/list')).tags, ['1', '2', '3'])
    assert.deepEqual(cache.hub.asked[1], `tags ${NAME}:2`)
    assert.deepEqual(told(cache)[0], `fetched tags docker.io/${NAME}`)
  })

  test('are asked for once, however many want them', async () => {
    await using cache = await testCache()
    cache.hub.publish(NAME, IMAGE, '1')
    await Promise.all(Array.from({ length: 10 }, () => cache.get(`${HERE}/tags/list`)))
    assert.equal(cache.hub.asked.length, 1)
  })

  test('of a repository that the upstream does not have are 404', async () => {
    await using cache = await testCache()
    assertAnswer(await cache.get(`${HERE}/tags/list`), { status: 404, code: 'NAME_UNKNOWN' })
  })

  test('are an error within 10 s where the upstream is silent', async () => {
    await using cache = await testCache()
    cache.hub.hang()
    assertAnswer(await cache.getWhile(`${HERE}/tags/list`, 10_000), { status: 504, code: 'UNAVAILABLE' })
  })

  test('of a hosted repository are asked of nobody (FC-22)', async () => {
    await using cache = await testCache()
    await cache.registry.push('team/app', IMAGE, '1')
    assert.deepEqual(read(await cache.get('/v2/team/app/tags/list')).tags, ['1'])
    assert.deepEqual(read(await cache.get(`/v2/team/app/referrers/${IMAGE.manifest.digest}`)).manifests, [])
    assert.deepEqual(cache.hub.asked, [])
  })

  test('are what is cached where nobody may be asked, with a warning, and without those that are gone', async () => {
    await using cache = await testCache({ hub: { cacheOnly: 'offline' } })
    const { catalog } = cache.registry.rules
    assertAnswer(await cache.get(`${HERE}/tags/list`), {
      status: 503,
      code: 'UNAVAILABLE',
      text: /egress\.offline is set/,
    })
    const { digest, bytes, mediaType } = IMAGE.manifest
    const row = { repository: `docker.io/${NAME}`, digest, bytes, manifest: { mediaType, references: [] }, at: 5 }
    for (const tag of ['1', '2', '3', '4']) await catalog.write('putCachedManifest', { ...row, tag })
    await catalog.write('markTagGone', { repository: row.repository, tag: '2', digest, at: 6 })
    const first = await cache.get(`${HERE}/tags/list?n=2`)
    assert.deepEqual(
      [read(first).tags, first.headers['link']],
      [['1', '3'], `<${HERE}/tags/list?last=3&n=2>; rel="next"`],
    )
    assert.match(String(first.headers['warning']), /^299 - .*only what is cached is listed/)
    assert.deepEqual(read(await cache.get(`${HERE}/tags/list?n=2&last=3`)).tags, ['4'])
    assert.deepEqual(cache.hub.asked, [])
  })
})

suite('referrers of a cached repository', () => {
  test('are its upstream’s, with what it says of them (S59)', async () => {
    await using cache = await testCache()
    cache.hub.refer(IMAGE.manifest.digest, DESCRIPTORS)
    const answer = await cache.get(REFERRERS)
    assert.equal(answer.headers['content-type'], 'application/vnd.oci.image.index.v1+json')
    assert.deepEqual(read(answer).manifests, sorted)
    assert.deepEqual(told(cache), [`fetched referrers docker.io/${NAME}@${IMAGE.manifest.digest}`])
  })

  for (const plus of ['+', '%2B']) {
    test(`are filtered by their type, written with ${plus} (S58)`, async () => {
      await using cache = await testCache()
      cache.hub.refer(IMAGE.manifest.digest, DESCRIPTORS)
      const answer = await cache.get(`${REFERRERS}?artifactType=${SIGNATURE.replace('+', plus)}`)
      assert.equal(answer.headers['oci-filters-applied'], 'artifactType')
      assert.deepEqual(read(answer).manifests, [DESCRIPTORS[1]])
    })
  }

  test('of what the upstream does not know are an empty list, not 404 (S57)', async () => {
    await using cache = await testCache()
    const zero = `${HERE}/referrers/sha256:${'0'.repeat(64)}`
    for (const cause of [undefined, 'not-found'] as const) {
      cache.hub.failWith(cause)
      const answer = await cache.get(zero)
      assertAnswer(answer, { status: 200, has: { 'content-type': 'application/vnd.oci.image.index.v1+json' } })
      assert.deepEqual(read(answer).manifests, [])
    }
    assertAnswer(await cache.get(`${HERE}/referrers/sha256:bad`), { status: 400 })
  })

  for (const cause of CAUSES.filter((one) => one !== 'not-found')) {
    test(`are an error where the upstream is ${cause}, never an empty list, and so are tags (S59, S9)`, async () => {
      await using cache = await testCache()
      cache.hub.publish(NAME, IMAGE, '1')
      cache.hub.refer(IMAGE.manifest.digest, DESCRIPTORS)
      assertAnswer(await cache.get(`${HERE}/manifests/1`), { status: 200 })
      cache.hub.failWith(cause)
      for (const list of [REFERRERS, `${HERE}/tags/list`]) {
        const answer = await cache.get(list)
        assert.ok([403, 429, 502, 504].includes(answer.status), String(answer.status))
        assert.equal(read(answer).errors[0].detail.cause, cause)
        assert.notEqual(codeOf(answer), 'UNKNOWN')
      }
      assert.deepEqual(
        cache.ends.slice(1).map(({ outcome, failure }) => [outcome, failure?.cause]),
        [
          ['failed', cause],
          ['failed', cause],
        ],
      )
    })
  }

  test('that fail leave the image to be pulled (FC-29)', async () => {
    await using cache = await testCache()
    cache.hub.publish(NAME, IMAGE, '1')
    const signature = `sha256-${IMAGE.manifest.digest.slice(7)}.sig`
    const { failWith, script } = cache.hub
    failWith.call(cache.hub, 'upstream-broken', { status: 500 })
    const broken = cache.hub.script
    cache.hub.script = (asked) =>
      asked.method === 'referrers' || asked.reference === signature ? broken(asked) : script(asked)
    assertAnswer(await cache.get(REFERRERS), { status: 502 })
    assertAnswer(await cache.get(`${HERE}/manifests/${signature}`), { status: 502 })
    assertAnswer(await cache.get(`${HERE}/manifests/1`), { status: 200, bytes: IMAGE.manifest.bytes })
  })

  test('come in pages where they are many, each with what the client asked by', async () => {
    await using cache = await testCache()
    const annotations = { text: 'x'.repeat(60_000) }
    const many = Array.from({ length: 100 }, (_, at) => ({
      ...descriptorOf(makeArtifact(`many ${at}`).manifest),
      ...{ artifactType: SIGNATURE, annotations },
    }))
    cache.hub.refer(IMAGE.manifest.digest, many)
    const found: string[] = []
    let path: string | undefined = `${REFERRERS}?artifactType=${encodeURIComponent(SIGNATURE)}`
    let pages = 0
    while (path !== undefined) {
      const answer = await cache.get(path)
      assert.ok(answer.bytes.length <= 4 * 1024 * 1024)
      found.push(...read(answer).manifests.map(({ digest }: { digest: string }) => digest))
      pages += 1
      path = /^<(.*)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1]
    }
    assert.ok(pages > 1)
    assert.deepEqual(found, many.map(({ digest }) => digest).sort())
  })

  test('are those that are cached where nobody may be asked; none is an error', async () => {
    await using cache = await testCache({ hub: { cacheOnly: 'cacheonly' } })
    const nobody = { status: 503, code: 'UNAVAILABLE', text: /cacheonly is set/ }
    assertAnswer(await cache.get(REFERRERS), nobody)
    const [note = assert.fail()] = NOTES
    const { digest, bytes, mediaType } = note.manifest
    const manifest = { mediaType, references: [], subject: IMAGE.manifest.digest, artifactType: 'application/x' }
    const row = { repository: `docker.io/${NAME}`, digest, bytes, manifest, at: 5 }
    await cache.registry.rules.catalog.write('putCachedManifest', row)
    const answer = await cache.get(REFERRERS)
    assert.deepEqual(
      read(answer).manifests.map((one: { digest: string }) => one.digest),
      [digest],
    )
    assert.match(String(answer.headers['warning']), /only what is cached is listed/)
    assertAnswer(await cache.get(`${REFERRERS}?artifactType=application/y`), nobody)
    assert.deepEqual(cache.hub.asked, [])
  })
})

test('_catalog lists what is cached by its full name, beside what is hosted', async () => {
  await using cache = await testCache()
  cache.hub.publish(NAME, IMAGE, '1')
  cache.ghcr.publish('owner/app', IMAGE, '1')
  await cache.registry.push('team/app', IMAGE, '1')
  assertAnswer(await cache.get('/v2/alpine/manifests/1'), { status: 200 })
  assertAnswer(await cache.get('/v2/ghcr.io/owner/app/manifests/1'), { status: 200 })
  const { repositories } = read(await cache.get('/v2/_catalog'))
  assert.deepEqual(repositories, [`docker.io/${NAME}`, 'ghcr.io/owner/app', 'team/app'])
})
