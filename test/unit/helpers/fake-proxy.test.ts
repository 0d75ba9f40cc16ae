import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { issueCertificate } from '../../helpers/certificates.ts'
import { startFakeDns } from '../../helpers/fake-dns.ts'
import { type FakeProxy, startFakeProxy } from '../../helpers/fake-proxy.ts'
import { startFakeUpstream } from '../../helpers/fake-upstream.ts'
import { FAULTS } from '../../helpers/faults.ts'
import { makeImage } from '../../helpers/images.ts'
import { RawSocket } from '../../helpers/raw-socket.ts'
import { startRelay } from '../../helpers/relay.ts'

const images = { 'library/a:1': makeImage('behind a proxy') }
const basic = (text: string) => [`Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}`]

/** What comes back of bytes that are sent one after the other, each after an answer of so many bytes. */
async function talk(
  port: number,
  ...turns: readonly (readonly [send: string | Buffer, wait: number])[]
): Promise<Buffer> {
  using socket = await RawSocket.connect({ port })
  let seen: Buffer = Buffer.alloc(0)
  for (const [send, wait] of turns) {
    await socket.write(send)
    seen = await socket.received(seen.length + wait)
  }
  return seen
}

async function httpAnswer(proxy: FakeProxy, first: string, headers: readonly string[] = []) {
  using socket = await RawSocket.connect({ port: proxy.port })
  await socket.request(first, headers)
  return await socket.answer(first.startsWith('CONNECT') ? 'HEAD' : 'GET')
}

test('CONNECT leads to loopback, or where a name is said to lead, and is remembered', async () => {
  await using upstream = await startFakeUpstream({ images })
  await using proxy = await startFakeProxy({ user: 'al ice', password: 's:3cret', hosts: { 'ghcr.io': upstream.port } })
  assert.equal(proxy.url(), `http://al%20ice:s%3A3cret@127.0.0.1:${proxy.port}`)
  for (const target of [`127.0.0.1:${upstream.port}`, 'ghcr.io:443']) {
    using socket = await RawSocket.connect({ port: proxy.port })
    await socket.request(`CONNECT ${target}`, basic('al ice:s:3cret'))
    assert.equal((await socket.answer('HEAD')).status, 200)
    await socket.request('GET /v2/')
    assert.equal((await socket.answer()).status, 200)
  }
  assert.deepEqual(proxy.targets.at(-1), { by: 'connect', target: 'ghcr.io:443', named: true, user: 'al ice' })
  assert.ok(proxy.bytesDown > 100)
})

test('whole URLs are fetched, without what is the proxy’s own', async () => {
  await using upstream = await startFakeUpstream({ images })
  await using proxy = await startFakeProxy({ user: 'alice', password: 's3cret' })
  const answer = await httpAnswer(proxy, `GET http://127.0.0.1:${upstream.port}/v2/`, basic('alice:s3cret'))
  assert.equal(answer.status, 200)
  assert.equal(upstream.requests[0]?.target, '/v2/')
  assert.equal(upstream.requests[0]?.headers['proxy-authorization'], undefined)
  assert.equal(proxy.targets[0]?.by, 'absolute')
})

test('to be asked for a host beyond loopback fails the test', async () => {
  const proxy = await startFakeProxy()
  assert.equal((await httpAnswer(proxy, 'CONNECT registry.example:443')).status, 502)
  await assert.rejects(async () => await proxy[Symbol.asyncDispose](), /may not reach/)
})

for (const [mode, status] of [
  [407, 407],
  [403, 403],
  [503, 503],
  ['unreachable', 502],
  ['html-200', 200],
] as const) {
  test(`a proxy in mode ${mode} answers CONNECT with ${status} and a page`, async () => {
    await using proxy = await startFakeProxy()
    proxy.mode = mode
    using socket = await RawSocket.connect({ port: proxy.port })
    await socket.request('CONNECT 127.0.0.1:1')
    const answer = await socket.answer()
    assert.equal(answer.status, status)
    assert.match(answer.body.toString(), /^<!DOCTYPE html>/)
  })
}

for (const [mode, ending] of [
  ['close', 'fin'],
  ['reset', 'reset'],
  ['close-after-connect', 'fin'],
] as const) {
  test(`a proxy in mode ${mode} ends the connection`, async () => {
    await using proxy = await startFakeProxy()
    proxy.mode = mode
    using socket = await RawSocket.connect({ port: proxy.port })
    await socket.request('CONNECT 127.0.0.1:1')
    assert.equal(await socket.ended, ending)
  })
}

test('a proxy that hangs says nothing, or nothing after it has said yes', async () => {
  await using proxy = await startFakeProxy()
  proxy.mode = 'hang-after-connect'
  using socket = await RawSocket.connect({ port: proxy.port })
  await socket.request('CONNECT 127.0.0.1:1')
  assert.equal((await socket.answer('HEAD')).status, 200)
  proxy.mode = 'hang'
  using other = await RawSocket.connect({ port: proxy.port })
  await other.request('CONNECT 127.0.0.1:1')
  await socket.request('GET /')
  assert.deepEqual([socket.unread.length, other.unread.length], [0, 0])
})

test('a password that is wrong, or changed, is refused and counted', async () => {
  await using proxy = await startFakeProxy({ user: 'alice', password: 's3cret' })
  const refused = await httpAnswer(proxy, 'CONNECT 127.0.0.1:1', basic('alice:wrong'))
  assert.deepEqual([refused.status, proxy.rejected], [407, 1])
  assert.deepEqual(await talk(proxy.port, [Buffer.from([5, 1, 0]), 2]), Buffer.from([5, 0xff]))
  const signIn = (password: string) =>
    Buffer.from([1, 5, ...Buffer.from('alice'), password.length, ...Buffer.from(password)])
  const wrong = await talk(proxy.port, [Buffer.from([5, 1, 2]), 2], [signIn('wrong'), 2])
  assert.deepEqual(wrong, Buffer.from([5, 2, 1, 1]))
  proxy.password = 'wrong'
  const right = await talk(proxy.port, [Buffer.from([5, 1, 2]), 2], [signIn('wrong'), 2])
  assert.deepEqual(right, Buffer.from([5, 2, 1, 0]))
  assert.equal(proxy.rejected, 3)
})

