import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Attempt } from '../../../src/egress/egress.ts'
import { issueCertificate } from '../../helpers/certificates.ts'
import { type ProxyMode, startFakeProxy } from '../../helpers/fake-proxy.ts'
import { faultOf, ok, outcome, proxied, rawServer, testDoor, trusting } from './harness.ts'

const SCHEMES = ['http', 'https', 'socks5', 'socks5h'] as const
const PASSWORD = 'p@ss:w%rd/ ü'

for (const scheme of SCHEMES) {
  for (const target of ['http', 'https'] as const) {
    test(`proxies: ${target} goes through ${scheme} with its user and password, which the origin never sees (T47, T48)`, async () => {
      const tls = await issueCertificate(['reg.example'])
      await using server = await rawServer(ok('hello'), target === 'https' ? { tls } : {})
      const hosts = { 'reg.example': server.port }
      const own = scheme === 'https' ? { tls: await issueCertificate() } : {}
      await using proxy = await startFakeProxy({ user: 'ann b', password: PASSWORD, hosts, ...own })
      await using out = testDoor({ routes: [await proxied(proxy.url(scheme), own.tls)], ca: await trusting(tls) })

      const url = `${target}://reg.example:${server.port}/v2/a?b`
      const headers = { authorization: 'Bearer t' }
      assert.equal(await outcome(out.send(url, { headers })), '200 hello')
      assert.equal(out.door.routesTo(new URL(url))[0]?.name, proxy.url(scheme, { credentials: false }))
      const byAddress = scheme === 'socks5'
      const by = scheme.startsWith('socks') ? 'socks' : target === 'https' ? 'connect' : 'absolute'
      const host = byAddress ? '127.0.0.1' : 'reg.example'
      assert.deepEqual(proxy.targets, [{ by, target: `${host}:${server.port}`, named: !byAddress, user: 'ann b' }])
      const [head = ''] = server.heads
      assert.match(head, /^GET \/v2\/a\?b HTTP\/1\.1\r\n/)
      assert.match(head, new RegExp(`^host: reg\\.example:${server.port}$`, 'm'))
      assert.match(head, /^authorization: Bearer t$/m)
      assert.doesNotMatch(head, /proxy-/i)
      // Nothing went anywhere but to the proxy (FC-40).
      assert.deepEqual(new Set(out.dialled), new Set([`127.0.0.1:${proxy.port}`]))
    })

    test(`proxies: each of two origins by ${scheme} sees its own ${target} requests alone (FC-42)`, async () => {
      const tls = await issueCertificate(['one.example', 'two.example'])
      await using one = await rawServer(ok('one'), target === 'https' ? { tls } : {})
      await using two = await rawServer(ok('two'), target === 'https' ? { tls } : {})
      const hosts = { 'one.example': one.port, 'two.example': two.port }
      const own = scheme === 'https' ? { tls: await issueCertificate() } : {}
      await using proxy = await startFakeProxy({ hosts, ...own })
      await using out = testDoor({ routes: [await proxied(proxy.url(scheme), own.tls)], ca: await trusting(tls) })
      for (let round = 0; round < 50; round += 1) {
        for (const [name, { port }] of [
          ['one', one],
          ['two', two],
        ] as const) {
          const headers = { authorization: `Bearer ${name}` }
          assert.equal(await outcome(out.send(`${target}://${name}.example:${port}/`, { headers })), `200 ${name}`)
        }
      }
      for (const [name, { heads }] of [
        ['one', one],
        ['two', two],
      ] as const) {
        assert.equal(heads.length, 50)
        for (const head of heads) {
          assert.match(head, new RegExp(`^host: ${name}\\.example:\\d+$`, 'm'))
          assert.match(head, new RegExp(`^authorization: Bearer ${name}$`, 'm'))
        }
      }
    })
  }
}

const REFUSALS: readonly (readonly [ProxyMode, number])[] = [
  [407, 407],
  [403, 403],
  [401, 401],
  [502, 502],
  [503, 503],
  [504, 504],
]

for (const [mode, status] of REFUSALS) {
  test(`proxies: ${status} to CONNECT is told with its status and scheme, and its page goes nowhere (FC-45)`, async () => {
    await using proxy = await startFakeProxy()
    proxy.mode = mode
    await using out = testDoor({ routes: [proxy.url()] })
    const error = await faultOf(out.send('https://reg.example/'))
    assert.deepEqual([error.hop, error.fault], ['proxy', 'proxy-refused'])
    const { cause, ...facts } = error.facts
    assert.equal(cause, undefined)
    assert.deepEqual(facts, {
      ...{ peer: `127.0.0.1:${proxy.port}`, status },
      ...(status === 407 && { scheme: 'NTLM' }),
    })
    assert.equal(proxy.connections, 1)
  })
}

