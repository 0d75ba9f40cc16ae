import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { Secret } from '../../../src/base/secret.ts'
import type { RouteOption } from '../../../src/egress/egress.ts'
import { issueCertificate } from '../../helpers/certificates.ts'
import { startFakeCdn } from '../../helpers/fake-cdn.ts'
import { type FakeProxy, type ProxyMode, startFakeProxy } from '../../helpers/fake-proxy.ts'
import { startFakeTokenServer } from '../../helpers/fake-token-server.ts'
import { startFakeUpstream } from '../../helpers/fake-upstream.ts'
import { makeImage } from '../../helpers/images.ts'
import { needs } from '../../helpers/programs.ts'
import { failureOf, fastClock, openTestUpstream } from './harness.ts'

const IMAGE = makeImage('ways')
const IMAGES = { 'library/a:1': IMAGE }
const [LAYER] = [...IMAGE.blobs.keys()].slice(-1)
const NAMES = ['reg.test', 'auth.test', 'cdn.test']

let issued: ReturnType<typeof issueCertificate> | undefined

/** An upstream, its token server and its CDN, all behind a CA of their own. */
async function behindTls() {
  issued ??= issueCertificate(NAMES)
  const tls = await issued
  const tokens = await startFakeTokenServer({ tls })
  const cdn = await startFakeCdn({ tls })
  const fake = await startFakeUpstream({ images: IMAGES, auth: tokens, cdn, tls })
  return {
    ...{ fake, tokens, cdn, ca: await readFile(tls.ca, 'utf8') },
    async [Symbol.asyncDispose]() {
      for (const one of [fake, cdn, tokens]) await one[Symbol.asyncDispose]()
    },
  }
}

const through = (proxy: FakeProxy): RouteOption => ({ kind: 'proxy', url: new URL(`http://127.0.0.1:${proxy.port}`) })

