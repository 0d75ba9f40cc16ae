import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { routes } from '../../src/http/routes.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { digestOf } from '../helpers/digest-of.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { basic } from '../helpers/test-registry.ts'

const HELLO = digestOf('hello')
const CONFIG = digestOf('{}')
const OCI = 'application/vnd.oci.image.manifest.v1+json'
const MANIFEST = JSON.stringify({
  ...{ schemaVersion: 2, mediaType: OCI },
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: CONFIG, size: 2 },
  layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: HELLO, size: 5 }],
})

/** What answers to those who have not signed in. Everything else of the table says 401. */
const OPEN_TO_ALL = ['/', '/healthz', '/readyz', '/token']

const UPLOAD = '/v2/:name+/blobs/uploads/:id'

/** Every method of every path, from the table itself: a new route is walked too. */
const WALK = routes({ uploads: {} } as Registry).flatMap(({ methods, path }) =>
  methods.map((method) => ({ method, path })),
)

function targetOf(path: string, { name, id, reference = 'latest' }: { name: string; id: string; reference?: string }) {
  const digest = HELLO
  return path.replace(':name+', name).replace(/:(\w+)/, (_, word) => ({ id, reference, digest })[String(word)] ?? 'x')
}

/** Everybody has an account of his own for each step: wrong passwords are slowed, and this is about who comes in. */
const PASSWORDS = Object.fromEntries(WALK.map((_, step) => [`user${step}`, 'secret']))

