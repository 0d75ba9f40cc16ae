import assert from 'node:assert/strict'
import { digestOf } from '../helpers/digest-of.ts'
import { type Image, jsonContent, MEDIA_TYPES, makeArtifact, makeImage, makeIndex } from '../helpers/images.ts'
import type { TestRegistry } from '../helpers/test-registry.ts'
import { assertAnswer, type Case, script, table } from './case.ts'

const OCI = MEDIA_TYPES.oci.manifest
const INDEX = MEDIA_TYPES.oci.index
const DOCKER = MEDIA_TYPES.docker.manifest

const IMAGE = makeImage('manifests')
const { digest: DIGEST, bytes: BYTES } = IMAGE.manifest
const ABSENT = digestOf('absent')
const URL = '/v2/team/app/manifests'

const LAYER = { mediaType: MEDIA_TYPES.oci.layer, digest: digestOf('layer'), size: 5 }
const CONFIG = { mediaType: MEDIA_TYPES.oci.config, digest: digestOf('{}'), size: 2 }
const GONE = { ...LAYER, digest: ABSENT }

/** `team/app` has the image as `latest`, and the blobs of the small manifests below. */
async function prepare({ push, rules }: TestRegistry): Promise<void> {
  await push('team/app', IMAGE, 'latest')
  await rules.push('team/app', 'layer')
  await rules.push('team/app', '{}')
}

interface Put {
  readonly type?: string
  readonly to?: string
}

