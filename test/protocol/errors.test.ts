import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHandler } from '../../src/http/dispatch.ts'
import { ANSWERS } from '../../src/http/error-response.ts'
import type { SignIn } from '../../src/http/guard.ts'
import { Refusal, type RefusalFacts, type RefusalKind, SENTENCES } from '../../src/oci/refusal.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { ANYONE } from '../helpers/test-rules.ts'
import { script, table } from './case.ts'

interface Row {
  readonly kind: RefusalKind
  readonly facts?: RefusalFacts
  readonly status: number
  readonly code: string
  readonly headers?: Readonly<Record<string, string>>
}

// biome-ignore format: one refusal a line
const ROWS: readonly Row[] = [
  { kind: 'unauthorized', facts: { challenge: 'Basic realm="x"' }, status: 401, code: 'UNAUTHORIZED', headers: { 'www-authenticate': 'Basic realm="x"' } },
  { kind: 'denied', status: 403, code: 'DENIED' },
  { kind: 'unsupported', facts: { allow: ['GET', 'HEAD'] }, status: 405, code: 'UNSUPPORTED', headers: { allow: 'GET, HEAD' } },
  { kind: 'route-unknown', status: 404, code: 'NOT_FOUND' },
  { kind: 'request-invalid', status: 400, code: 'BAD_REQUEST' },
  { kind: 'name-invalid', status: 400, code: 'NAME_INVALID' },
  { kind: 'name-unknown', status: 404, code: 'NAME_UNKNOWN' },
  { kind: 'tag-invalid', status: 400, code: 'TAG_INVALID' },
  { kind: 'tags-too-many', status: 414, code: 'TAG_INVALID' },
  { kind: 'page-invalid', status: 400, code: 'PAGINATION_NUMBER_INVALID' },
  { kind: 'digest-invalid', status: 400, code: 'DIGEST_INVALID' },
  { kind: 'size-invalid', facts: { received: 7, location: '/v2/x' }, status: 400, code: 'SIZE_INVALID', headers: { range: '0-6', location: '/v2/x' } },
  { kind: 'manifest-unknown', status: 404, code: 'MANIFEST_UNKNOWN' },
  { kind: 'manifest-invalid', status: 400, code: 'MANIFEST_INVALID' },
  { kind: 'manifest-too-large', status: 413, code: 'MANIFEST_INVALID' },
  { kind: 'manifest-blob-unknown', status: 400, code: 'MANIFEST_BLOB_UNKNOWN' },
  { kind: 'blob-unknown', status: 404, code: 'BLOB_UNKNOWN' },
  { kind: 'range-unsatisfiable', facts: { size: 5 }, status: 416, code: 'RANGE_INVALID', headers: { 'content-range': 'bytes */5' } },
  { kind: 'upload-unknown', status: 404, code: 'BLOB_UPLOAD_UNKNOWN' },
  { kind: 'upload-out-of-order', facts: { received: 0, location: '/v2/x' }, status: 416, code: 'RANGE_INVALID', headers: { range: '0-0', location: '/v2/x' } },
  { kind: 'precondition-failed', status: 412, code: 'PRECONDITION_FAILED' },
  { kind: 'rate-limited', facts: { retryAfter: 3 }, status: 429, code: 'TOOMANYREQUESTS', headers: { 'retry-after': '3' } },
  { kind: 'upstream-denied', status: 403, code: 'DENIED' },
  { kind: 'upstream-unavailable', status: 502, code: 'UNAVAILABLE' },
  { kind: 'upstream-timeout', status: 504, code: 'UNAVAILABLE' },
  { kind: 'not-cached', status: 503, code: 'UNAVAILABLE' },
  { kind: 'unavailable', status: 503, code: 'UNAVAILABLE' },
  { kind: 'storage-full', status: 507, code: 'UNAVAILABLE' },
]

const OPEN: SignIn = { required: false, challenge: '', callerFor: async () => ANYONE }

/** What a request gets whose handler throws this. */
async function answerTo(error: unknown, method = 'GET') {
  const handler = () => Promise.reject(error)
  const answer = createHandler({ signIn: OPEN, routes: [{ methods: [method], path: '/', access: 'open', handler }] })
  const body = (async function* () {})()
  const { reply, failure } = await answer({
    ...{ id: 'abc', method, peer: '', target: '/', headers: {}, body },
    signal: new AbortController().signal,
  })
  return { reply, failure, told: typeof reply.body === 'string' ? JSON.parse(reply.body).errors : undefined }
}

