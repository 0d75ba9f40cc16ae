import assert from 'node:assert/strict'
import { suite } from 'node:test'
import { digestOf } from '../helpers/digest-of.ts'
import type { Answer, TestRegistry } from '../helpers/test-registry.ts'
import { assertAnswer, script, table } from './case.ts'

const URL = '/v2/team/app/blobs'
const UPLOADS = `${URL}/uploads/`
const HELLO = digestOf('hello')
const UNKNOWN = `${UPLOADS}00000000-0000-0000-0000-000000000000`

const noSession = { status: 404, code: 'BLOB_UPLOAD_UNKNOWN' }
const bad = { status: 400, code: 'DIGEST_INVALID' }

async function begin({ request }: TestRegistry, query = ''): Promise<string> {
  const answer = await request(`POST ${UPLOADS}${query}`, { body: '' })
  const id = String(answer.headers['docker-upload-uuid'])
  const has = { location: `${UPLOADS}${id}`, range: '0-0', 'content-length': '0' }
  assertAnswer(answer, { status: 202, has })
  return `${UPLOADS}${id}`
}

/** The session stands at so many bytes, and says so in full. */
function assertStands(answer: Answer, location: string, [status, range]: readonly [number, string]): void {
  const has = { location, range, 'docker-upload-uuid': location.slice(UPLOADS.length) }
  assertAnswer(answer, { status, has })
}

/** Statement 54: what a 201 promises is there. */
async function assertStored(
  { request }: TestRegistry,
  answer: Answer,
  [text, digest = digestOf(text)]: [string, string?],
): Promise<void> {
  const has = { location: `${URL}/${digest}`, 'docker-content-digest': digest, 'content-length': '0' }
  assertAnswer(answer, { status: 201, has })
  assertAnswer(await request(`GET ${answer.headers['location']}`), { status: 200, text })
}

// biome-ignore format: one case a line
table('uploads', { options: { own: ['reg.home'] }, prepare: async () => {} }, [
  { of: '50', name: 'a session', send: `POST ${UPLOADS}`, status: 202, has: { location: /^\/v2\/team\/app\/blobs\/uploads\/[\w-]+$/, range: '0-0', 'content-length': '0' } },
  { of: '50', name: 'a session without the slash', send: `POST ${UPLOADS.slice(0, -1)}`, status: 202 },
  { of: '50', name: 'a session for a client that says the body is JSON', send: `POST ${UPLOADS}`, headers: { 'content-type': 'application/json', 'content-length': '0' }, status: 202 },
  { of: '50', name: 'a session whatever the client knows of the origin', send: `POST ${UPLOADS}?origin=docker.io`, status: 202 },
  { of: '50', name: 'the address of the client is kept', send: `POST ${UPLOADS}?ns=reg.home:5000`, status: 202, has: { location: /^\/v2\/team\/app\/blobs\/uploads\/[\w-]+\?ns=reg\.home%3A5000$/ } },
  { of: '46', name: 'a session for sha512', send: `POST ${UPLOADS}?digest-algorithm=sha512`, status: 202 },
  { of: '46', name: 'a session for an algorithm nobody stores', send: `POST ${UPLOADS}?digest-algorithm=sha384`, ...bad },
  { of: '51', name: 'a blob in one request', send: `POST ${UPLOADS}?digest=${HELLO}`, body: 'hello', status: 201, has: { location: `${URL}/${HELLO}`, 'docker-content-digest': HELLO } },
  { of: '51', name: 'a blob in one request, with an encoded colon', send: `POST ${UPLOADS}?digest=${encodeURIComponent(HELLO)}`, body: ['hel', 'lo'], status: 201 },
  { of: '51', name: 'another blob than it says', send: `POST ${UPLOADS}?digest=${digestOf('x')}`, body: 'hello', ...bad },
  { of: '51', name: 'a digest that is none', send: `POST ${UPLOADS}?digest=sha256:zz`, body: 'hello', ...bad },
  { of: '51', name: 'a digest and no body is a session', send: `POST ${UPLOADS}?digest=${HELLO}`, body: '', status: 202 },
  { of: '45', name: 'no bytes in one request', send: `POST ${UPLOADS}?digest=${digestOf('')}`, body: '', status: 201 },
  { of: '46', name: 'no bytes in one request, under sha512', send: `POST ${UPLOADS}?digest=${digestOf('', 'sha512')}`, body: '', status: 201, has: { 'docker-content-digest': digestOf('', 'sha512') } },
  { of: '49', name: 'the state of no session', send: `GET ${UNKNOWN}`, ...noSession },
  { of: '49', name: 'a chunk for no session', send: `PATCH ${UNKNOWN}`, body: 'x', ...noSession },
  { of: '49', name: 'the end of no session', send: `PUT ${UNKNOWN}?digest=${HELLO}`, body: 'hello', ...noSession },
  { of: '53', name: 'cancelling no session', send: `DELETE ${UNKNOWN}`, ...noSession },
  { of: '49', name: 'an id that climbs is no session', send: `GET ${UPLOADS}..%2f..%2fetc`, ...noSession },
  { of: '49', name: 'a method that is none here', send: `GET ${UPLOADS}`, status: 405, code: 'UNSUPPORTED', has: { allow: 'POST' } },
])

