import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { digestOf } from '../helpers/digest-of.ts'
import { MEDIA_TYPES, makeImage } from '../helpers/images.ts'
import { type TestRegistry, testRegistry } from '../helpers/test-registry.ts'
import { assertAnswer, script, table } from './case.ts'

const OCI = MEDIA_TYPES.oci.manifest
const INDEX = MEDIA_TYPES.oci.index
const HELLO = digestOf('hello')

const layer = { mediaType: MEDIA_TYPES.oci.layer, digest: HELLO, size: 5 }
const config = { mediaType: MEDIA_TYPES.oci.config, digest: HELLO, size: 5 }

function image(fields: object = {}) {
  return { schemaVersion: 2, mediaType: OCI, config, layers: [layer], ...fields }
}

async function put(
  { request }: TestRegistry,
  body: object | string,
  { type = OCI, to = 'new' }: { type?: string; to?: string } = {},
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return await request(`PUT /v2/team/app/manifests/${to}`, { headers: { 'content-type': type }, body: text })
}

async function prepare({ rules }: TestRegistry): Promise<void> {
  await rules.push('team/app', 'hello')
}

/** What is no digest, and would be a path, a crash or another request to whoever takes it for one (CVE-2024-3727). */
const NO_DIGESTS = [
  'sha256:',
  ':',
  'sha256',
  'sha256:../../../../etc/passwd',
  `sha256:${'../'.repeat(21)}a`,
  'sha256:%2e%2e',
  `sha256:${'A'.repeat(64)}`,
  `SHA256:${'a'.repeat(64)}`,
  `sha256:${'a'.repeat(63)}`,
  `sha256:${'a'.repeat(65)}`,
  `sha256:${'g'.repeat(64)}`,
  `sha256:${'a'.repeat(63)}\0`,
  `sha256:${'a'.repeat(64)}\n`,
  ` sha256:${'a'.repeat(64)}`,
  `sha256:${'a'.repeat(64)}/x`,
  `sha256:${'a'.repeat(64)}?x`,
  `sha256:${'a'.repeat(64)}@x`,
  `sha256:sha256:${'a'.repeat(57)}`,
  `sha512:${'a'.repeat(64)}`,
  `sha384:${'a'.repeat(96)}`,
  `md5:${'a'.repeat(32)}`,
  `constructor:${'a'.repeat(64)}`,
  `sha256:${'\u0661'.repeat(64)}`,
  'a'.repeat(1_000_000),
]

suite('what is no digest is one nowhere (T28)', () => {
  for (const text of NO_DIGESTS) {
    test(`'${JSON.stringify(text).slice(1, 40)}' of ${text.length} characters (T28)`, async () => {
      await using registry = await testRegistry()
      await prepare(registry)
      const { request } = registry
      const { headers } = await request('POST /v2/team/app/blobs/uploads/')
      const bad = { status: 400, code: 'DIGEST_INVALID' }
      const encoded = encodeURIComponent(text)
      for (const line of [
        `GET /v2/team/app/blobs/${encoded}`,
        `HEAD /v2/team/app/blobs/${encoded}`,
        `DELETE /v2/team/app/blobs/${encoded}`,
        `GET /v2/team/app/referrers/${encoded}`,
        `POST /v2/team/app/blobs/uploads/?digest=${encoded}`,
        `POST /v2/team/app/blobs/uploads/?mount=${encoded}&from=team/app`,
        `POST /v2/team/app/blobs/uploads/?mount=${encoded}`,
        `PUT ${headers['location']}?digest=${encoded}`,
      ]) {
        const answer = await request(line, { body: 'hello' })
        if (line.startsWith('HEAD')) assert.equal(answer.status, 400)
        else assertAnswer(answer, bad)
        assert.ok(answer.bytes.length < 1000, 'it is not told whole')
      }
      // Without a colon it is taken for a tag, which it is not either.
      const reference = await put(registry, image(), { to: encoded })
      assert.ok([400, 201].includes(reference.status) && (reference.status === 400 || /^\w[\w.-]{0,127}$/.test(text)))

      for (const [body, type] of [
        [image({ config: { ...config, digest: text } }), OCI],
        [image({ layers: [layer, { ...layer, digest: text }] }), OCI],
        [image({ layers: [{ ...layer, digest: text, urls: ['https://example.com'] }] }), OCI],
        [image({ subject: { ...config, digest: text } }), OCI],
        [{ schemaVersion: 2, mediaType: INDEX, manifests: [{ ...config, digest: text }] }, INDEX],
        [{ schemaVersion: 2, mediaType: INDEX, manifests: [], subject: { ...config, digest: text } }, INDEX],
      ] as const) {
        const answer = await put(registry, body, { type })
        assertAnswer(answer, { status: 400, code: 'MANIFEST_INVALID' })
        assert.ok(answer.bytes.length < 1000, 'it is not told whole')
      }
      assert.deepEqual(
        JSON.parse((await request('GET /v2/team/app/tags/list')).text).tags,
        reference.status === 201 ? [text] : [],
      )
    })
  }
})

