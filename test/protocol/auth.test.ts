import assert from 'node:assert/strict'
import { digestOf } from '../helpers/digest-of.ts'
import { type Image, MEDIA_TYPES, makeImage } from '../helpers/images.ts'
import { basic, type TestRegistry } from '../helpers/test-registry.ts'
import { assertAnswer, script, table } from './case.ts'

const IMAGE = makeImage('auth')
const HELLO = digestOf('hello')

const users = {
  root: 'everything',
  ann: (_action: string, repository: string) => repository.startsWith('ann/'),
  bob: (_action: string, repository: string) => repository.startsWith('bob/'),
  reader: (action: string) => action === 'pull',
  pusher: (action: string) => action === 'pull' || action === 'push',
} as const

async function prepare({ rules }: TestRegistry): Promise<void> {
  await rules.push('ann/app', 'hello')
}

const unauthorized = { status: 401, code: 'UNAUTHORIZED', has: { 'www-authenticate': 'Basic realm="Homeport"' } }
const denied = { status: 403, code: 'DENIED', has: { 'www-authenticate': undefined } }
const pong = { status: 200, text: '{}', has: { 'content-type': 'application/json' } }

// biome-ignore format: one case a line
table('auth: where nobody has to sign in', { prepare }, [
  { of: '68', name: 'the ping', send: 'GET /v2/', ...pong },
  { of: '68', name: 'the ping without its slash', send: 'GET /v2', ...pong },
  { of: '68', name: 'the ping by HEAD', send: 'HEAD /v2/', status: 200, has: { 'content-length': '2' } },
  { of: '68', name: 'the root', send: 'GET /', status: 200, text: '', has: { 'cache-control': 'no-cache' } },
  { of: '18', name: 'credentials nobody asked for', send: 'GET /v2/', headers: { authorization: basic('ann', 'whatever') }, ...pong },
  { of: '18', name: 'a token nobody asked for', send: 'GET /v2/', headers: { authorization: 'Bearer abc' }, ...pong },
])

// biome-ignore format: one case a line
table('auth: where users are configured', { options: { users }, prepare }, [
  { of: '17', name: 'the ping asks who you are', send: 'GET /v2/', ...unauthorized },
  { of: '17', name: 'the ping without its slash asks too', send: 'GET /v2', ...unauthorized },
  { of: '17', name: 'the ping asks by HEAD', send: 'HEAD /v2/', status: 401, has: unauthorized.has },
  { of: '17', name: 'a wrong password', send: 'GET /v2/', headers: { authorization: basic('ann', 'wrong') }, ...unauthorized },
  { of: '17', name: 'an unknown account', send: 'GET /v2/', headers: { authorization: basic('eve', 'secret') }, ...unauthorized },
  { of: '17', name: 'an empty password', send: 'GET /v2/', headers: { authorization: basic('ann', '') }, ...unauthorized },
  { of: '17', name: 'the right password', send: 'GET /v2/', as: 'ann', ...pong },
  { of: '18', name: 'the empty credentials of podman are none', send: 'GET /v2/', headers: { authorization: 'Basic Og==' }, ...unauthorized },
  { of: '18', name: 'the empty credentials of podman pull nothing', send: `GET /v2/ann/app/blobs/${HELLO}`, headers: { authorization: 'Basic Og==' }, ...unauthorized },
  { of: '18', name: 'credentials that cannot be read are none', send: 'GET /v2/', headers: { authorization: 'Basic !!!' }, ...unauthorized },
  { of: '19', name: 'a token is answered with Basic', send: `GET /v2/ann/app/blobs/${HELLO}`, headers: { authorization: 'Bearer abc' }, ...unauthorized },
  { of: '19', name: 'valid Basic works on a blob at once', send: `GET /v2/ann/app/blobs/${HELLO}`, as: 'ann', status: 200, text: 'hello' },
  { of: '19', name: 'valid Basic works on a manifest at once', send: 'GET /v2/ann/app/manifests/none', as: 'ann', status: 404, code: 'MANIFEST_UNKNOWN' },
  { of: '19', name: 'valid Basic works on an upload at once', send: 'POST /v2/ann/app/blobs/uploads/', as: 'ann', status: 202 },
  { of: '19', name: 'valid Basic works on referrers at once', send: `GET /v2/ann/app/referrers/${HELLO}`, as: 'ann', status: 200 },
  { of: '19', name: 'valid Basic works on the catalog at once', send: 'GET /v2/_catalog', as: 'ann', status: 200, text: '{"repositories":["ann/app"]}' },
  { of: '68', name: 'the root is for everybody', send: 'GET /', status: 200, text: '' },

  { of: '26', name: 'a manifest', send: 'GET /v2/ann/app/manifests/latest', ...unauthorized },
  { of: '26', name: 'a manifest by HEAD', send: 'HEAD /v2/ann/app/manifests/latest', status: 401, has: unauthorized.has },
  { of: '26', name: 'a push', send: 'PUT /v2/ann/app/manifests/latest', ...unauthorized },
  { of: '26', name: 'a blob', send: `GET /v2/ann/app/blobs/${HELLO}`, ...unauthorized },
  { of: '26', name: 'an upload', send: 'POST /v2/ann/app/blobs/uploads/', ...unauthorized },
  { of: '26', name: 'tags', send: 'GET /v2/ann/app/tags/list', ...unauthorized },
  { of: '26', name: 'referrers', send: `GET /v2/ann/app/referrers/${HELLO}`, ...unauthorized },
  { of: '26', name: 'the catalog', send: 'GET /v2/_catalog', ...unauthorized },
  { of: '26', name: 'a deletion', send: `DELETE /v2/ann/app/blobs/${HELLO}`, ...unauthorized },

  { of: '26', name: 'a pull from somebody else', send: `GET /v2/ann/app/blobs/${HELLO}`, as: 'bob', ...denied },
  { of: '26', name: 'a pull of nothing from somebody else says no more', send: `GET /v2/ann/app/blobs/${digestOf('absent')}`, as: 'bob', ...denied },
  { of: '26', name: 'a push to somebody else', send: 'POST /v2/ann/app/blobs/uploads/', as: 'bob', ...denied },
  { of: '26', name: 'tags of somebody else', send: 'GET /v2/ann/app/tags/list', as: 'bob', ...denied },
  { of: '26', name: 'referrers at somebody else', send: `GET /v2/ann/app/referrers/${HELLO}`, as: 'bob', ...denied },
  { of: '26', name: 'a reader pulls', send: `GET /v2/ann/app/blobs/${HELLO}`, as: 'reader', status: 200 },
  { of: '26', name: 'a reader begins no upload', send: 'POST /v2/ann/app/blobs/uploads/', as: 'reader', ...denied },
  { of: '26', name: 'a reader puts no manifest', send: 'PUT /v2/ann/app/manifests/x', as: 'reader', body: '{}', ...denied },
  { of: '26', name: 'a reader deletes nothing', send: 'DELETE /v2/ann/app/manifests/x', as: 'reader', ...denied },
  { of: '26', name: 'a pusher deletes no manifest', send: 'DELETE /v2/ann/app/manifests/x', as: 'pusher', ...denied },
  { of: '26', name: 'a pusher deletes no blob', send: `DELETE /v2/ann/app/blobs/${HELLO}`, as: 'pusher', ...denied },
  { of: '26', name: 'the catalog shows what one may pull', send: 'GET /v2/_catalog', as: 'bob', status: 200, text: '{"repositories":[]}' },
])