suite('upload sessions', () => {
  script('47', 'chunks without a length are appended, and the range has no unit', async (registry) => {
    const location = await begin(registry)
    assertStands(await registry.request(`PATCH ${location}`, { body: ['he', 'l'] }), location, [202, '0-2'])
    assertStands(await registry.request(`PATCH ${location}`, { body: ['lo'] }), location, [202, '0-4'])
    await assertStored(registry, await registry.request(`PUT ${location}?digest=${HELLO}`, { body: '' }), ['hello'])
    assertAnswer(await registry.request(`GET ${location}`), noSession)
  })

  script('54', 'a whole blob may come with the PUT', async (registry) => {
    const location = await begin(registry)
    await assertStored(registry, await registry.request(`PUT ${location}?digest=${HELLO}`, { body: 'hello' }), [
      'hello',
    ])
  })

  script('54', 'the last chunk may come with the PUT', async (registry) => {
    const location = await begin(registry)
    await registry.request(`PATCH ${location}`, { body: 'hel', headers: { 'content-range': '0-2' } })
    const options = { body: 'lo', headers: { 'content-range': '3-4' } }
    await assertStored(registry, await registry.request(`PUT ${location}?digest=${HELLO}`, options), ['hello'])
  })

  script('54', 'the same blob may come again, and elsewhere', async (registry) => {
    for (let round = 0; round < 2; round += 1) {
      const location = await begin(registry)
      await assertStored(registry, await registry.request(`PUT ${location}?digest=${HELLO}`, { body: 'hello' }), [
        'hello',
      ])
    }
  })

  script('45', 'no bytes: by PUT, and by PATCH and PUT', async (registry) => {
    const [first, second] = [await begin(registry), await begin(registry)]
    await assertStored(registry, await registry.request(`PUT ${first}?digest=${digestOf('')}`, { body: '' }), [''])
    assertStands(await registry.request(`PATCH ${second}`, { body: '' }), second, [202, '0-0'])
    await assertStored(registry, await registry.request(`PUT ${second}?digest=${digestOf('')}`, { body: '' }), [''])
  })

  for (const query of ['', '?digest-algorithm=sha512']) {
    script('46', `a blob under sha512, after a POST ${query || 'that did not say so'}`, async (registry) => {
      const digest = digestOf('hello', 'sha512')
      const location = await begin(registry, query)
      await registry.request(`PATCH ${location}`, { body: 'hello' })
      await assertStored(registry, await registry.request(`PUT ${location}?digest=${digest}`, { body: '' }), [
        'hello',
        digest,
      ])
    })
  }

  for (const form of ['0-2', 'bytes 0-2/5', 'bytes 0-2/*', 'bytes=0-2']) {
    script('48', `a Content-Range written '${form}' is read`, async (registry) => {
      const location = await begin(registry)
      const headers = { 'content-range': form }
      assertStands(await registry.request(`PATCH ${location}`, { body: 'hel', headers }), location, [202, '0-2'])
      const again = await registry.request(`PATCH ${location}`, { body: 'hel', headers })
      assertAnswer(again, { status: 416, has: { location, range: '0-2' } })
    })
  }

  script('48', 'a chunk that begins elsewhere is 416, by PATCH and PUT, and the session goes on', async (registry) => {
    const { request } = registry
    const location = await begin(registry)
    await request(`PATCH ${location}`, { body: 'hel' })
    for (const line of [`PATCH ${location}`, `PUT ${location}?digest=${HELLO}`]) {
      for (const range of ['0-1', '4-5', '9-10']) {
        const answer = await request(line, { body: 'lo', headers: { 'content-range': range } })
        assertAnswer(answer, { status: 416, code: 'RANGE_INVALID', has: { location, range: '0-2' } })
      }
    }
    await assertStored(registry, await request(`PUT ${location}?digest=${HELLO}`, { body: 'lo' }), ['hello'])
  })

  for (const [name, body, range] of [
    ['shorter', 'he', '0-4'],
    ['longer', 'hello world', '0-4'],
  ] as const) {
    script('48', `a chunk that is ${name} than it says is 400, and tells where to go on`, async (registry) => {
      const location = await begin(registry)
      const headers = { 'content-range': range }
      const told = await registry.request(`PATCH ${location}`, { body, headers })
      assertAnswer(told, { status: 400, code: 'SIZE_INVALID', has: { location, range: '0-0' } })

      const untold = await registry.request(`PATCH ${location}`, { body: [body], headers })
      assertAnswer(untold, { status: 400, code: 'SIZE_INVALID', has: { location } })
      const { headers: now } = await registry.request(`GET ${location}`)
      assert.equal(untold.headers['range'], now['range'])
    })
  }

  script('48', 'a Content-Range that cannot be read is 400, and the session goes on', async (registry) => {
    const location = await begin(registry)
    for (const range of ['hello', '5-2', '-5', '0-', `0-${'9'.repeat(40)}`]) {
      const answer = await registry.request(`PATCH ${location}`, { body: 'hello', headers: { 'content-range': range } })
      assertAnswer(answer, { status: 400, code: 'BAD_REQUEST', has: { location, range: '0-0' } })
    }
    await assertStored(registry, await registry.request(`PUT ${location}?digest=${HELLO}`, { body: 'hello' }), [
      'hello',
    ])
  })

  script('48', 'a PUT without a body does not look at its Content-Range', async (registry) => {
    const location = await begin(registry)
    await registry.request(`PATCH ${location}`, { body: 'hello' })
    const options = { body: '', headers: { 'content-range': '5-4' } }
    await assertStored(registry, await registry.request(`PUT ${location}?digest=${HELLO}`, options), ['hello'])
  })

  script('49', 'any location of a session tells how far it is', async (registry) => {
    const location = await begin(registry)
    const stands = async (range: string) =>
      assertStands(await registry.request(`GET ${location}`), location, [204, range])
    await stands('0-0')
    await registry.request(`PATCH ${location}`, { body: 'h' })
    await stands('0-0')
    await registry.request(`PATCH ${location}`, { body: 'ello' })
    await stands('0-4')
  })

  script('51', 'a wrong digest stores nothing, and ends the session', async (registry) => {
    const location = await begin(registry)
    assertAnswer(await registry.request(`PUT ${location}?digest=${digestOf('other')}`, { body: 'hello' }), bad)
    assertAnswer(await registry.request(`GET ${location}`), noSession)
    for (const text of ['hello', 'other']) {
      assert.equal((await registry.request(`HEAD ${URL}/${digestOf(text)}`)).status, 404)
    }
  })

  script('51', 'a digest that is missing or none ends nothing', async (registry) => {
    const location = await begin(registry)
    for (const query of ['', '?digest=', '?digest=sha256:no', `?digest=md5:${'a'.repeat(32)}`]) {
      assertAnswer(await registry.request(`PUT ${location}${query}`, { body: 'hello' }), bad)
    }
    assert.equal((await registry.request(`GET ${location}`)).status, 204)
  })

  script('53', 'a cancelled session is gone', async (registry) => {
    const location = await begin(registry)
    await registry.request(`PATCH ${location}`, { body: 'hello' })
    assert.equal((await registry.request(`DELETE ${location}`)).status, 204)
    for (const line of [
      `GET ${location}`,
      `PATCH ${location}`,
      `PUT ${location}?digest=${HELLO}`,
      `DELETE ${location}`,
    ]) {
      assertAnswer(await registry.request(line, { body: 'hello' }), noSession)
    }
    assert.equal((await registry.request(`HEAD ${URL}/${HELLO}`)).status, 404)
  })

  script('48', 'two chunks at once: one is taken whole, the other is out of order', async (registry) => {
    const location = await begin(registry)
    const chunk = () => registry.request(`PATCH ${location}`, { body: 'hello', headers: { 'content-range': '0-4' } })
    const answers = await Promise.all([chunk(), chunk()])
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [202, 416],
    )
    assertStands(await registry.request(`GET ${location}`), location, [204, '0-4'])
  })

  script('T23', 'a session belongs to its repository', async (registry) => {
    const location = await begin(registry)
    const elsewhere = location.replace('/team/app/', '/team/other/')
    for (const line of [
      `GET ${elsewhere}`,
      `PATCH ${elsewhere}`,
      `PUT ${elsewhere}?digest=${HELLO}`,
      `DELETE ${elsewhere}`,
    ]) {
      assertAnswer(await registry.request(line, { body: 'hello' }), noSession)
    }
    assertStands(await registry.request(`GET ${location}`), location, [204, '0-0'])
  })
})
