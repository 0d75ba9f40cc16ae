import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '../helpers/digest-of.ts'
import { makeImage } from '../helpers/images.ts'
import { failureOf } from '../helpers/memory-upstream.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { testCache } from '../helpers/test-cache.ts'
import { assertAnswer } from './case.ts'

const NAME = 'library/alpine'
const BYTES = seededBytes('cached-blobs', 300_000)
const IMAGE = makeImage('cached-blobs', { layers: [[{ path: 'a', bytes: BYTES }]] })
const [LAYER, LAYER_BYTES] = [...IMAGE.blobs].at(-1) ?? assert.fail()
const PATH = `/v2/docker.io/${NAME}/blobs/${LAYER}`
const SIZE = LAYER_BYTES.length

/** Its manifest was pulled, its layers were not. */
async function named() {
  const cache = await testCache()
  cache.hub.publish(NAME, IMAGE, '3')
  assertAnswer(await cache.get(`/v2/docker.io/${NAME}/manifests/3`), { status: 200 })
  cache.hub.asked.length = 0
  return cache
}

test('a cold blob has every header that a stored one has (FC-36)', async () => {
  await using cache = await named()
  const has = {
    'content-length': String(SIZE),
    'docker-content-digest': LAYER,
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    etag: `"${LAYER}"`,
    'content-encoding': undefined,
  }
  const headers = { 'accept-encoding': 'gzip, zstd' }
  assertAnswer(await cache.get(PATH, { headers }), { status: 200, bytes: LAYER_BYTES, has })
  assertAnswer(await cache.get(PATH, { headers }), { status: 200, bytes: LAYER_BYTES, has })
  assert.deepEqual(cache.hub.asked, [`blob ${NAME}@${LAYER}`])
})

test('HEAD of a cold blob that a manifest names asks nobody (S12)', async () => {
  await using cache = await named()
  const answer = await cache.registry.request(`HEAD ${PATH}`)
  assertAnswer(answer, { status: 200, has: { 'content-length': String(SIZE), 'docker-content-digest': LAYER } })
  assert.deepEqual(cache.hub.asked, [])
})

for (const [range, start, end] of [
  ['bytes=1000-', 1000, SIZE],
  ['bytes=0-0', 0, 1],
  ['bytes=100-199', 100, 200],
  ['bytes=-100', SIZE - 100, SIZE],
] as const) {
  test(`${range} of a cold blob is 206 with the right bytes (S13)`, async () => {
    await using cache = await named()
    assertAnswer(await cache.get(PATH, { headers: { range } }), {
      status: 206,
      bytes: LAYER_BYTES.subarray(start, end),
      has: { 'content-range': `bytes ${start}-${end - 1}/${SIZE}`, 'content-length': String(end - start) },
    })
  })
}

test('several ranges of a cold blob come as parts', async () => {
  await using cache = await named()
  const answer = await cache.get(PATH, { headers: { range: 'bytes=200-299,0-99' } })
  assertAnswer(answer, { status: 206, has: { 'content-type': /^multipart\/byteranges/ } })
  const parts = [LAYER_BYTES.subarray(200, 300), LAYER_BYTES.subarray(0, 100)]
  for (const part of parts) assert.ok(answer.bytes.includes(part))
})

test('a range outside of a cold blob is refused, and nobody is asked', async () => {
  await using cache = await named()
  const headers = { range: `bytes=${SIZE}-` }
  assertAnswer(await cache.get(PATH, { headers }), { status: 416, has: { 'content-range': `bytes */${SIZE}` } })
  assert.deepEqual(cache.hub.asked, [])
})

test('who has the blob already is told so, and nobody is asked', async () => {
  await using cache = await named()
  assertAnswer(await cache.get(PATH, { headers: { 'if-none-match': `"${LAYER}"` } }), { status: 304 })
  assert.deepEqual(cache.hub.asked, [])
})

test('a blob whose size nobody tells goes out without a length, whole, and has one when it is stored', async () => {
  await using cache = await testCache()
  cache.hub.publish(NAME, IMAGE)
  cache.hub.blobScript = () => ({ untold: true })
  assertAnswer(await cache.get(PATH), { status: 200, bytes: LAYER_BYTES, has: { 'content-length': undefined } })
  assertAnswer(await cache.get(PATH), { status: 200, bytes: LAYER_BYTES, has: { 'content-length': String(SIZE) } })
})

test('a blob that breaks in the middle never looks whole (S1, S2)', async () => {
  await using cache = await named()
  const wrong = Buffer.from(LAYER_BYTES)
  wrong[0] = (wrong[0] ?? 0) ^ 1
  cache.hub.blobScript = () => ({ bytes: wrong })
  await assert.rejects(cache.get(PATH), { name: 'UpstreamFailure' })
  assert.equal(cache.ends.at(-1)?.outcome, 'failed')
  assert.equal(cache.ends.at(-1)?.failure?.facts.wrong, 'digest')
})

for (const [cause, status, code] of [
  ['connection-refused', 502, 'UNAVAILABLE'],
  ['denied', 403, 'DENIED'],
  ['blocked', 403, 'DENIED'],
  ['rate-limited', 429, 'TOOMANYREQUESTS'],
  ['timeout', 504, 'UNAVAILABLE'],
  ['not-found', 404, 'BLOB_UNKNOWN'],
] as const) {
  test(`a cold blob that cannot be had for ${cause} is ${status} ${code}`, async () => {
    await using cache = await named()
    cache.hub.failWith(cause)
    assertAnswer(await cache.get(PATH), { status, code })
    assert.equal(cache.ends.at(-1)?.failure?.cause, cause)
  })
}

test('an upstream that says nothing is 504 within 10 s (D-12)', async () => {
  await using cache = await named()
  cache.hub.hang()
  assertAnswer(await cache.getWhile(PATH, 10_000), { status: 504, code: 'UNAVAILABLE' })
})

test('a hosted blob is not shown by a cached repository that the upstream does not have it in (S27)', async () => {
  await using cache = await testCache()
  const digest = await cache.registry.rules.push('team/app', 'a secret layer')
  assertAnswer(await cache.get(`/v2/docker.io/${NAME}/blobs/${digest}`), { status: 404, code: 'BLOB_UNKNOWN' })
  cache.hub.publishBlob(NAME, digest, Buffer.from('a secret layer'))
  assertAnswer(await cache.get(`/v2/docker.io/${NAME}/blobs/${digest}`), { status: 200, text: 'a secret layer' })
  assert.deepEqual(cache.hub.asked, [`hasBlob ${NAME}@${digest}`, `hasBlob ${NAME}@${digest}`])
})

test('nothing is passed on of a failure of a blob that was never asked for in a hosted repository', async () => {
  await using cache = await testCache()
  cache.hub.script = () => {
    throw failureOf('timeout')
  }
  await cache.registry.rules.push('team/app', 'mine')
  assertAnswer(await cache.get(`/v2/team/app/blobs/${digestOf('other')}`), { status: 404, code: 'BLOB_UNKNOWN' })
  assert.deepEqual(cache.hub.asked, [])
})