function put(
  of: string,
  name: string,
  body: object | string,
  { type = OCI, to = 'new' }: Put = {},
): Omit<Case, 'status'> {
  const headers: Record<string, string> = type === '' ? {} : { 'content-type': type }
  return { of, name, send: `PUT ${URL}/${to}`, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

type Typed = Readonly<Record<string, unknown>> & { readonly mediaType: string }

function image(fields: object = {}): Typed {
  return { schemaVersion: 2, mediaType: OCI, config: CONFIG, layers: [LAYER], ...fields }
}

function index(manifests: readonly object[], fields: object = {}): Typed {
  return { schemaVersion: 2, mediaType: INDEX, manifests, ...fields }
}

const read = {
  status: 200,
  bytes: BYTES,
  has: { 'content-type': OCI, 'docker-content-digest': DIGEST, etag: `"${DIGEST}"` },
}
const unknown = { status: 404, code: 'MANIFEST_UNKNOWN' }
const invalid = { status: 400, code: 'MANIFEST_INVALID' }
const missing = { status: 400, code: 'MANIFEST_BLOB_UNKNOWN' }
const created = { status: 201 }
const unchanged = { status: 304, has: { etag: `"${DIGEST}"`, 'docker-content-digest': DIGEST } }

// biome-ignore format: one case a line
table('manifests', { prepare }, [
  { of: '28', name: 'by tag', send: `GET ${URL}/latest`, ...read, has: { ...read.has, 'cache-control': 'no-cache' } },
  { of: '28', name: 'by digest', send: `GET ${URL}/${DIGEST}`, ...read, has: { ...read.has, 'cache-control': 'private, max-age=31536000, immutable' } },
  { of: '28', name: 'by digest with an encoded colon', send: `GET ${URL}/${DIGEST.replace(':', '%3A')}`, ...read },
  { of: '28', name: 'HEAD by tag', send: `HEAD ${URL}/latest`, status: 200, has: { ...read.has, 'content-length': String(BYTES.length) } },
  { of: '29', name: 'to a client that takes Docker types only', send: `GET ${URL}/latest`, headers: { accept: DOCKER }, ...read },
  { of: '29', name: 'to a client that takes HTML', send: `HEAD ${URL}/latest`, headers: { accept: 'text/html' }, status: 200, has: read.has },
  { of: '43', name: 'never compressed', send: `GET ${URL}/latest`, headers: { 'accept-encoding': 'zstd, gzip, deflate' }, ...read },
  { of: '28', name: 'a range is not looked at', send: `GET ${URL}/latest`, headers: { range: 'bytes=0-1' }, ...read },
  { of: '30', name: 'not modified', send: `GET ${URL}/latest`, headers: { 'if-none-match': `"${DIGEST}"` }, ...unchanged },
  { of: '30', name: 'not modified, without quotes', send: `GET ${URL}/latest`, headers: { 'if-none-match': DIGEST }, ...unchanged },
  { of: '30', name: 'not modified, one of a list', send: `GET ${URL}/latest`, headers: { 'if-none-match': `"${ABSENT}", W/"${DIGEST}"` }, ...unchanged },
  { of: '30', name: 'not modified, whatever it is', send: `HEAD ${URL}/latest`, headers: { 'if-none-match': '*' }, ...unchanged },
  { of: '30', name: 'modified', send: `GET ${URL}/latest`, headers: { 'if-none-match': `"${ABSENT}"` }, ...read },
  { of: '28', name: 'an unknown tag', send: `GET ${URL}/other`, ...unknown },
  { of: '28', name: 'an unknown digest', send: `GET ${URL}/${ABSENT}`, ...unknown },
  { of: '28', name: 'an unknown repository', send: `HEAD /v2/nobody/knows/manifests/latest`, status: 404 },
  { of: '28', name: 'what can be no tag is not there', send: `GET ${URL}/.INVALID_MANIFEST_NAME`, ...unknown },
  { of: '28', name: 'what can be no tag is not there for HEAD either', send: `HEAD ${URL}/${'x'.repeat(129)}`, status: 404 },
  { of: '33', name: 'a digest that is none', send: `GET ${URL}/sha256:baddigeststring`, status: 400, code: 'DIGEST_INVALID' },
  { of: 'T39', name: 'a name that is none', send: `GET /v2/Team/app/manifests/latest`, status: 400, code: 'NAME_INVALID' },

  { ...put('34', 'answers with place and digest', image()), ...created, has: { location: `${URL}/${digestOf(JSON.stringify(image()))}`, 'docker-content-digest': digestOf(JSON.stringify(image())), 'content-length': '0', 'oci-subject': undefined, 'oci-tag': undefined } },
  { ...put('33', 'under its digest', image(), { to: digestOf(JSON.stringify(image())) }), ...created },
  { ...put('33', 'under another digest', image(), { to: ABSENT }), status: 400, code: 'DIGEST_INVALID' },
  { ...put('33', 'under a digest that is none', image(), { to: 'sha256:baddigeststring' }), status: 400, code: 'DIGEST_INVALID' },
  { ...put('33', 'under a tag that is none', image(), { to: '-no' }), status: 400, code: 'TAG_INVALID' },
  { ...put('46', 'under sha512', image(), { to: digestOf(JSON.stringify(image()), 'sha512') }), ...created, has: { 'docker-content-digest': digestOf(JSON.stringify(image()), 'sha512') } },
  { ...put('33', 'under an algorithm nobody stores', image(), { to: `sha384:${'a'.repeat(96)}` }), status: 400, code: 'DIGEST_INVALID' },
  { ...put('34', 'with a subject that is not here', image({ subject: { ...GONE, mediaType: OCI } })), ...created, has: { 'oci-subject': ABSENT } },
  { ...put('34', 'an index with a subject', index([], { subject: { ...GONE, mediaType: OCI } }), { type: INDEX }), ...created, has: { 'oci-subject': ABSENT } },
  { ...put('35', 'a layer that is elsewhere', image({ layers: [{ ...GONE, urls: ['https://example.com/x'] }] })), ...created },
  { ...put('35', 'a layer that may not be distributed', image({ layers: [{ ...GONE, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' }] })), ...created },
  { ...put('36', 'an index of layers with a BuildKit config', index([LAYER, { ...CONFIG, mediaType: 'application/vnd.buildkit.cacheconfig.v0' }]), { type: INDEX }), ...created },
  { ...put('36', 'an index whose children are not here', index([{ ...GONE, mediaType: OCI }]), { type: INDEX }), ...created },
  { ...put('37', 'a layer that is not here', image({ layers: [LAYER, GONE] })), ...missing },
  { ...put('37', 'a config that is not here', image({ config: { ...CONFIG, digest: ABSENT } })), ...missing },
  { ...put('32', 'no layers', image({ layers: [] })), ...created },
  { ...put('32', 'an index without children', index([]), { type: INDEX }), ...created },
  { ...put('32', 'fields nobody knows', image({ 'org.example': { a: [1] }, artifactType: 'application/x' })), ...created },
  { ...put('32', 'a type nobody knows', { mediaType: 'application/vnd.example+json', anything: true }, { type: 'application/vnd.example+json' }), ...created },
  { ...put('32', 'a Content-Type with parameters', image(), { type: `${OCI}; charset=utf-8` }), ...created },
  { ...put('32', 'no Content-Type', image(), { type: '' }), ...created },
  { ...put('32', 'no type at all, and the shape of an image', { schemaVersion: 2, config: CONFIG, layers: [] }, { type: '' }), ...created },
  { ...put('33', 'no JSON', '<html>'), ...invalid },
  { ...put('33', 'nothing', ''), ...invalid },
  { ...put('33', 'a list', '[]'), ...invalid },
  { ...put('33', 'Docker schema 1', { schemaVersion: 1, name: 'x' }, { type: 'application/vnd.docker.distribution.manifest.v1+json' }), ...invalid },
  { ...put('T2', 'another type than its Content-Type', image(), { type: INDEX }), ...invalid },
  { ...put('T2', 'an image and an index at once', image({ manifests: [] })), ...invalid },
  { ...put('T2', 'an index and an image at once', index([], { layers: [] }), { type: INDEX }), ...invalid },
  { ...put('T2', 'an index with a config', index([], { config: CONFIG }), { type: INDEX }), ...invalid },
  { ...put('38', 'more tags than we take', image(), { to: `${digestOf(JSON.stringify(image()))}?${'tag=a&'.repeat(100)}tag=b` }), status: 414, code: 'TAG_INVALID' },
  { ...put('38', 'a tag parameter that is no tag', image(), { to: `${digestOf(JSON.stringify(image()))}?tag=a&tag=-b` }), status: 400, code: 'TAG_INVALID' },
  { ...put('39', 'a method that is none here', image()), send: `POST ${URL}/new`, status: 405, code: 'UNSUPPORTED', has: { allow: 'GET, HEAD, PUT, DELETE' } },
])

const BAD_DIGESTS = [
  'sha256:../../etc/passwd',
  'sha256:',
  `sha256:${'A'.repeat(64)}`,
  `sha256:${'a'.repeat(63)}`,
  `sha256:${'a'.repeat(65)}`,
  'sha256:%2e%2e',
  `sha512:${'a'.repeat(64)}`,
  `sha256:${'a'.repeat(63)}\u0000`,
  `blake3:${'a'.repeat(64)}`,
  'a'.repeat(1_000_000),
]
// biome-ignore format: one case a line
table('bad digests in manifests', { prepare }, BAD_DIGESTS.flatMap((digest) => {
  const name = `${digest.slice(0, 24).replace('\u0000', '…')} (${digest.length} characters)`
  return [
    { ...put('T28', `a layer ${name}`, image({ layers: [{ ...LAYER, digest }] })), ...invalid },
    { ...put('T28', `a config ${name}`, image({ config: { ...CONFIG, digest } })), ...invalid },
    { ...put('T28', `a subject ${name}`, image({ subject: { ...CONFIG, digest } })), ...invalid },
    { ...put('T28', `a child ${name}`, index([{ ...CONFIG, digest }]), { type: INDEX }), ...invalid },
    { of: 'T28', name: `a path ${name}`, send: `GET ${URL}/x:${encodeURIComponent(digest)}`, status: 400, code: 'DIGEST_INVALID' },
  ]
}))

for (const [name, pushed] of Object.entries({
  'an OCI image': makeImage('a'),
  'a Docker image': makeImage('a', { format: 'docker' }),
  'an OCI index': makeIndex([makeImage('a'), makeImage('b')]),
  'a Docker list': makeIndex([makeImage('a', { format: 'docker' })], { format: 'docker' }),
  'an index of indexes': makeIndex([makeIndex([makeImage('a')])]),
  'an artifact': makeArtifact('a'),
}) satisfies [string, Image][]) {
  script('28', `${name} is read as it was pushed, and HEAD says the same as GET`, async ({ request, push }) => {
    await push('team/app', pushed, 'v1')
    const { mediaType, digest, bytes } = pushed.manifest
    for (const reference of ['v1', digest]) {
      const [got, head] = [await request(`GET ${URL}/${reference}`), await request(`HEAD ${URL}/${reference}`)]
      assertAnswer(got, { status: 200, bytes, has: { 'content-type': mediaType, 'docker-content-digest': digest } })
      assert.deepEqual(head.headers, got.headers)
      assert.equal(head.status, 200)
    }
    assertAnswer(await request(`GET /v2/team/app/blobs/${digest}`), { status: 200, bytes })
  })
}

script('31', 'a manifest of 4 MiB is taken and returned, one byte more is not', async ({ request, rules }) => {
  await rules.push('team/app', 'layer')
  await rules.push('team/app', '{}')
  const limit = 4_194_304
  const sized = (size: number) => {
    const room = size - JSON.stringify(image({ annotations: { a: '' } })).length
    return JSON.stringify(image({ annotations: { a: 'x'.repeat(room) } }))
  }
  const headers = { 'content-type': OCI }
  const body = sized(limit)
  assert.equal(body.length, limit)
  assert.equal((await request(`PUT ${URL}/big`, { headers, body })).status, 201)
  assertAnswer(await request(`GET ${URL}/big`), { status: 200, bytes: Buffer.from(body) })

  const larger = { status: 413, code: 'MANIFEST_INVALID' }
  assertAnswer(await request(`PUT ${URL}/bigger`, { headers, body: sized(limit + 1) }), larger)
  const chunks = [sized(limit + 1).slice(0, 100), sized(limit + 1).slice(100)]
  assertAnswer(await request(`PUT ${URL}/bigger`, { headers, body: chunks }), larger)
})

script('32', 'bytes come back as they were sent, whatever their white space and order', async ({ request, rules }) => {
  await rules.push('team/app', '{}')
  const body = `\n\t{ "layers" : [ ],\r\n "config": ${JSON.stringify(CONFIG)},"schemaVersion":2 , "a":1.0, "é": "\\u00e9" }  \n`
  assert.equal((await request(`PUT ${URL}/odd`, { headers: { 'content-type': OCI }, body })).status, 201)
  assertAnswer(await request(`GET ${URL}/odd`), { status: 200, bytes: Buffer.from(body) })
})

script('46', 'a manifest pushed under sha512 is found by it, and by nothing else', async ({ request, rules }) => {
  await rules.push('team/app', 'layer')
  await rules.push('team/app', '{}')
  const { bytes } = jsonContent(image())
  const digest = digestOf(bytes, 'sha512')
  await request(`PUT ${URL}/${digest}?tag=v1`, { headers: { 'content-type': OCI }, body: bytes })
  for (const reference of [digest, 'v1']) {
    assertAnswer(await request(`GET ${URL}/${reference}`), {
      status: 200,
      bytes,
      has: { 'docker-content-digest': digest },
    })
  }
})

script('T21', 'a manifest of a type that browsers show is inert', async ({ request }) => {
  const body = JSON.stringify({ mediaType: 'text/html', x: '<script>alert(1)</script>' })
  await request(`PUT ${URL}/page`, { headers: { 'content-type': 'text/html' }, body })
  assertAnswer(await request(`GET ${URL}/page`), { status: 200, has: { 'content-security-policy': /sandbox/ } })
})

script('38', 'tags in the query are all set, and told', async (registry) => {
  const { request } = registry
  await prepare(registry)
  const tags = Array.from({ length: 11 }, (_, position) => `v${position}`)
  const query = tags.map((tag) => `tag=${tag}`).join('&')
  const headers = { 'content-type': OCI }
  const answer = await request(`PUT ${URL}/${DIGEST}?${query}`, { headers, body: BYTES })
  assertAnswer(answer, { status: 201, has: { 'oci-tag': tags.join(', ') } })
  for (const tag of tags) assertAnswer(await request(`GET ${URL}/${tag}`), { status: 200, bytes: BYTES })
})

script('39', 'deleting a tag takes only it', async (registry) => {
  const { request } = registry
  await prepare(registry)
  await registry.push('team/app', IMAGE, 'stable')
  assert.equal((await request(`DELETE ${URL}/latest`)).status, 202)
  assertAnswer(await request(`GET ${URL}/latest`), unknown)
  assertAnswer(await request('GET /v2/team/app/tags/list'), {
    status: 200,
    text: '{"name":"team/app","tags":["stable"]}',
  })
  assert.equal((await request(`GET ${URL}/${DIGEST}`)).status, 200)
  assertAnswer(await request(`DELETE ${URL}/latest`), unknown)
})

script('39', 'deleting a digest takes all its tags', async (registry) => {
  const { request } = registry
  await prepare(registry)
  await registry.push('team/app', IMAGE, 'stable')
  assert.equal((await request(`DELETE ${URL}/${DIGEST}`)).status, 202)
  for (const reference of ['latest', 'stable', DIGEST]) assertAnswer(await request(`GET ${URL}/${reference}`), unknown)
  assertAnswer(await request('GET /v2/team/app/tags/list'), { status: 200, text: '{"name":"team/app","tags":[]}' })
  assertAnswer(await request(`DELETE ${URL}/${DIGEST}`), unknown)
})

script(
  '39',
  'where deleting is off, it is 405',
  async (registry) => {
    await prepare(registry)
    for (const path of [`${URL}/latest`, `${URL}/${DIGEST}`, `/v2/team/app/blobs/${LAYER.digest}`]) {
      assertAnswer(await registry.request(`DELETE ${path}`), { status: 405, code: 'UNSUPPORTED' })
    }
    assert.equal((await registry.request(`GET ${URL}/latest`)).status, 200)
  },
  { policy: { deletes: false } },
)

script('1.0', 'a PUT may say what it expects to be there', async (registry) => {
  const { request } = registry
  await prepare(registry)
  const body = JSON.stringify(image())
  const digest = digestOf(body)
  const attempts = [
    ['latest', { 'if-none-match': '*' }, 412],
    ['latest', { 'if-match': `"${ABSENT}"` }, 412],
    ['latest', { 'if-match': `W/"${DIGEST}"` }, 412],
    ['other', { 'if-match': `"${DIGEST}"` }, 412],
    ['other', { 'if-match': '*' }, 412],
    ['other', { 'if-none-match': '*' }, 201],
    ['latest', { 'if-none-match': `"${ABSENT}"` }, 201],
    ['latest', { 'if-match': `"${DIGEST}"` }, 412],
    ['latest', { 'if-match': `"${DIGEST}", "${digest}"` }, 201],
    ['latest', { 'if-match': '*' }, 201],
    [digest, { 'if-none-match': '*' }, 412],
    [digest, { 'if-match': `"${digest}"` }, 201],
  ] as const
  for (const [to, condition, status] of attempts) {
    const answer = await request(`PUT ${URL}/${to}`, { headers: { 'content-type': OCI, ...condition }, body })
    assert.equal(answer.status, status, `${to} ${JSON.stringify(condition)}: ${answer.text}`)
    if (status === 412) assertAnswer(answer, { status, code: 'PRECONDITION_FAILED' })
  }
})

script(
  '37',
  'a sparse registry takes an image whose layer is missing',
  async ({ request }) => {
    const body = JSON.stringify(image())
    assert.equal((await request(`PUT ${URL}/sparse`, { headers: { 'content-type': OCI }, body })).status, 201)
  },
  { policy: { sparse: true } },
)

script('38', 'a manifest and its blobs are not another repository’s', async (registry) => {
  const { request } = registry
  await prepare(registry)
  assertAnswer(await request(`GET /v2/team/other/manifests/${DIGEST}`), unknown)
  const headers = { 'content-type': OCI }
  const body = JSON.stringify(image())
  assertAnswer(await request('PUT /v2/team/other/manifests/x', { headers, body }), missing)
})

script('1.15', 'what is served from a copy comes with a warning, in the one form that is read', async (registry) => {
  await prepare(registry)
  await registry.rules.catalog.write('setRepositoryKind', { repository: 'team/app', kind: 'cached' })
  const { status, headers } = await registry.request(`GET ${URL}/latest`)
  assert.equal(status, 200)
  assert.match(String(headers['warning']), /^299 - "[^"]+"$/)
  assertAnswer(await registry.request(`GET ${URL}/${DIGEST}`), { ...read, has: { ...read.has, warning: undefined } })
})
