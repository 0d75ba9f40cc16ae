import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { prefixOf } from '../../src/http/prefix.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { makeImage } from '../helpers/images.ts'
import type { TestRegistry } from '../helpers/test-registry.ts'
import { assertAnswer, script, table } from './case.ts'

const BLOB = 'a blob'
const IMAGE = makeImage('below')
const INWARD = { inward: '/reg/', outward: '/reg/' }

async function prepare({ rules }: TestRegistry): Promise<void> {
  await rules.push('one', BLOB)
  await rules.push('two', BLOB)
}

const elsewhere = { status: 404, code: 'NOT_FOUND', text: /paths begin with \/reg\/ here/ }

// biome-ignore format: one case a line
table('below a prefix', { options: { prefix: INWARD }, prepare }, [
  { of: '5.2', name: 'the API is there', send: 'GET /reg/v2/', status: 200, text: '{}' },
  { of: '5.2', name: 'the API is there without the last slash', send: 'GET /reg/v2', status: 200 },
  { of: '5.2', name: 'what a proxy sends as a whole URL is understood', send: 'GET http://reg.example/reg/v2/', status: 200 },
  { of: '5.2', name: 'the API is not at the root', send: 'GET /v2/', ...elsewhere },
  { of: '5.2', name: 'a prefix that only begins alike is none', send: 'GET /regular/v2/', ...elsewhere },
  { of: '5.2', name: 'a prefix that is written otherwise is none', send: 'GET /%72eg/v2/', ...elsewhere },
  { of: '5.2', name: 'a prefix that is left by two dots leads nowhere', send: 'GET /reg/../v2/', status: 404, code: 'NOT_FOUND' },
  { of: '5.2', name: 'load balancers find the root with and without it', send: 'GET /', status: 200 },
  { of: '5.2', name: 'the root below the prefix is one too', send: 'GET /reg/', status: 200 },
  { of: '1.0', name: 'a link to the next page has it', send: 'GET /reg/v2/_catalog?n=1', status: 200, has: { link: '</reg/v2/_catalog?last=one&n=1>; rel="next"' } },
  { of: '1.0', name: 'a mount tells where the blob is with it', send: `POST /reg/v2/three/blobs/uploads/?mount=${digestOf(BLOB)}&from=one`, status: 201, has: { location: `/reg/v2/three/blobs/${digestOf(BLOB)}` } },
])

script(
  '1.0',
  'a whole push goes on below the prefix, by the addresses that it is told',
  async ({ request }) => {
    for (const [digest, body] of IMAGE.blobs) {
      const begun = await request('POST /reg/v2/app/blobs/uploads/')
      const location = String(begun.headers['location'])
      assert.match(location, /^\/reg\/v2\/app\/blobs\/uploads\//)
      const wrong = await request(`PATCH ${location}`, { body, headers: { 'content-range': '7-9' } })
      assertAnswer(wrong, { status: 400, has: { location, range: '0-0' } })
      const appended = await request(`PATCH ${location}`, { body })
      assertAnswer(appended, { status: 202, has: { location } })
      const put = await request(`PUT ${location}?digest=${digest}`)
      assertAnswer(put, { status: 201, has: { location: `/reg/v2/app/blobs/${digest}` } })
    }
    const { digest, bytes, mediaType } = IMAGE.manifest
    const put = await request('PUT /reg/v2/app/manifests/1', { headers: { 'content-type': mediaType }, body: bytes })
    assertAnswer(put, { status: 201, has: { location: `/reg/v2/app/manifests/${digest}` } })
    assertAnswer(await request('GET /reg/v2/app/manifests/1'), { status: 200, bytes })
  },
  { prefix: INWARD },
)

script(
  '1.0',
  'behind a proxy that takes a part of the path away, addresses have that part',
  async ({ request }) => {
    const begun = await request('POST /v2/app/blobs/uploads/')
    assertAnswer(begun, { status: 202, has: { location: /^\/outside\/v2\/app\/blobs\/uploads\// } })
  },
  { prefix: { inward: '/', outward: '/outside/' } },
)

suite('where paths begin', () => {
  const cases = [
    { name: 'at the root', http: { prefix: '/' }, inward: '/', outward: '/' },
    { name: 'at http.prefix', http: { prefix: '/a/b/' }, inward: '/a/b/', outward: '/a/b/' },
    {
      name: 'no host of http.host is told',
      http: { prefix: '/', host: 'https://reg.example' },
      inward: '/',
      outward: '/',
    },
    {
      name: 'the path of http.host comes before all that is told',
      http: { prefix: '/a/', host: 'https://reg.example/out/' },
      inward: '/a/',
      outward: '/out/a/',
    },
    {
      name: 'a path of http.host without its last slash is a file, as to registry:2',
      http: { prefix: '/', host: 'https://reg.example/out' },
      inward: '/',
      outward: '/',
    },
    {
      name: 'with http.relativeurls http.host is not looked at, as by registry:2',
      http: { prefix: '/', host: 'https://reg.example/out/', relativeurls: true },
      inward: '/',
      outward: '/',
    },
  ]
  for (const { name, http, ...wanted } of cases) {
    test(name, () => assert.deepEqual(prefixOf({ relativeurls: false, ...http }), wanted))
  }
})