// biome-ignore format: one case a line
table('a manifest means the same to every reader', { prepare }, [
  ...([
    ['keys twice', JSON.stringify(image()).replace('"layers"', '"layers":[],"layers"')],
    ['a key twice in a descriptor', JSON.stringify(image()).replace('"size":5', '"size":4,"size":5')],
    ['layers in capitals beside layers', JSON.stringify(image({ LAYERS: [] }))],
    ['an index in capitals in an image', JSON.stringify(image({ Manifests: [layer] }))],
    ['a media type in small letters', JSON.stringify(image({ mediatype: INDEX }))],
    ['a digest in capitals', JSON.stringify(image({ layers: [{ ...layer, Digest: 'sha256:../..' }] }))],
    ['an index in an image', JSON.stringify(image({ manifests: [layer] }))],
  ] as const).map(([name, body]) => ({ of: 'T2', name, send: 'PUT /v2/team/app/manifests/new', headers: { 'content-type': OCI }, body, status: 400, code: 'MANIFEST_INVALID' })),
])

script('T2', 'the bytes of a digest have one type for ever, whatever they are sent as', async (registry) => {
  await prepare(registry)
  const untyped = JSON.stringify({ schemaVersion: 2, config, layers: [layer] })
  assert.equal((await put(registry, untyped)).status, 201)
  for (const type of [INDEX, MEDIA_TYPES.docker.manifest, 'application/x', '']) {
    const again = await put(registry, untyped, { type, to: 'again' })
    if (type === '') assert.equal(again.status, 201)
    else assertAnswer(again, { status: 400, code: 'MANIFEST_INVALID' })
  }
  assertAnswer(await registry.request('GET /v2/team/app/manifests/new'), { status: 200, has: { 'content-type': OCI } })
})

script('T27', 'nobody ever asks the addresses in a manifest', async (registry) => {
  let asked = 0
  const canary = createServer((socket) => {
    asked += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve))
  try {
    await prepare(registry)
    const { request } = registry
    const { port } = canary.address() as { port: number }
    const urls = [`http://127.0.0.1:${port}/layer`]
    const absent = digestOf('absent')
    const foreign = {
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      digest: absent,
      size: 6,
      urls,
    }
    const pushed = await put(
      registry,
      image({ layers: [layer, foreign], annotations: { 'org.opencontainers.image.url': urls[0] } }),
    )
    assert.equal(pushed.status, 201)
    await request('GET /v2/team/app/manifests/new')
    assertAnswer(await request(`GET /v2/team/app/blobs/${absent}`), { status: 404, code: 'BLOB_UNKNOWN' })
    assert.equal((await request(`HEAD /v2/team/app/blobs/${absent}`)).status, 404)
    assert.equal((await request(`POST /v2/team/app/blobs/uploads/?mount=${absent}&from=127.0.0.1`)).status, 202)
    assert.equal((await request('DELETE /v2/team/app/manifests/new')).status, 202)
    assert.equal(asked, 0)
  } finally {
    canary.close()
  }
})

