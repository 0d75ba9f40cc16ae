import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { issueCertificate } from '../../helpers/certificates.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { startFakeCdn } from '../../helpers/fake-cdn.ts'
import { startFakeTokenServer } from '../../helpers/fake-token-server.ts'
import { type FakeUpstream, startFakeUpstream } from '../../helpers/fake-upstream.ts'
import { FAULTS, flipped, tooMany } from '../../helpers/faults.ts'
import { headerOf, type WireAnswer } from '../../helpers/http-answers.ts'
import { makeArtifact, makeImage } from '../../helpers/images.ts'
import { RawSocket } from '../../helpers/raw-socket.ts'
import type { Fault } from '../../helpers/scripted-reply.ts'
import type { ScriptedServer } from '../../helpers/scripted-server.ts'
import { seededBytes } from '../../helpers/seeded-bytes.ts'

const image = makeImage('a fake upstream')
const bytes = seededBytes('a blob', 300_000)
const blob = { digest: digestOf(bytes), bytes }
const PATH = `/v2/library/a/blobs/${blob.digest}`

async function upstreamWith(options: Parameters<typeof startFakeUpstream>[0] = {}): Promise<FakeUpstream> {
  const upstream = await startFakeUpstream({ images: { 'library/a:1': image }, ...options })
  upstream.putBlob('library/a', blob)
  return upstream
}

async function ask(server: ScriptedServer, path: string, headers: readonly string[] = [], ca?: string) {
  using socket = await RawSocket.connect({ port: server.port, ...(ca !== undefined && { ca }) })
  await socket.request(`GET ${path}`, headers)
  return await socket.answer()
}

const json = ({ body }: WireAnswer) => JSON.parse(body.toString())

test('a fake upstream serves what it holds, and tells of each request', async () => {
  await using upstream = await upstreamWith()
  const ping = await ask(upstream, '/v2/')
  assert.equal(ping.status, 200)
  const manifest = await ask(upstream, '/v2/library/a/manifests/1', ['accept: a/b'])
  assert.deepEqual(manifest.body, image.manifest.bytes)
  assert.equal(headerOf(manifest, 'docker-content-digest'), image.manifest.digest)
  assert.deepEqual((await ask(upstream, PATH)).body, bytes)
  assert.deepEqual(json(await ask(upstream, '/v2/library/a/tags/list')), { name: 'library/a', tags: ['1'] })

  assert.deepEqual([upstream.count('GET blob'), upstream.count('/v2/library/*'), upstream.connections], [1, 3, 4])
  assert.equal(upstream.matching('manifest')[0]?.headers['accept'], 'a/b')
  assert.equal(upstream.matching('blob')[0]?.sent, bytes.length)
})

for (const [what, first] of [
  ['a HEAD of a blob', `HEAD ${PATH}`],
  ['a repository that it does not hold', 'GET /v2/library/b/tags/list'],
  ['a tag that it does not hold', 'GET /v2/library/a/manifests/2'],
  ['an ns', 'GET /v2/library/a/manifests/1?ns=docker.io'],
  ['a push', 'POST /v2/library/a/blobs/uploads/'],
] as const) {
  test(`a fake upstream fails the test that lets ${what} come`, async () => {
    const upstream = await upstreamWith()
    using socket = await RawSocket.connect({ port: upstream.port })
    await socket.request(first)
    await socket.answer('HEAD')
    await assert.rejects(async () => await upstream[Symbol.asyncDispose](), /nobody expected/)
    assert.deepEqual(upstream.unexpected, [first])
  })
}

test('what is allowed to be asked, or spoiled, fails nothing; after silence everything does', async () => {
  const upstream = await upstreamWith()
  upstream.allow('GET /v2/library/b/*')
  assert.equal(json(await ask(upstream, '/v2/library/b/tags/list')).errors[0].code, 'NAME_UNKNOWN')
  upstream.always('HEAD blob', FAULTS.denied)
  upstream.remove('library/a:1')
  assert.equal(json(await ask(upstream, '/v2/library/a/manifests/1')).errors[0].code, 'MANIFEST_UNKNOWN')
  assert.deepEqual(upstream.unexpected, [])
  upstream.silence()
  await ask(upstream, '/v2/')
  await assert.rejects(async () => await upstream[Symbol.asyncDispose]())
})