test('SOCKS5 leads on by name and by address, and says which it was', async () => {
  await using upstream = await startFakeUpstream({ images })
  await using proxy = await startFakeProxy({ hosts: { 'ghcr.io:443': upstream.port } })
  const port = (number: number) => [number >> 8, number & 255]
  const byName = Buffer.from([5, 1, 0, 3, 7, ...Buffer.from('ghcr.io'), ...port(443)])
  const byAddress = Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, ...port(upstream.port)])
  for (const wish of [byName, byAddress]) {
    const said = await talk(proxy.port, [Buffer.from([5, 1, 0]), 2], [wish, 10], ['GET /v2/ HTTP/1.1\r\n\r\n', 15])
    assert.match(said.toString('latin1', 12), /^HTTP\/1.1 200/)
  }
  assert.deepEqual(
    proxy.targets.map(({ target, named }) => [target, named]),
    [
      ['ghcr.io:443', true],
      [`127.0.0.1:${upstream.port}`, false],
    ],
  )
  proxy.mode = 'unreachable'
  assert.equal((await talk(proxy.port, [Buffer.from([5, 1, 0]), 2], [byName, 10]))[3], 4)
})

test('a proxy that inspects TLS shows a certificate of its own, and reads along', async () => {
  const [own, foreign] = [await issueCertificate(), await issueCertificate([], { by: 'another authority' })]
  await using upstream = await startFakeUpstream({ images, tls: own })
  await using proxy = await startFakeProxy({ inspect: foreign, tls: own })
  const [ca, other] = [await readFile(own.ca), await readFile(foreign.ca)]
  const throughProxy = async (trusted: Buffer): Promise<string> => {
    const outer = connectTls({ port: proxy.port, host: '127.0.0.1', servername: 'localhost', ca })
    outer.write(`CONNECT localhost:${upstream.port} HTTP/1.1\r\n\r\n`)
    await once(outer, 'data')
    const inner = connectTls({ socket: outer, servername: 'localhost', ca: trusted })
    inner.write('GET /v2/ HTTP/1.1\r\nauthorization: Bearer x\r\n\r\n')
    try {
      return String(await once(inner, 'data'))
    } finally {
      outer.destroy()
    }
  }
  assert.match(await throughProxy(other), /^HTTP\/1.1 200/)
  assert.equal(proxy.heads[0]?.headers['authorization'], 'Bearer x')
  await assert.rejects(throughProxy(ca), { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' })
})

test('a name server answers, refuses, is silent, and changes its mind', async () => {
  await using dns = await startFakeDns({
    'a.example': ['127.0.0.1', '::1', '2001:db8::8:1'],
    'bad.example': 'servfail',
  })
  const resolver = new Resolver({ timeout: 50, tries: 1 })
  resolver.setServers([dns.address])
  assert.deepEqual(await resolver.resolve4('a.example'), ['127.0.0.1'])
  assert.deepEqual(await resolver.resolve6('A.example'), ['::1', '2001:db8::8:1'])
  await assert.rejects(resolver.resolve4('other.example'), { code: 'ENOTFOUND' })
  await assert.rejects(resolver.resolve4('bad.example'), { code: 'ESERVFAIL' })
  dns.names.set('a.example', ['::1'])
  await assert.rejects(resolver.resolve4('a.example'), { code: 'ENODATA' })
  dns.names.set('a.example', 'silence')
  await assert.rejects(resolver.resolve4('a.example'), { code: 'ETIMEOUT' })
  assert.ok(dns.questions.length >= 6)
})

test('a relay carries, counts, cuts when it is told, and refuses for a while', async () => {
  await using upstream = await startFakeUpstream({ images })
  await using relay = await startRelay({ to: { port: upstream.port, host: '127.0.0.1' }, refuseMs: 50 })
  upstream.next('ping', {}, FAULTS.hang)
  using socket = await RawSocket.connect({ port: relay.port })
  await socket.request('GET /v2/')
  const { body } = await socket.answer()
  assert.ok(relay.bytesDown > body.length && relay.bytesUp > 20)
  await socket.request('GET /v2/')
  await upstream.asked('ping', 2)
  relay.resetAll()
  assert.equal(await socket.ended, 'reset')
  assert.deepEqual([relay.cuts, relay.connections], [1, 1])
  await assert.rejects(RawSocket.connect({ port: relay.port }), { code: 'ECONNREFUSED' })
  await eventually(async () => (await RawSocket.connect({ port: relay.port }))[Symbol.dispose]())
})

test('a relay resets by the clock', async () => {
  await using upstream = await startFakeUpstream({ images })
  await using relay = await startRelay({ to: { port: upstream.port, host: '127.0.0.1' }, resetEveryMs: 10 })
  for (let cuts = 1; cuts <= 3; cuts += 1) {
    using socket = await RawSocket.connect({ port: relay.port })
    assert.equal(await socket.ended, 'reset')
    assert.ok(relay.cuts >= cuts)
  }
})

function once(socket: Socket, event: 'data'): Promise<Buffer> {
  return new Promise((resolve, reject) => socket.once(event, resolve).once('error', reject))
}

async function eventually(attempt: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (tries === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