describe('ways to an upstream in TLS', needs('openssl'), () => {
  test('one CA of the upstream holds for manifest, token, blob and redirect (FC-37)', async () => {
    await using all = await behindTls()
    await using opened = openTestUpstream({ url: all.fake.url, ca: all.ca })
    await opened.upstream.manifest('library/a', '1').value
    const { body } = await opened.upstream.blob('library/a', LAYER ?? IMAGE.manifest.digest).value
    for await (const _ of body);
    assert.ok(all.cdn.requests.length === 1 && all.tokens.requests.length === 1)
  })

  test('who is not trusted is named at once, and plain http is never tried (T33, promise 7)', async () => {
    await using all = await behindTls()
    await using opened = openTestUpstream({ url: all.fake.url, login: ['ci', 's3cret'] })
    const { cause, hop, facts } = await failureOf(opened.upstream.manifest('library/a', '1'))
    assert.deepEqual([cause, hop], ['tls-untrusted', 'tls'])
    assert.match(facts.issuer ?? '', /Homeport test/)
    assert.equal(all.fake.requests.length, 0)
    assert.equal(all.fake.connections, 1)
  })

  test('a port that speaks plain http is none that https falls back to (T33)', async () => {
    const heard: Buffer[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        heard.push(bytes)
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await using opened = openTestUpstream({ url: `https://localhost:${port}`, clock: fastClock() })
    const { cause, hop } = await failureOf(opened.upstream.manifest('library/a', '1'))
    server.close()
    assert.deepEqual([cause, hop], ['upstream-broken', 'tls'])
    assert.ok(heard.length > 0 && heard.every((bytes) => bytes[0] === 0x16), 'nothing but the beginning of TLS')
  })

  // biome-ignore format: one case a line
  const MODES: readonly [ProxyMode, string, number | undefined, boolean][] = [
    [407, 'proxy-refused', 407, true],
    [403, 'proxy-refused', 403, true],
    [502, 'proxy-refused', 502, false],
    [503, 'proxy-refused', 503, false],
    ['close', 'proxy-refused', undefined, false],
    ['reset', 'proxy-refused', undefined, false],
    ['unreachable', 'proxy-refused', 502, false],
  ]
  describe('a proxy that fails', { concurrency: true }, () => {
    for (const [mode, cause, status, atOnce] of MODES) {
      test(`a proxy that answers ${mode} is named with its status, and nothing goes around it (FC-43, FC-45, D-14, D-15)`, async () => {
        await using all = await behindTls()
        await using proxy = await startFakeProxy()
        proxy.mode = mode
        await using opened = openTestUpstream({
          url: all.fake.url.replace('localhost', 'reg.test'),
          ca: all.ca,
          routes: [through(proxy)],
          clock: fastClock(),
        })
        const failure = await failureOf(opened.upstream.manifest('library/a', '1'))
        assert.deepEqual([failure.cause, failure.hop, failure.status], [cause, 'proxy', status])
        assert.equal(failure.facts.proxy, `127.0.0.1:${proxy.port}`)
        assert.equal(failure.route, `http://127.0.0.1:${proxy.port}`)
        assert.equal(failure.facts.title, undefined, 'its page is shown to nobody')
        assert.equal(all.fake.connections, 0)
        assert.ok(atOnce ? proxy.connections === 1 : proxy.connections > 5, `${proxy.connections} connections`)
      })
    }
  })

  test('a proxy whose password changed is asked once in 30 s, and the new one works after a restart (D-15)', async () => {
    await using all = await behindTls()
    await using proxy = await startFakeProxy({ user: 'alice', password: 'new', hosts: { 'reg.test': all.fake.port } })
    const url = `https://reg.test:${all.fake.port}`
    const route = (password: string): RouteOption =>
      ({ ...through(proxy), username: 'alice', password: new Secret(password) }) as RouteOption
    await using opened = openTestUpstream({ url, ca: all.ca, routes: [route('old')] })
    for (let request = 0; request < 10; request += 1) {
      const { cause, status, facts } = await failureOf(opened.upstream.manifest('library/a', '1'))
      assert.deepEqual([cause, status, facts.scheme], ['proxy-refused', 407, 'Basic'])
    }
    assert.equal(proxy.connections, 1)
    await using restarted = openTestUpstream({ url, ca: all.ca, routes: [route('new')] })
    const { cause } = await failureOf(restarted.upstream.manifest('library/absent', '1')).catch(() => ({
      cause: 'asked',
    }))
    assert.notEqual(cause, 'proxy-refused')
    all.fake.unexpected.length = 0
  })

  test('a dead first proxy costs nothing: the next brings it', async () => {
    await using all = await behindTls()
    await using dead = await startFakeProxy()
    await using proxy = await startFakeProxy()
    dead.mode = 'close'
    const routes = [through(dead), through(proxy)]
    await using opened = openTestUpstream({ url: all.fake.url.replace('localhost', 'reg.test'), ca: all.ca, routes })
    for (const host of NAMES) proxy.hosts.set(host, all.fake.port)
    proxy.hosts.set('localhost', all.fake.port)
    const running = opened.upstream.confirm('library/a', '1', IMAGE.manifest.digest)
    await running.value.catch(() => undefined)
    assert.equal(running.attempts[0]?.cause, 'proxy-refused')
    assert.equal(running.attempts[1]?.route, `http://127.0.0.1:${proxy.port}`)
    assert.equal(running.attempts[1]?.status, 401)
  })
})

test('an origin that answers 407 is broken, and no proxy is blamed (FC-45)', async () => {
  await using fake = await startFakeUpstream({ images: IMAGES })
  await using opened = openTestUpstream({ url: fake.url })
  fake.always('manifest', { status: 407, body: 'x' })
  const { cause, hop, status } = await failureOf(opened.upstream.manifest('library/a', '1'))
  assert.deepEqual([cause, hop, status], ['upstream-broken', 'manifest', 407])
})

test('nobody listens: refused, by its host', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  await using opened = openTestUpstream({ url: `http://localhost:${port}`, clock: fastClock() })
  const { cause, hop, host, facts } = await failureOf(opened.upstream.manifest('library/a', '1'))
  assert.deepEqual(
    [cause, hop, host, facts.code, facts.proxy],
    ['connection-refused', 'connect', `localhost:${port}`, 'ECONNREFUSED', undefined],
  )
})

test('a name that nobody knows is told as that, at the hop of names (D-17)', async () => {
  const unknown = () => Promise.reject(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }))
  await using opened = openTestUpstream({ url: 'https://reg.test', clock: fastClock(), resolve: unknown })
  const { cause, hop, facts } = await failureOf(opened.upstream.manifest('library/a', '1'))
  assert.deepEqual([cause, hop, facts.code], ['name-not-resolved', 'dns', 'ENOTFOUND'])
})

test('names that are never answered are not resolved, and say so within 10 s (D-17, FC-28)', async () => {
  await using opened = openTestUpstream({
    url: 'https://reg.test',
    resolve: () => new Promise(() => undefined),
    clock: fastClock(),
  })
  const running = opened.upstream.manifest('library/a', '1')
  const { cause, hop } = await failureOf(running)
  assert.deepEqual([cause, hop], ['name-not-resolved', 'dns'])
})
