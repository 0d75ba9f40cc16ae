import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { startFakeCdn } from '../helpers/fake-cdn.ts'
import { startFakeTokenServer, type TokenShape } from '../helpers/fake-token-server.ts'
import { startFakeUpstream } from '../helpers/fake-upstream.ts'
import { challenge, FAULTS } from '../helpers/faults.ts'
import { makeImage } from '../helpers/images.ts'
import type { Fault } from '../helpers/scripted-reply.ts'
import { startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'
import { AT_ONCE, CachePool, errorOf, isStale, layerOf, startCache } from './cache-scene.ts'

const image = makeImage('behind a token')
const images = { 'library/a:1': image }
const LOGIN = { username: 'ci', password: 'hub-password' }

const pool = new CachePool({
  any: { count: 20 },
  old: { count: 12, settings: { revalidate: '0s' } },
  login: { count: 2, settings: LOGIN },
})

suite('token servers that fail', AT_ONCE, () => {
  before(() => pool.start())
  after(() => pool[Symbol.asyncDispose]())

  // biome-ignore format: one shape a line
  const SHAPES: readonly (readonly [name: string, shape: TokenShape, tokens: number])[] = [
  ['token and access_token', {}, 1],
  ['access_token only', { fields: ['access_token'] }, 1],
  ['token only', { fields: ['token'] }, 1],
  ['no expires_in', { expiresIn: undefined }, 1],
  ['issued ten minutes ago by its clock', { issuedAt: -600 }, 1],
  ['issued in the future by its clock', { issuedAt: 600 }, 1],
]

  for (const [name, shape, count] of SHAPES) {
    test(`a token is used for all it is for, whatever its shape: ${name} (FC-07, D-16)`, async () => {
      await using tokens = await startFakeTokenServer()
      await using cache = await pool.take('any', { images, auth: tokens })
      tokens.shape = shape
      const all = await Promise.all(Array.from({ length: 20 }, () => cache.manifest('1')))
      for (const { status, text } of all) assert.equal(status, 200, text)
      assert.equal((await cache.blob(layerOf(image))).status, 200)
      assert.equal(tokens.count('/token?*'), count, tokens.summary())
      assert.match(tokens.requests[0]?.target ?? '', /scope=repository(:|%3A)library(\/|%2F)a(:|%3A)pull/)
    })
  }

  test('a token of one second is asked for again, not used for longer (D-16)', async () => {
    await using tokens = await startFakeTokenServer()
    await using cache = await pool.take('old', { images, auth: tokens })
    tokens.shape = { expiresIn: 1 }
    assert.equal((await cache.manifest('1')).status, 200)
    tokens.revoke()
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const answer = await cache.manifest('1')
    assert.deepEqual([answer.status, answer.headers['warning']], [200, undefined])
  })

  test('a token that is taken back is dropped, and another is asked for, once', async () => {
    await using tokens = await startFakeTokenServer()
    // Bytes that another test stored would be there for all.
    const own = makeImage('taken back')
    await using cache = await pool.take('any', { images: { 'library/a:1': own }, auth: tokens })
    assert.equal((await cache.manifest('1')).status, 200)
    tokens.revoke()
    assert.equal((await cache.blob(layerOf(own))).status, 200)
    assert.equal(tokens.count('/token?*'), 2, cache.upstream.summary())
  })

  // biome-ignore format: one fault a line
  const TOKEN_FAULTS: readonly (readonly [name: string, fault: Fault, status: number, cause: string])[] = [
  ['closes (FC-11)', FAULTS.close, 502, 'upstream-broken'],
  ['resets', FAULTS.reset, 502, 'upstream-broken'],
  ['sends a page with 403', FAULTS.blocked, 403, 'blocked'],
  ['sends a page with 200 (D-11)', FAULTS.captivePortal, 502, 'upstream-broken'],
  ['sends half a JSON', FAULTS.noJson, 502, 'upstream-broken'],
  ['sends no token', { body: '{}' }, 502, 'upstream-broken'],
  ['says 503', FAULTS.overloaded, 502, 'upstream-broken'],
  ['says 429', { ...FAULTS.denied, status: 429 }, 429, 'rate-limited'],
  ['says 403 in words', { ...FAULTS.denied }, 403, 'denied'],
  ['never answers', FAULTS.hang, 504, 'timeout'],
]

  for (const [name, fault, status, cause] of TOKEN_FAULTS) {
    test(`a token server that ${name}: cold ${status} names it, cached is served (D-16)`, async () => {
      await using tokens = await startFakeTokenServer()
      await using cache = await pool.take('old', { images, auth: tokens })
      assert.equal((await cache.manifest('1')).status, 200)
      tokens.revoke()
      tokens.always('/token?*', fault)
      const stale = await cache.manifest('1')
      assert.ok(isStale(stale), stale.text)
      cache.upstream.put('library/b:1', image)
      const cold = await cache.manifest('1', { repository: 'library/b' })
      const { detail } = errorOf(cold)
      assert.deepEqual([cold.status, detail['cause'], detail['hop']], [status, cause, 'token'], cold.text)
    })
  }

  test('our login goes to the upstream’s own token server, and no token of it to the CDN (FC-18, S7, P-7, P-8)', async () => {
    await using tokens = await startFakeTokenServer({ users: { ci: 'hub-password' } })
    await using cdn = await startFakeCdn()
    await using cache = await startCache({
      upstream: { images, auth: tokens, cdn },
      settings: { ...LOGIN, realms: [`localhost:${tokens.port}`] },
    })
    cache.upstream.always('HEAD blob', challenge('Bearer realm="https://evil.test"'))
    assert.equal((await cache.manifest('1')).status, 200)
    assert.equal((await cache.blob(layerOf(image))).status, 200)
    const basic = `Basic ${Buffer.from('ci:hub-password').toString('base64')}`
    assert.equal(tokens.requests[0]?.headers['authorization'], basic)
    assert.equal(cache.upstream.count('HEAD blob'), 0)
    for (const { headers } of cdn.requests) assert.equal(headers['authorization'], undefined)
    for (const { headers } of cache.upstream.requests) assert.notEqual(headers['authorization'], basic)
  })

  test('a realm that nobody listed never gets our login (T5, FC-38, P-7)', async () => {
    await using tokens = await startFakeTokenServer({ users: { ci: 'hub-password' } })
    await using cache = await pool.take('login', { images, auth: tokens })
    const answer = await cache.manifest('1')
    for (const { headers } of tokens.requests) assert.equal(headers['authorization'], undefined, tokens.summary())
    // Without it there is a token for everybody, as it is; and where there is none, the sentence says what to do.
    if (answer.status !== 200) assert.match(errorOf(answer).message, /realms/)
  })

  test('a password that is wrong is told as such, in one request and not a storm', async () => {
    await using cache = await pool.take('login', { images, auth: { user: 'ci', password: 'right' } })
    const all = await Promise.all(Array.from({ length: 10 }, () => cache.manifest('1')))
    for (const answer of all) {
      assert.deepEqual([answer.status, errorOf(answer).detail['cause']], [403, 'credentials-rejected'])
      assert.equal(answer.headers['www-authenticate'], undefined)
      assert.doesNotMatch(answer.text, /hub-password/)
    }
    assert.ok(cache.upstream.requests.length <= 4, cache.upstream.summary())
    assert.doesNotMatch(cache.server.process.stderr, /hub-password/)
  })

  // biome-ignore format: one challenge a line
  const STRANGE: readonly (readonly [name: string, value: string | undefined])[] = [
  ['none', undefined],
  ['one that is cut off', 'Bearer realm="https://'],
  ['a scheme that nobody knows', 'Negotiate abc'],
  ['a realm that is no URL', 'Bearer realm="nowhere",service="x"'],
  ['a realm of files', 'Bearer realm="file:///etc/passwd",service="x"'],
  ['a realm in another network', 'Bearer realm="http://169.254.169.254/token",service="x"'],
  ['a hundred realms', Array.from({ length: 100 }, (_, index) => `Bearer realm="http://h${index}.test/"`).join(', ')],
]

  for (const [name, value] of STRANGE) {
    test(`a challenge that leads nowhere is an error with a sentence: ${name}`, async () => {
      await using cache = await pool.take('any', { images })
      cache.upstream.always('manifest', challenge(value))
      const answer = await cache.manifest('1')
      assert.ok([403, 502, 504].includes(answer.status), answer.text)
      assert.equal(answer.headers['www-authenticate'], undefined)
      assert.ok(errorOf(answer).message.includes(cache.name), answer.text)
    })
  }

  test('our clients’ credentials never reach an upstream (FC-27, FC-39, T34)', async () => {
    await using cache = await pool.take('any', { images })
    using client = await cache.server.client({ user: 'somebody', password: 'of-docker-hub' })
    for (let times = 0; times < 2; times += 1) {
      assert.equal((await client.request('GET', `/v2/${cache.name}/library/a/manifests/1`)).status, 200)
    }
    for (const { headers } of cache.upstream.requests) assert.equal(headers['authorization'], undefined)
    assert.doesNotMatch(cache.server.process.stderr, /of-docker-hub/)
  })

  test('logins that lie about on the machine are not used (T32)', async () => {
    await using home = await temporaryFolder()
    await mkdir(home.at('.docker'))
    await using tokens = await startFakeTokenServer({ users: { ci: 'of-the-machine' } })
    await using upstream = await startFakeUpstream({ images, auth: tokens })
    const auth = Buffer.from('ci:of-the-machine').toString('base64')
    const auths = Object.fromEntries(
      ['localhost', `localhost:${upstream.port}`, 'lab.test'].map((host) => [host, { auth }]),
    )
    await writeFile(home.at('.docker/config.json'), JSON.stringify({ auths }))
    await writeFile(home.at('.netrc'), 'machine localhost login ci password of-the-machine\n')
    const env = {
      HOME: home.path,
      DOCKER_CONFIG: home.at('.docker'),
      REGISTRY_AUTH_FILE: home.at('.docker/config.json'),
    }
    await using server = await startServer({ env, config: { upstreams: { 'lab.test': { url: upstream.url } } } })
    using client = await server.client()
    assert.equal((await client.request('GET', '/v2/lab.test/library/a/manifests/1')).status, 200)
    for (const { headers } of tokens.requests) assert.equal(headers['authorization'], undefined)
  })
})