test('whatever is pushed as a manifest is taken or refused, never a fault, and is read as it was pushed (T35)', async () => {
  await using registry = await testRegistry()
  await prepare(registry)
  const anything = fc.jsonValue({ maxDepth: 4 })
  const digests = fc.constantFrom(HELLO, digestOf('absent'), 'sha256:', '', `sha512:${'a'.repeat(128)}`)
  const descriptor = fc.record(
    {
      mediaType: fc.oneof(fc.constantFrom(OCI, INDEX, ''), anything),
      digest: fc.oneof({ weight: 5, arbitrary: digests }, anything),
      size: fc.oneof(fc.integer(), anything),
      urls: anything,
      data: fc.oneof(fc.base64String(), anything),
      platform: anything,
      annotations: anything,
    },
    { requiredKeys: [] },
  )
  const one = fc.oneof({ weight: 5, arbitrary: descriptor }, anything)
  const list = fc.oneof({ weight: 5, arbitrary: fc.array(one, { maxLength: 4 }) }, anything)
  const manifest = fc.record(
    {
      schemaVersion: anything,
      mediaType: fc.oneof(fc.constantFrom(OCI, INDEX, MEDIA_TYPES.docker.manifest, 'a/b'), anything),
      config: one,
      layers: list,
      manifests: list,
      blobs: list,
      subject: one,
      annotations: fc.oneof(fc.dictionary(fc.string(), fc.string()), anything),
      artifactType: anything,
    },
    { requiredKeys: [] },
  )
  const type = fc.constantFrom(OCI, INDEX, MEDIA_TYPES.docker.index, 'a/b', '', 'text/html; charset=x', 'no type')
  await fc.assert(
    fc.asyncProperty(fc.oneof(manifest, anything), type, async (value, contentType) => {
      const body = JSON.stringify(value)
      const answer = await put(registry, body, { type: contentType, to: 'fuzz' })
      assert.ok(answer.status === 201 || answer.status === 400, `${answer.status} ${answer.text}`)
      if (answer.status !== 201) return
      const got = await registry.request('GET /v2/team/app/manifests/fuzz')
      assert.equal(got.text, body)
      assert.equal(got.headers['docker-content-digest'], digestOf(body))
      assert.equal((await registry.request(`GET /v2/team/app/referrers/${HELLO}`)).status, 200)
    }),
    { numRuns: 400 },
  )
})

script('T37', 'ten thousand referrers come in pages of no more than 4 MiB, each once', async (registry) => {
  const { request, rules } = registry
  const subject = digestOf('a subject')
  const annotations = { note: 'x'.repeat(500) }
  const pushes = Array.from({ length: 10_000 }, (_, index) => {
    const bytes = Buffer.from(JSON.stringify({ index, annotations }))
    const manifest = { mediaType: OCI, references: [], subject, annotations }
    const data = { repository: 'team/app', digest: digestOf(bytes), bytes, manifest, tags: [], mustExist: [], at: 1 }
    return rules.catalog.write('putManifest', data)
  })
  await Promise.all(pushes)
  const seen = new Set<string>()
  let pages = 0
  for (let next: string | undefined = `/v2/team/app/referrers/${subject}`; next !== undefined; pages += 1) {
    const answer = await request(`GET ${next}`)
    assert.equal(answer.status, 200)
    assert.ok(answer.bytes.length <= 4 * 1024 * 1024, `${answer.bytes.length} bytes`)
    for (const { digest } of JSON.parse(answer.text).manifests) {
      assert.ok(!seen.has(digest))
      seen.add(digest)
    }
    next = /^<(.*)>; rel="next"$/.exec(String(answer.headers['link']))?.[1]
  }
  assert.equal(seen.size, 10_000)
  assert.equal(pages, 2)
})