test('a sentence with its remedy on a line of its own is one text', async () => {
  const { told, failure } = await answerTo(
    new Refusal('upstream-unavailable', { because: 'refused\nstart the "proxy"' }),
  )
  assert.equal(told[0].message, `${SENTENCES['upstream-unavailable']}: refused\nstart the "proxy" (request abc)`)
  assert.equal(failure?.message, `${SENTENCES['upstream-unavailable']}: refused\nstart the "proxy"`)
})

test('every refusal has a sentence, an answer, and a row here', () => {
  const kinds = ROWS.map(({ kind }) => kind).sort()
  assert.deepEqual(kinds, Object.keys(SENTENCES).sort())
  assert.deepEqual(kinds, Object.keys(ANSWERS).sort())
})

for (const { kind, facts = {}, status, code, headers = {} } of ROWS) {
  test(`errors: ${kind} is ${status} ${code}, with the sentence, what is special, and the request’s id`, async () => {
    const refusal = new Refusal(kind, { because: 'this one', detail: { some: 'thing' }, ...facts })
    const { reply, failure, told } = await answerTo(refusal)
    assert.equal(reply.status, status)
    const message = `${SENTENCES[kind]}: this one (request abc)`
    assert.deepEqual(told, [{ code, message, detail: { some: 'thing' } }])
    const {
      'content-length': _,
      'docker-distribution-api-version': version,
      'x-content-type-options': nosniff,
      ...rest
    } = reply.headers
    assert.deepEqual(rest, { 'content-type': 'application/json', ...headers })
    assert.deepEqual([version, nosniff], ['registry/2.0', 'nosniff'])
    assert.equal(failure?.code, code)
    assert.equal(failure?.fault, undefined)
  })
}

test('errors: a fault of ours is 500, is told to the operator whole, and to the client not at all', async () => {
  const fault = new Error('secret path /data/docker')
  const { reply, failure, told } = await answerTo(fault)
  assert.equal(reply.status, 500)
  assert.deepEqual(told, [{ code: 'UNKNOWN', message: 'Something went wrong here; the log says what (request abc)' }])
  assert.equal(failure?.fault, fault)
})

// biome-ignore format: one case a line
for (const [of, fields, status, says] of [
  ['ENOSPC', { code: 'ENOSPC' }, 507, /is full/],
  ['EDQUOT', { code: 'EDQUOT' }, 507, /is full/],
  ['EROFS', { code: 'EROFS' }, 503, /read-only/],
  ['EIO', { code: 'EIO' }, 503, /disk fails/],
  ['EMFILE', { code: 'EMFILE' }, 503, /too many files/],
  ['SQLITE_FULL', { code: 'ERR_SQLITE_ERROR', errcode: 13 }, 507, /is full/],
  ['SQLITE_IOERR_WRITE', { code: 'ERR_SQLITE_ERROR', errcode: 778 }, 503, /disk fails/],
  ['SQLITE_READONLY', { code: 'ERR_SQLITE_ERROR', errcode: 8 }, 503, /read-only/],
  ['SQLITE_BUSY', { code: 'ERR_SQLITE_ERROR', errcode: 5 }, 503, /locked/],
  ['SQLITE_CORRUPT', { code: 'ERR_SQLITE_ERROR', errcode: 11 }, 503, /damaged/],
] as const) {
  test(`errors: ${of} is ${status} with a sentence and a time to try again, and is told to the operator too`, async () => {
    const fault = Object.assign(new Error('write failed'), fields)
    const { reply, failure, told } = await answerTo(fault)
    assert.equal(reply.status, status)
    assert.equal(told[0].code, 'UNAVAILABLE')
    assert.match(told[0].message, says)
    assert.equal(reply.headers['retry-after'], '10')
    assert.equal(failure?.fault, fault)
  })
}

test('errors: an answer with a header that cannot be sent is a fault, told in one that can', async () => {
  const { reply, failure } = await answerTo(new Refusal('unauthorized', { challenge: 'Basic realm="a\r\nb"' }), 'GET')
  assert.equal(reply.status, 500)
  assert.match(String(failure?.fault), /www-authenticate/)
})

test('errors: a realm in any language is sent, as UTF-8', async () => {
  const { reply } = await answerTo(new Refusal('unauthorized', { challenge: 'Basic realm="Реестр"' }))
  assert.equal(reply.status, 401)
  assert.equal(Buffer.from(String(reply.headers['www-authenticate']), 'latin1').toString(), 'Basic realm="Реестр"')
})

test('errors: HEAD gets the length of the body, and not the body', async () => {
  const { reply } = await answerTo(new Refusal('blob-unknown'), 'HEAD')
  assert.equal(reply.body, undefined)
  assert.ok(Number(reply.headers['content-length']) > 50)
})

const unknown = { status: 404, code: 'NOT_FOUND' }
const HELLO = digestOf('hello')
const stored = { status: 200, text: 'hello' }
const name = { status: 400, code: 'NAME_INVALID' }