// biome-ignore format: one case a line
const STRANGERS: readonly { name: string; authorization: (step: number) => string | undefined; slowed?: true }[] = [
  { name: 'nobody', authorization: () => undefined },
  { name: 'a wrong password', authorization: (step) => basic(`user${step}`, 'wrong') },
  { name: 'an unknown account', authorization: (step) => basic(`nobody${step}`, 'secret'), slowed: true },
  { name: 'no password', authorization: (step) => basic(`user${step}`, '') },
  { name: 'the empty pair of podman', authorization: () => 'Basic Og==' },
  { name: 'a token', authorization: () => 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.' },
  { name: 'the name without its password', authorization: (step) => `Basic ${btoa(`user${step}`)}` },
  { name: 'another scheme', authorization: (step) => basic(`user${step}`, 'secret').replace('Basic', 'Digest') },
]

suite('rights', () => {
  let server: Server
  let ann: RegistryClient
  let bob: RegistryClient
  let stranger: RegistryClient
  let session = ''

  before(async () => {
    server = await startServer({ users: { ann: 'secret', bob: 'secret', ...PASSWORDS } })
    ;[ann, bob, stranger] = await Promise.all([
      server.client({ user: 'ann', password: 'secret' }),
      server.client({ user: 'bob', password: 'secret' }),
      server.client(),
    ])
    for (const [text, digest] of [
      ['hello', HELLO],
      ['{}', CONFIG],
    ] as const) {
      await expect(201, ann.request('POST', `/v2/team/app/blobs/uploads/?digest=${digest}`, { body: text }))
    }
    const headers = { 'content-type': OCI }
    await expect(201, ann.request('PUT', '/v2/team/app/manifests/latest', { headers, body: MANIFEST }))
    session = await begin(ann, 'team/app')
  })
  after(() => server[Symbol.asyncDispose]())

  for (const { name, authorization, slowed } of STRANGERS) {
    test(`${name} gets 401 on every route but ${OPEN_TO_ALL.join(', ')} (T17)`, async () => {
      for (const [step, { method, path }] of WALK.entries()) {
        if (OPEN_TO_ALL.includes(path)) continue
        const credentials = authorization(step)
        const headers = credentials === undefined ? {} : { authorization: credentials }
        const ask = (repository: string, id: string) =>
          stranger.request(method, targetOf(path, { name: repository, id }), { headers })
        const [there, absent] = [await ask('team/app', session), await ask('nobody/knows', randomUUID())]
        // All unknown accounts of an address share what wrong passwords they may send.
        if (slowed && there.status === 429) continue
        assert.equal(there.status, 401, `${method} ${path}`)
        assert.match(String(there.headers['www-authenticate']), /^Basic realm=/, `${method} ${path}`)
        // Nor does the answer tell what is there (T15).
        if (slowed && absent.status === 429) continue
        assert.equal(absent.status, 401, `${method} ${path}`)
        assert.equal(anonymous(there.bytes), anonymous(absent.bytes))
      }
    })
  }

  test('what is open to all tells nothing but that the server lives (T17)', async () => {
    for (const { method, path } of WALK.filter((route) => OPEN_TO_ALL.includes(route.path))) {
      const { status, bytes } = await stranger.request(method, path)
      // Tokens there are where something is open to everybody.
      assert.equal(status, path === '/token' ? 404 : 200, path)
      assert.doesNotMatch(bytes.toString(), /team|app|ann|sha256/, path)
    }
  })

  test('methods that are none on a path change nothing and tell nothing, to whomever (T17)', async () => {
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'LINK', 'PROPFIND']
    for (const { path } of WALK) {
      const known = WALK.filter((route) => route.path === path).map(({ method }) => method)
      for (const method of methods.filter((each) => !known.includes(each))) {
        const { status, headers } = await stranger.request(method, targetOf(path, { name: 'team/app', id: session }))
        // A browser asks for the methods before it may send a password.
        assert.equal(status, method === 'OPTIONS' ? 200 : 405, `${method} ${path}`)
        assert.equal(headers['allow'], known.join(', '))
      }
    }
    await expect(204, ann.request('GET', session))
    await expect(200, ann.request('GET', '/v2/team/app/manifests/latest'))
  })

  test('a session of somebody else is 404 by every method, in his repository and in another (T23)', async () => {
    const id = session.split('/').at(-1) ?? ''
    const methods = WALK.filter(({ path }) => path === UPLOAD).map(({ method }) => method)
    assert.ok(methods.length >= 4)
    for (const repository of ['team/app', 'bob/own']) {
      for (const method of methods) {
        const target = targetOf(UPLOAD, { name: repository, id })
        for (const query of method === 'PUT' ? [`?digest=${HELLO}`, '?digest=sha256:no', ''] : ['']) {
          const withBody = method === 'PATCH' || method === 'PUT'
          const { status } = await bob.request(method, target + query, withBody ? { body: 'hello' } : {})
          // A digest that is none is told before anybody looks for a session.
          assert.equal(
            status,
            query === '' && method === 'PUT' ? 400 : query.endsWith(':no') ? 400 : 404,
            method + target,
          )
        }
      }
    }
    const { status, headers } = await ann.request('GET', session)
    assert.deepEqual([status, headers['range']], [204, '0-0'])
    await expect(201, ann.request('PUT', `${session}?digest=${HELLO}`, { body: 'hello' }))
  })

  test('a blob that is deleted in one repository stays in the other, and gone in this, after a restart too (T6)', async () => {
    for (const repository of ['t6/a', 't6/b']) {
      await expect(201, ann.request('POST', `/v2/${repository}/blobs/uploads/?digest=${HELLO}`, { body: 'hello' }))
    }
    await expect(200, ann.request('GET', `/v2/t6/a/blobs/${HELLO}`))
    await expect(202, ann.request('DELETE', `/v2/t6/a/blobs/${HELLO}`))
    for (const round of ['at once', 'after a restart']) {
      if (round === 'after a restart') {
        await server.restart()
        ann = await server.client({ user: 'ann', password: 'secret' })
      }
      assert.equal((await ann.request('GET', `/v2/t6/b/blobs/${HELLO}`)).bytes.toString(), 'hello', round)
      await expect(404, ann.request('GET', `/v2/t6/a/blobs/${HELLO}`))
      await expect(404, ann.request('HEAD', `/v2/t6/a/blobs/${HELLO}`))
      await expect(404, ann.request('GET', `/v2/t6/a/blobs/${HELLO}`, { headers: { range: 'bytes=0-1' } }))
      await expect(404, ann.request('GET', `/v2/t6/a/manifests/${HELLO}`))
      const headers = { 'content-type': OCI }
      await expect(400, ann.request('PUT', '/v2/t6/a/manifests/x', { headers, body: MANIFEST }))
    }
  })
})

/** The location of a new session. */
async function begin(client: RegistryClient, repository: string): Promise<string> {
  const { status, headers } = await client.request('POST', `/v2/${repository}/blobs/uploads/`)
  assert.equal(status, 202)
  return String(headers['location'])
}

async function expect(status: number, answer: ReturnType<RegistryClient['request']>): Promise<void> {
  const { status: found, bytes } = await answer
  assert.equal(found, status, bytes.toString())
}

function anonymous(body: Buffer): string {
  return body.toString().replace(/\(request [0-9a-f]+\)/, '')
}