script('T37', 'annotations of 4 MiB are read for one referrer at a time, however many there are', async (registry) => {
  const { request, rules } = registry
  const subject = digestOf('a subject')
  const reads: number[] = []
  const { referrers } = rules.catalog
  rules.catalog.referrers = async (...asked) => {
    const rows = await referrers.apply(rules.catalog, asked)
    reads.push(rows.length)
    return rows
  }
  for (let index = 0; index < 5; index += 1) {
    const annotations = { note: String(index).repeat(4_000_000) }
    const manifest = image({ subject: { ...config, digest: subject }, annotations, layers: [] })
    await prepare(registry)
    assert.equal((await put(registry, manifest)).status, 201)
  }
  const page = await request(`GET /v2/team/app/referrers/${subject}`)
  assert.equal(JSON.parse(page.text).manifests.length, 1)
  assert.match(String(page.headers['link']), /rel="next"/)
  assert.ok(reads.length > 0 && reads.every((rows) => rows <= 1), String(reads))
})

script('T37', 'annotations of 8 MiB are more than a manifest may have', async (registry) => {
  await prepare(registry)
  const answer = await put(registry, image({ annotations: { a: 'x'.repeat(8 * 1024 * 1024) } }))
  assertAnswer(answer, { status: 413, code: 'MANIFEST_INVALID' })
})

script(
  'T1',
  'a large manifest is read while it goes out, and not held for a client that takes nothing',
  async (registry) => {
    await prepare(registry)
    for (const [size, held] of [
      [1000, true],
      [1_000_000, false],
    ] as const) {
      const body = JSON.stringify(image({ annotations: { a: 'x'.repeat(size) } }))
      assert.equal((await put(registry, body)).status, 201)
      const { outcome, ...got } = await registry.request('GET /v2/team/app/manifests/new')
      assert.equal(got.text, body)
      assert.equal(got.headers['content-type'], OCI)
      assert.equal(outcome.reply.body instanceof Uint8Array, held)
      const head = await registry.request('HEAD /v2/team/app/manifests/new')
      assert.deepEqual(head.headers, got.headers)
    }
  },
)

script('T1', 'a manifest that names ten thousand absent blobs is told of a hundred', async (registry) => {
  await prepare(registry)
  const layers = Array.from({ length: 10_000 }, (_, index) => ({ ...layer, digest: digestOf(`absent ${index}`) }))
  const answer = await put(registry, image({ layers }))
  assertAnswer(answer, { status: 400, code: 'MANIFEST_BLOB_UNKNOWN', text: /and 9900 more/ })
  assert.ok(answer.bytes.length < 20_000)
})

test('a manifest of ten thousand layers lets others have their turn while it is checked (D-26)', async () => {
  await using registry = await testRegistry()
  await prepare(registry)
  let turns = 0
  let running = true
  const count = () => {
    turns += 1
    if (running) setImmediate(count)
  }
  setImmediate(count)
  const layers = Array.from({ length: 10_000 }, (_, index) => ({ ...layer, digest: digestOf(`absent ${index}`) }))
  await put(registry, image({ layers }))
  running = false
  assert.ok(turns >= 50, `${turns} turns`)
})

script(
  'T7',
  'a digest of another repository reads, mounts and names nothing, for one who may push only here',
  async (registry) => {
    const { push, request } = registry
    const secret = makeImage('secret')
    await push('other/secret', secret)
    const [digest = HELLO] = secret.blobs.keys()
    const range = await request(`GET /v2/team/app/blobs/${digest}`, { headers: { range: 'bytes=0-0' } })
    assertAnswer(range, { status: 404, code: 'BLOB_UNKNOWN' })
    assertAnswer(await request(`GET /v2/team/app/blobs/${secret.manifest.digest}`), { status: 404 })
    assertAnswer(await request(`GET /v2/team/app/blobs/${digest}`, { headers: { 'if-none-match': `"${digest}"` } }), {
      status: 404,
    })
  },
)