test('proxies: 407 to a plain request is the proxy’s, and its page goes nowhere (FC-45)', async () => {
  await using proxy = await startFakeProxy({ user: 'ann', password: 'right' })
  const url = proxy.url()
  proxy.password = 'other'
  await using out = testDoor({ routes: [url] })
  const { hop, fault, facts } = await faultOf(out.send('http://reg.example/'))
  assert.deepEqual(
    [hop, fault, facts],
    ['proxy', 'proxy-refused', { peer: `127.0.0.1:${proxy.port}`, status: 407, scheme: 'Basic' }],
  )
  assert.equal(proxy.rejected, 1)
})

for (const marks of ['x-squid-error: ERR_CONNECT_FAIL 111', 'server: tinyproxy/1.11.1']) {
  test(`proxies: what a proxy says of itself in answer to a plain request is its own: ${marks} (FC-45)`, async () => {
    await using server = await rawServer(`HTTP/1.1 503 No\r\n${marks}\r\ncontent-length: 4\r\n\r\npage`)
    await using out = testDoor({ routes: [`http://127.0.0.1:${server.port}`] })
    const { hop, fault, facts } = await faultOf(out.send('http://reg.example/'))
    assert.deepEqual([hop, fault, facts.status], ['proxy', 'proxy-refused', 503])
    assert.equal(facts.code, marks.startsWith('x-squid') ? 'ERR_CONNECT_FAIL' : undefined)
  })
}

test('proxies: an origin that answers 407 is an answer like others (FC-45)', async () => {
  await using server = await rawServer('HTTP/1.1 407 No\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n')
  const tls = await issueCertificate(['reg.example'])
  await using secured = await rawServer('HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n', { tls })
  await using proxy = await startFakeProxy({ hosts: { 'reg.example': secured.port } })
  await using direct = testDoor()
  assert.equal(await outcome(direct.send(`http://reg.example:${server.port}/`)), '407 ')
  await using out = testDoor({ routes: [proxy.url()], ca: await trusting(tls) })
  assert.equal(await outcome(out.send('https://reg.example/')), '407 ')
})

interface Bad {
  readonly mode: ProxyMode
  /** By CONNECT, by a plain request, and by SOCKS for both. */
  readonly connect: string
  readonly plain: string
  readonly socks: string
}

const BAD: readonly Bad[] = [
  { mode: 'close', connect: 'proxy: proxy-refused', plain: 'proxy: proxy-refused', socks: 'proxy: proxy-refused' },
  { mode: 'reset', connect: 'proxy: proxy-refused', plain: 'proxy: proxy-refused', socks: 'proxy: proxy-refused' },
  { mode: 'hang', connect: 'proxy: timeout', plain: 'header: timeout', socks: 'proxy: timeout' },
  { mode: 'nonsense', connect: 'proxy: malformed', plain: 'header: malformed', socks: 'proxy: malformed' },
  { mode: 'hang-after-connect', connect: 'tls: timeout', plain: '', socks: 'tls: timeout' },
  { mode: 'close-after-connect', connect: 'tls: reset', plain: '', socks: 'tls: reset' },
  { mode: 'unreachable', connect: 'proxy: proxy-refused', plain: '', socks: 'proxy: proxy-refused' },
  { mode: 'html-200', connect: 'tls: tls-broken', plain: '', socks: '' },
]

const QUICK: Partial<Attempt> = { connectMs: 200, headerMs: 200 }

for (const { mode, connect, plain, socks } of BAD) {
  test(`proxies: one that does '${mode}' is one error after one attempt (FC-43, FC-106)`, async () => {
    const tries = [
      ['http', 'https', connect],
      ['http', 'http', plain],
      ['socks5', 'https', socks],
      ['socks5h', 'https', socks],
    ] as const
    for (const [scheme, target, expected] of tries) {
      if (expected === '') continue
      await using proxy = await startFakeProxy()
      proxy.mode = mode
      await using out = testDoor({ routes: [proxy.url(scheme)] })
      assert.equal(
        await outcome(out.send(`${target}://reg.example/`, expected.endsWith('timeout') ? QUICK : {})),
        expected,
        `${scheme} for ${target}`,
      )
      assert.equal(proxy.connections, 1)
      assert.deepEqual(out.dialled, [`127.0.0.1:${proxy.port}`])
    }
  })
}

const SOCKS_FAULTS: readonly (readonly [string, ProxyMode, string])[] = [
  ['a wrong password', 'ok', 'SOCKS_LOGIN_REFUSED'],
  ['a host that it cannot reach', 'unreachable', 'SOCKS_HOST_UNREACHABLE'],
  ['a failure of its own', 503, 'SOCKS_FAILED'],
]