// biome-ignore format: one case a line
table('addresses', { prepare: async ({ rules }) => void (await rules.push('team/app', 'hello')) }, [
  { of: '69', name: 'nothing of ours', send: 'GET /favicon.ico', ...unknown },
  { of: '69', name: 'the first version of the protocol', send: 'GET /v1/_ping', ...unknown },
  { of: '69', name: 'an extension', send: 'GET /v2/team/app/_oci/ext/discover', ...unknown },
  { of: '69', name: 'nothing behind a repository', send: 'GET /v2/team/app', ...unknown },
  { of: '69', name: 'no path', send: 'OPTIONS *', ...unknown },
  { of: '69', name: 'a method on the ping', send: 'POST /v2/', status: 405, code: 'UNSUPPORTED', has: { allow: 'GET, HEAD' } },
  { of: '69', name: 'a method nobody knows', send: 'BREW /v2/team/app/tags/list', status: 405, code: 'UNSUPPORTED', has: { allow: 'GET, HEAD' } },
  { of: '69', name: 'a preflight request, which has no password', send: 'OPTIONS /v2/team/app/tags/list', status: 200, has: { allow: 'GET, HEAD', 'content-length': '0' } },
  { of: 'T39', name: 'the address of a proxy', send: `GET http://reg.home:5000/v2/team/app/blobs/${HELLO}`, ...stored },
  { of: 'T39', name: 'a letter that is encoded', send: `GET /v2/te%61m/app/blobs/${HELLO}`, ...stored },
  { of: 'T39', name: 'an encoded slash', send: `GET /v2/team%2fapp/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'a slash that is encoded twice', send: `GET /v2/team%252fapp/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'a slash too many in the name', send: `GET /v2/team//app/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'a slash too many before the name', send: `GET /v2//team/app/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'a slash too many after the name', send: `GET /v2/team/app//blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'a slash too many at the front', send: `GET //v2/team/app/blobs/${HELLO}`, ...unknown },
  { of: 'T39', name: 'a slash at the end', send: `GET /v2/team/app/blobs/${HELLO}/`, ...unknown },
  { of: 'T39', name: 'a way up', send: `GET /v2/other/../team/app/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'an encoded way up', send: `GET /v2/other/%2e%2e/team/app/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'a dot', send: `GET /v2/./team/app/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'a parameter of the path', send: `GET /v2/team;x=y/app/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'a backslash', send: `GET /v2/team\\app/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'capitals', send: `GET /v2/TEAM/app/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'a NUL', send: `GET /v2/team%00/app/blobs/${HELLO}`, ...name },
  { of: 'T39', name: 'half an encoding', send: `GET /v2/team%2/app/blobs/${HELLO}`, status: 400, code: 'BAD_REQUEST' },
  { of: 'T39', name: 'an encoding that is no UTF-8', send: `GET /v2/team%ff/app/blobs/${HELLO}`, status: 400, code: 'BAD_REQUEST' },
  { of: 'T39', name: 'half an encoding in the query', send: `GET /v2/team/app/tags/list?last=%`, status: 400, code: 'BAD_REQUEST' },
  { of: 'T39', name: 'a name of 255 characters', send: `GET /v2/${'a'.repeat(255)}/tags/list`, status: 404, code: 'NAME_UNKNOWN' },
  { of: 'T39', name: 'a name of 256 characters', send: `GET /v2/${'a'.repeat(256)}/tags/list`, ...name },
])

script('1.0', 'a name may have the words of the protocol in it', async ({ request, rules }) => {
  const names = [
    'blobs',
    'manifests/tags',
    'tags/list',
    'a/blobs/uploads',
    'uploads/referrers/blobs',
    'a/blobs/uploads/b',
    'a/manifests',
  ]
  for (const repository of names) {
    await rules.push(repository, repository)
    const digest = digestOf(repository)
    assert.equal((await request(`GET /v2/${repository}/blobs/${digest}`)).text, repository)
    assert.equal(
      (await request(`GET /v2/${repository}/tags/list`)).text,
      JSON.stringify({ name: repository, tags: [] }),
    )
    assert.equal((await request(`GET /v2/${repository}/referrers/${digest}`)).status, 200)
    assert.equal((await request(`GET /v2/${repository}/manifests/list`)).status, 404)
    const { status, headers } = await request(`POST /v2/${repository}/blobs/uploads/`)
    assert.equal(status, 202)
    assert.ok(String(headers['location']).startsWith(`/v2/${repository}/blobs/uploads/`))
    assert.equal((await request(`GET ${headers['location']}`)).status, 204)
  }
})