script(
  '53',
  'who may only push may cancel his upload',
  async ({ request }) => {
    const { headers } = await request('POST /v2/ann/app/blobs/uploads/', { as: 'pusher' })
    assert.equal((await request(`DELETE ${headers['location']}`, { as: 'pusher' })).status, 204)
  },
  { users },
)

script(
  'T23',
  'a session belongs to the account that began it',
  async ({ request }) => {
    const { headers } = await request('POST /v2/team/app/blobs/uploads/', { as: 'root' })
    const location = String(headers['location'])
    for (const line of [
      `GET ${location}`,
      `PATCH ${location}`,
      `PUT ${location}?digest=${HELLO}`,
      `DELETE ${location}`,
    ]) {
      assertAnswer(await request(line, { as: 'pusher', body: 'hello' }), { status: 404, code: 'BLOB_UPLOAD_UNKNOWN' })
    }
    assertAnswer(await request(`GET ${location}`, { as: 'root' }), { status: 204, has: { range: '0-0' } })
  },
  { users },
)

/** A push as the rules take it. */
function pushOf({ manifest }: Image) {
  return { reference: manifest.digest, tags: [], contentType: manifest.mediaType, bytes: manifest.bytes }
}

script(
  'T7',
  'knowing a digest gives no right: not to read, not to mount, not to name',
  async (registry) => {
    const { request, rules } = registry
    for (const blob of IMAGE.blobs.values()) {
      await request(`POST /v2/ann/app/blobs/uploads/?digest=${digestOf(blob)}`, { as: 'ann', body: blob })
    }
    await rules.registry.putManifest('ann/app', pushOf(IMAGE))
    const [layer = HELLO] = [...IMAGE.blobs.keys()].slice(1)
    const { digest, bytes, mediaType } = IMAGE.manifest
    const nothing = { status: 404 }
    assertAnswer(await request(`HEAD /v2/bob/app/blobs/${layer}`, { as: 'bob' }), nothing)
    assertAnswer(await request(`GET /v2/bob/app/blobs/${layer}`, { as: 'bob' }), nothing)
    assertAnswer(await request(`GET /v2/bob/app/blobs/${digest}`, { as: 'bob' }), nothing)
    assertAnswer(await request(`GET /v2/bob/app/manifests/${digest}`, { as: 'bob' }), nothing)
    for (const query of [`mount=${layer}&from=ann/app`, `mount=${layer}`, `digest=${layer}`]) {
      assertAnswer(await request(`POST /v2/bob/app/blobs/uploads/?${query}`, { as: 'bob', body: '' }), { status: 202 })
    }
    const headers = { 'content-type': mediaType }
    const named = await request(`PUT /v2/bob/app/manifests/${digest}`, { as: 'bob', headers, body: bytes })
    assertAnswer(named, { status: 400, code: 'MANIFEST_BLOB_UNKNOWN' })
    const listed = JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.oci.index,
      manifests: [{ mediaType, digest, size: bytes.length }],
    })
    await request('PUT /v2/bob/app/manifests/list', {
      as: 'bob',
      headers: { 'content-type': MEDIA_TYPES.oci.index },
      body: listed,
    })
    assertAnswer(await request(`GET /v2/bob/app/manifests/${digest}`, { as: 'bob' }), nothing)
    assertAnswer(await request(`HEAD /v2/bob/app/blobs/${layer}`, { as: 'bob' }), nothing)
  },
  { users },
)