for (const tls of [false, true]) {
  for (const at of [0, 1, 150_000, bytes.length - 1]) {
    for (const by of ['reset', 'fin'] as const) {
      test(`it cuts at byte ${at} by ${by}, with${tls ? '' : 'out'} TLS, and all before it arrives`, async () => {
        const certificates = tls ? await issueCertificate() : undefined
        const ca = certificates && (await readFile(certificates.ca, 'utf8'))
        await using upstream = await upstreamWith({ ...(certificates && { tls: certificates }) })
        upstream.next('blob', { at, by })
        using socket = await RawSocket.connect({ port: upstream.port, ...(ca !== undefined && { ca }) })
        await socket.request(`GET ${PATH}`)
        const answer = await socket.answer()
        assert.ok(answer.cut)
        assert.deepEqual(answer.body, bytes.subarray(0, at))
        assert.equal(await socket.ended, by)
        assert.equal(upstream.requests[0]?.end, 'cut')
        assert.deepEqual((await ask(upstream, PATH, [], ca)).body, bytes)
      })
    }
  }
}

interface Case {
  readonly name: string
  readonly fault: Fault
  readonly status?: number
  readonly body?: Buffer
  readonly header?: readonly [string, string | undefined]
}

// biome-ignore format: one case a line
const CASES: readonly Case[] = [
  { name: 'other bytes under the right digest', fault: FAULTS.wrongBytes, body: Buffer.from(flipped(bytes)) },
  { name: 'a length one too long', fault: { length: 'longer' }, header: ['content-length', '300001'] },
  { name: 'a length one too short', fault: { length: 'shorter' }, header: ['content-length', '299999'], body: bytes.subarray(0, -1) },
  { name: 'no length', fault: { length: 'none' }, header: ['content-length', undefined], body: bytes },
  { name: 'no length, and cut: the end looks like one', fault: { length: 'none', at: 5, by: 'fin' }, body: bytes.subarray(0, 5) },
  { name: 'chunks', fault: { length: 'chunked' }, header: ['transfer-encoding', 'chunked'], body: bytes },
  { name: 'a negative length', fault: { length: 'negative' }, header: ['content-length', '-1'] },
  { name: 'pieces with pauses', fault: { drip: { bytes: 100_000, ms: 1 } }, body: bytes },
  { name: 'a pause before the head', fault: { wait: 1 }, body: bytes },
  { name: 'a page', fault: FAULTS.blocked, status: 403, header: ['content-type', 'text/html; charset=utf-8'] },
  { name: 'too many requests', fault: tooMany('60'), status: 429, header: ['retry-after', '60'] },
  { name: 'a header that is missing', fault: { headers: { 'Docker-Content-Digest': undefined } }, header: ['docker-content-digest', undefined] },
]

for (const { name, fault, status = 200, body, header } of CASES) {
  test(`it spoils one answer, and the next is true: ${name}`, async () => {
    await using upstream = await upstreamWith()
    upstream.next('blob', fault)
    // A connection of its own: what is too long would wait for more.
    const socket = await RawSocket.connect({ port: upstream.port })
    await socket.request(`GET ${PATH}`)
    const end = await socket.answer().catch(() => undefined)
    socket[Symbol.dispose]()
    assert.equal(end?.status ?? status, status)
    if (body && end) assert.deepEqual(end.body, body)
    if (header && end) assert.equal(headerOf(end, header[0]), header[1])
    assert.deepEqual((await ask(upstream, PATH)).body, bytes)
  })
}

test('it stalls: after so many bytes nothing comes, and the connection stays', async () => {
  await using upstream = await upstreamWith()
  upstream.next('blob', { at: 7, by: 'stall' }, FAULTS.hang)
  using socket = await RawSocket.connect({ port: upstream.port })
  await socket.request(`GET ${PATH}`)
  await upstream.asked('blob')
  const seen = await socket.received(7)
  assert.ok(seen.toString('latin1').endsWith(bytes.toString('latin1', 0, 7)))
  using second = await RawSocket.connect({ port: upstream.port })
  await second.request(`GET ${PATH}`)
  await upstream.asked('blob', 2)
  assert.equal(second.unread.length, 0)
})

test('ranges are exact, If-Range is heeded, and both can be got wrong', async () => {
  await using upstream = await upstreamWith()
  const part = await ask(upstream, PATH, ['range: bytes=100-', `if-range: "${blob.digest}"`])
  assert.equal(part.status, 206)
  assert.equal(headerOf(part, 'content-range'), 'bytes 100-299999/300000')
  assert.deepEqual(part.body, bytes.subarray(100))
  assert.equal((await ask(upstream, PATH, ['range: bytes=100-', 'if-range: "other"'])).status, 200)
  assert.equal((await ask(upstream, PATH, ['range: bytes=300000-'])).status, 416)
  upstream.rangeLie = 'other-start'
  assert.deepEqual((await ask(upstream, PATH, ['range: bytes=100-'])).body, bytes.subarray(99))
  upstream.rangeLie = 'ignored'
  assert.equal((await ask(upstream, PATH, ['range: bytes=100-'])).status, 200)
})