for (const [says, mode, code] of SOCKS_FAULTS) {
  test(`proxies: SOCKS tells of ${says}, and the error has no password`, async () => {
    await using proxy = await startFakeProxy({ user: 'ann', password: 'canary' })
    const url = proxy.url('socks5h')
    proxy.mode = mode
    if (code === 'SOCKS_LOGIN_REFUSED') proxy.password = 'another'
    await using out = testDoor({ routes: [url] })
    const error = await faultOf(out.send('https://reg.example/'))
    assert.deepEqual([error.hop, error.fault, error.facts.code], ['proxy', 'proxy-refused', code])
    assert.equal(error.facts.cause, undefined)
    assert.equal(proxy.connections, 1)
  })
}

test('proxies: of the addresses of a name, SOCKS is asked for the next where it has no way to one, and for no other cause', async () => {
  await using server = await rawServer(ok('reached'))
  const [none, there] = ['198.51.100.1', '198.51.100.2']
  await using proxy = await startFakeProxy({ hosts: { [there]: server.port } })
  const asked = () => proxy.targets.splice(0).map(({ target }) => target)
  await using out = testDoor({
    routes: [proxy.url('socks5')],
    resolve: async (name) => (name === 'reg.example' ? [none, there] : ['127.0.0.1']),
  })
  proxy.nowhere.add(none)
  assert.equal((await out.send('http://reg.example/')).status, 200)
  assert.deepEqual(asked(), [`${none}:80`, `${there}:80`])

  proxy.nowhere.add(there)
  assert.equal((await faultOf(out.send('http://reg.example:81/'))).facts.code, 'SOCKS_HOST_UNREACHABLE')
  assert.deepEqual(asked(), [`${none}:81`, `${there}:81`])

  proxy.nowhere.clear()
  proxy.mode = 503
  assert.equal((await faultOf(out.send('http://reg.example:82/'))).facts.code, 'SOCKS_FAILED')
  assert.deepEqual(asked(), [`${none}:82`])
})

test('proxies: a SOCKS proxy that wants a password and gets none says so', async () => {
  await using proxy = await startFakeProxy({ user: 'ann', password: 'canary' })
  await using out = testDoor({ routes: [proxy.url('socks5h', { credentials: false })] })
  assert.equal((await faultOf(out.send('https://reg.example/'))).facts.code, 'SOCKS_LOGIN_REFUSED')
})

for (const scheme of SCHEMES) {
  test(`proxies: a dead ${scheme} proxy is an error, and never a way around (FC-41)`, async () => {
    await using server = await rawServer(ok('direct'))
    const proxy = await startFakeProxy()
    const url = proxy.url(scheme)
    const { port } = proxy
    const at = `127.0.0.1:${port}`
    await proxy.close()
    await using out = testDoor({ routes: [url], resolve: async () => ['127.0.0.1'] })
    for (const target of [`http://reg.example:${server.port}/`, 'https://reg.example/']) {
      const { hop, fault, facts } = await faultOf(out.send(target))
      const peer = scheme === 'https' ? `localhost:${port}` : at
      assert.deepEqual([hop, fault, facts.peer, facts.code], ['connect', 'refused', peer, 'ECONNREFUSED'])
    }
    assert.deepEqual(new Set(out.dialled), new Set([at]))
    assert.equal(server.connections, 0)
  })
}

test('proxies: the name of a proxy that is not resolved is hop dns, with the proxy as peer', async () => {
  await using out = testDoor({ routes: ['http://proxy.lan:3128'], resolve: () => Promise.reject(new Error('no')) })
  const { hop, fault, facts } = await faultOf(out.send('https://reg.example/'))
  assert.deepEqual([hop, fault, facts.peer], ['dns', 'not-resolved', 'proxy.lan:3128'])
})

test('proxies: what noproxy names, and loopback, goes around them; nothing else does (FC-46)', async () => {
  await using server = await rawServer(ok('direct'))
  await using out = testDoor({ routes: ['http://127.0.0.1:1', 'socks5h://127.0.0.1:1'], noproxy: ['.lan'] })
  for (const url of [`http://reg.lan:${server.port}/`, `http://127.0.0.1:${server.port}/`]) {
    assert.deepEqual(
      out.door.routesTo(new URL(url)).map(({ name }) => name),
      ['direct'],
    )
    assert.equal(await outcome(out.send(url)), '200 direct')
  }
  const names = out.door.routesTo(new URL('https://reg.example/')).map(({ name }) => name)
  assert.deepEqual(names, ['http://127.0.0.1:1', 'socks5h://127.0.0.1:1'])
})

test('proxies: a connection by one route is not used for another', async () => {
  await using server = await rawServer(ok('hello'))
  const hosts = { 'reg.example': server.port }
  await using one = await startFakeProxy({ hosts })
  await using two = await startFakeProxy({ hosts })
  await using out = testDoor({ routes: [one.url('socks5h'), two.url('socks5h'), 'direct'] })
  for (const nth of [0, 1, 2, 0, 1, 2]) {
    assert.equal(await outcome(out.send(`http://reg.example:${server.port}/`, { nth })), '200 hello')
  }
  assert.deepEqual([one.connections, two.connections, server.connections], [1, 1, 3])
})
