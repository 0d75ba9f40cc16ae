import assert from 'node:assert/strict'
import { digestOf } from '../helpers/digest-of.ts'
import { assertAnswer, script, table } from './case.ts'

const HELLO = digestOf('hello')
const ABSENT = digestOf('absent')
const EMPTY = digestOf('')
const SHA512 = digestOf('long hash', 'sha512')
const URL = '/v2/team/app/blobs'

const unknown = { status: 404, code: 'BLOB_UNKNOWN' }
const bad = { status: 400, code: 'DIGEST_INVALID' }
const has = {
  'accept-ranges': 'bytes',
  'cache-control': 'max-age=31536000',
  'content-length': '5',
  'content-type': 'application/octet-stream',
  'docker-content-digest': HELLO,
  etag: `"${HELLO}"`,
}
const unchanged = { status: 304, has: { etag: `"${HELLO}"`, 'docker-content-digest': HELLO } }
const read = { status: 200, text: 'hello', has }

// biome-ignore format: one case a line
table('blobs', {
  async prepare({ rules, request }) {
    await rules.push('team/app', 'hello')
    await rules.push('team/app', '')
    await rules.push('team/secret', 'secret')
    await request(`POST ${URL}/uploads/?digest=${SHA512}`, { body: 'long hash' })
  },
}, [
  { of: '44', name: 'a stored blob', send: `GET ${URL}/${HELLO}`, ...read },
  { of: '44', name: 'a stored blob by HEAD', send: `HEAD ${URL}/${HELLO}`, status: 200, has },
  { of: '44', name: 'an encoded colon', send: `GET ${URL}/${HELLO.replace(':', '%3a')}`, ...read },
  { of: '43', name: 'never compressed', send: `GET ${URL}/${HELLO}`, headers: { 'accept-encoding': 'zstd, gzip' }, ...read },
  { of: '30', name: 'not modified', send: `GET ${URL}/${HELLO}`, headers: { 'if-none-match': `"${HELLO}"` }, ...unchanged },
  { of: '30', name: 'not modified, whatever it is', send: `HEAD ${URL}/${HELLO}`, headers: { 'if-none-match': '*' }, ...unchanged },
  { of: '45', name: 'a blob of no bytes', send: `GET ${URL}/${EMPTY}`, status: 200, text: '', has: { 'content-length': '0' } },
  { of: '45', name: 'a blob of no bytes by HEAD', send: `HEAD ${URL}/${EMPTY}`, status: 200, has: { 'content-length': '0' } },
  { of: '46', name: 'a blob under sha512', send: `GET ${URL}/${SHA512}`, status: 200, text: 'long hash', has: { 'docker-content-digest': SHA512, etag: `"${SHA512}"` } },
  { of: '27', name: 'a blob nobody pushed', send: `GET ${URL}/${ABSENT}`, ...unknown },
  { of: '27', name: 'a blob of another repository', send: `GET ${URL}/${digestOf('secret')}`, ...unknown },
  { of: '27', name: 'a blob of another repository by HEAD', send: `HEAD ${URL}/${digestOf('secret')}`, status: 404 },
  { of: '27', name: 'a blob of no repository', send: `GET /v2/nobody/knows/blobs/${HELLO}`, ...unknown },
  { of: '39', name: 'deleting a blob nobody pushed', send: `DELETE ${URL}/${ABSENT}`, ...unknown },
  { of: '39', name: 'a method that is none here', send: `PUT ${URL}/${HELLO}`, status: 405, code: 'UNSUPPORTED', has: { allow: 'GET, HEAD, DELETE' } },
  { of: 'T28', name: 'a short digest', send: `GET ${URL}/sha256:short`, ...bad },
  { of: 'T28', name: 'an upper-case digest', send: `GET ${URL}/${HELLO.toUpperCase().replace('SHA', 'sha')}`, ...bad },
  { of: 'T28', name: 'a digest that climbs', send: `GET ${URL}/sha256:..%2f..%2fetc`, ...bad },
  { of: 'T28', name: 'a digest with a NUL', send: `GET ${URL}/${HELLO}%00`, ...bad },
  { of: 'T28', name: 'an algorithm nobody stores', send: `GET ${URL}/blake3:${'a'.repeat(64)}`, ...bad },
  { of: 'T28', name: 'a digest of half a megabyte', send: `GET ${URL}/sha256:${'a'.repeat(500_000)}`, ...bad },
  { of: 'T28', name: 'deleting no digest', send: `DELETE ${URL}/hello`, ...bad },
])

script('39', 'a deleted blob is gone at once, here and only here', async ({ request, rules }) => {
  await rules.push('team/app', 'hello')
  await rules.push('team/other', 'hello')
  assert.equal((await request(`DELETE ${URL}/${HELLO}`)).status, 202)
  assert.equal((await request(`HEAD ${URL}/${HELLO}`)).status, 404)
  assertAnswer(await request(`DELETE ${URL}/${HELLO}`), unknown)
  assertAnswer(await request(`GET /v2/team/other/blobs/${HELLO}`), { status: 200, text: 'hello' })
})

script('27', 'a blob whose bytes are gone is not there for one who may push', async ({ request, rules }) => {
  await rules.push('team/app', 'hello')
  await rules.parts.blobs.delete(HELLO)
  assert.equal((await request(`HEAD ${URL}/${HELLO}`)).status, 404)
  await rules.push('team/app', 'hello')
  assertAnswer(await request(`GET ${URL}/${HELLO}`), read)
})

script('27', 'HEAD is a promise to one who may push: the blob has a lease', async ({ request, rules }) => {
  await rules.push('team/app', 'hello')
  rules.clock.now += 2 * 3_600_000
  assert.equal(rules.parts.leases.has(HELLO), false)
  await request(`HEAD ${URL}/${HELLO}`)
  assert.equal(rules.parts.leases.has(HELLO), true)
})