test('tags come in pages, linked with a path or a whole URL', async () => {
  const images = Object.fromEntries(['c', 'a', 'b'].map((tag) => [`library/a:${tag}`, image]))
  for (const absoluteLinks of [false, true]) {
    await using upstream = await startFakeUpstream({ images, tagsPerPage: 2, absoluteLinks })
    const page = await ask(upstream, '/v2/library/a/tags/list?n=1000')
    assert.deepEqual(json(page).tags, ['c', 'a'])
    const [, next = ''] = /^<(.+)>; rel="next"$/.exec(headerOf(page, 'link') ?? '') ?? []
    assert.equal(next.startsWith('http:'), absoluteLinks)
    assert.deepEqual(json(await ask(upstream, next.replace(upstream.url, ''))).tags, ['b'])
  }
})

test('referrers come from the interface, or there is none and the fallback tag is asked for', async () => {
  await using upstream = await upstreamWith()
  upstream.put('library/a', makeArtifact('signature', { subject: image }))
  const path = `/v2/library/a/referrers/${image.manifest.digest}`
  assert.equal(json(await ask(upstream, path)).manifests[0].artifactType, 'application/vnd.example.note')
  upstream.referrers = 'none'
  assert.equal((await ask(upstream, path)).status, 404)
  const tag = image.manifest.digest.replace(':', '-')
  assert.equal(json(await ask(upstream, `/v2/library/a/manifests/${tag}`)).errors[0].code, 'MANIFEST_UNKNOWN')
})

test('who needs a token gets it from the token server, until it is revoked', async () => {
  await using tokens = await startFakeTokenServer({ users: { ci: 'secret' } })
  await using upstream = await upstreamWith({ auth: tokens })
  const path = '/v2/library/a/manifests/1'
  const refused = await ask(upstream, path)
  assert.equal(refused.status, 401)
  const [, realm = '', service = '', scope = ''] =
    /^Bearer realm="(.+)",service="(.+)",scope="(.+)"$/.exec(headerOf(refused, 'www-authenticate') ?? '') ?? []
  const query = `${new URL(realm).pathname}?service=${service}&scope=${scope}`
  const basic = (text: string) => [`authorization: Basic ${Buffer.from(text).toString('base64')}`]
  assert.equal((await ask(tokens, query, basic('ci:wrong'))).status, 401)
  tokens.shape = { fields: ['access_token'], expiresIn: undefined, issuedAt: -600 }
  const answer = json(await ask(tokens, query, basic('ci:secret')))
  assert.deepEqual(Object.keys(answer), ['access_token', 'issued_at'])
  const bearer = [`authorization: Bearer ${answer.access_token}`]
  assert.equal((await ask(upstream, path, bearer)).status, 200)
  assert.equal((await ask(upstream, '/v2/library/a/manifests/1', ['authorization: Bearer x'])).status, 401)
  tokens.revoke()
  assert.equal((await ask(upstream, path, bearer)).status, 401)
})

test('an upstream that wants Basic says so', async () => {
  await using upstream = await upstreamWith({ auth: { user: 'ci', password: 'secret' } })
  assert.equal(headerOf(await ask(upstream, '/v2/'), 'www-authenticate'), 'Basic realm="fake upstream"')
  const header = `authorization: Basic ${Buffer.from('ci:secret').toString('base64')}`
  assert.equal((await ask(upstream, '/v2/', [header])).status, 200)
})

test('a CDN serves signed URLs until they expire, and no one who brings credentials', async () => {
  await using cdn = await startFakeCdn()
  await using upstream = await upstreamWith({ cdn })
  const signed = async () => {
    const redirect = await ask(upstream, PATH)
    assert.equal(redirect.status, 307)
    return (headerOf(redirect, 'location') ?? '').replace(cdn.url, '')
  }
  const old = await signed()
  assert.deepEqual((await ask(cdn, old)).body, bytes)
  assert.equal((await ask(cdn, old, ['range: bytes=5-'])).status, 206)
  assert.equal((await ask(cdn, old, ['authorization: Bearer x'])).status, 400)
  cdn.expire()
  const expired = await ask(cdn, old)
  assert.equal(expired.status, 403)
  assert.match(expired.body.toString(), /<Code>AccessDenied<\/Code>/)
  assert.equal((await ask(cdn, await signed())).status, 200)
})

test('a server that was closed refuses, and opens again on its port', async () => {
  await using upstream = await upstreamWith()
  const { port } = upstream
  await upstream.close()
  await assert.rejects(RawSocket.connect({ port }), { code: 'ECONNREFUSED' })
  await upstream.open({ port })
  assert.equal((await ask(upstream, '/v2/')).status, 200)
})
