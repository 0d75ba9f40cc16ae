import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { OperatorError } from '../../../src/base/operator-error.ts'
import type { RouteOption } from '../../../src/egress/egress.ts'
import { readProxyVariable, readRoute } from '../../../src/egress/route-option.ts'
import { type ProxyEnvironment, routesFor } from '../../../src/egress/route-order.ts'
import { wayOf } from '../../../src/egress/way.ts'

const READ: readonly (readonly [text: string, name: string, username?: string | undefined, password?: string])[] = [
  ['direct', 'direct'],
  ['http://proxy.lan:8080', 'http://proxy.lan:8080'],
  ['http://proxy.lan', 'http://proxy.lan'],
  ['http://ann:s3cret@proxy.lan:8080', 'http://proxy.lan:8080', 'ann', 's3cret'],
  ['https://ann:p%40s%3As%25@proxy.lan:8443/', 'https://proxy.lan:8443', 'ann', 'p@s:s%'],
  ['socks5://a%20b@127.0.0.1:1080', 'socks5://127.0.0.1:1080', 'a b'],
  ['socks5h://:only@[fd00::1]:1080', 'socks5h://[fd00::1]:1080', undefined, 'only'],
  ['SOCKS5H://proxy.lan:1080', 'socks5h://proxy.lan:1080'],
]

for (const [text, name, username, password] of READ) {
  test(`routes: '${text}' is read, and its name has no credentials`, () => {
    const option = readRoute(text, 'egress.routes[0]')
    assert.equal(wayOf(option).name, name)
    assert.ok(!inspect(wayOf(option), { depth: 9 }).includes(password ?? 'no password'))
    if (option.kind === 'direct') return assert.equal(username, undefined)
    assert.deepEqual([option.username, option.password?.reveal()], [username, password])
    assert.deepEqual([option.url.username, option.url.password], ['', ''])
  })
}

test('routes: a proxy without a port has the usual one of its kind', () => {
  const ports = ['http://p', 'https://p', 'socks5://p', 'socks5h://p'].map((text) => {
    const way = wayOf(readRoute(text, 'x'))
    return way.kind === 'direct' ? undefined : way.peer
  })
  assert.deepEqual(ports, ['p:80', 'p:443', 'p:1080', 'p:1080'])
})

const WRONG = [
  ...['sock5://canary:canary@p:1', 'socks4://canary@p:1', 'ftp://p', 'socks5h:/canary', 'proxy.lan:8080', 'canary'],
  ...['', 'Direct', 'DIRECT ', 'http://', 'http://u:%zzcanary@p', 'socks5://p p:1', 'http://p:0', 'http://p:99999'],
  ...[`socks5://u:${'canary'.repeat(50)}@p:1`, 'socks5:///canary', 'file:///etc/canary'],
]

for (const text of WRONG) {
  test(`routes: '${text.slice(0, 40)}' is an error, never a way around, and tells no password (FC-41)`, () => {
    assert.throws(
      () => readRoute(text, 'egress.routes[2]'),
      (error) =>
        error instanceof OperatorError &&
        error.message.startsWith('egress.routes[2] ') &&
        !inspect(error).includes('canary'),
    )
  })
}

test('routes: a variable may leave the scheme out, and a wrong one is no host name (FC-41)', () => {
  assert.equal(wayOf(readProxyVariable('proxy.lan:3128', 'HTTP_PROXY')).name, 'http://proxy.lan:3128')
  assert.equal(wayOf(readProxyVariable('u:p@proxy.lan', 'HTTP_PROXY')).name, 'http://proxy.lan')
  assert.throws(() => readProxyVariable('sock5://proxy.lan:1080', 'HTTP_PROXY'), OperatorError)
})

const OWN = [{ kind: 'direct' }] as const
const SHARED = [readRoute('http://shared:1', 'x')]

const ORDER: readonly {
  readonly says: string
  readonly own?: readonly RouteOption[]
  readonly shared?: readonly RouteOption[]
  readonly environment?: ProxyEnvironment
  readonly http: readonly string[]
  readonly https: readonly string[]
}[] = [
  { says: 'nothing said is direct', http: ['direct'], https: ['direct'] },
  {
    ...{ says: "the upstream's own win", own: OWN, shared: SHARED, environment: { https_proxy: 'http://e:1' } },
    ...{ http: ['direct'], https: ['direct'] },
  },
  {
    ...{ says: 'those for all win over the environment', shared: SHARED, environment: { https_proxy: 'http://e:1' } },
    ...{ http: ['http://shared:1'], https: ['http://shared:1'] },
  },
  {
    ...{ says: 'HTTPS_PROXY is for https alone', environment: { https_proxy: 'http://e:1' } },
    ...{ http: ['direct'], https: ['http://e:1'] },
  },
  {
    ...{ says: 'HTTP_PROXY is for http alone', environment: { http_proxy: 'e:1' } },
    ...{ http: ['http://e:1'], https: ['direct'] },
  },
  {
    ...{ says: 'ALL_PROXY is for both', environment: { all_proxy: 'socks5h://e:1' } },
    ...{ http: ['socks5h://e:1'], https: ['socks5h://e:1'] },
  },
  {
    ...{
      says: 'ALL_PROXY is for what has none',
      environment: { all_proxy: 'socks5h://e:1', http_proxy: 'http://h:1' },
    },
    ...{ http: ['http://h:1'], https: ['socks5h://e:1'] },
  },
  {
    ...{ says: 'an empty variable is none', environment: { https_proxy: '', all_proxy: 'http://e:1' } },
    ...{ http: ['http://e:1'], https: ['http://e:1'] },
  },
]

for (const { says, own, shared, environment = {}, http, https } of ORDER) {
  test(`routes: ${says} (FC-40)`, () => {
    const ways = routesFor({ own, shared, environment }).map(wayOf)
    const names = (scheme: string) =>
      ways.filter(({ only }) => only === undefined || only === scheme).map(({ name }) => name)
    assert.deepEqual([names('http:'), names('https:')], [http, https])
  })
}

test('routes: a variable that cannot be read is an error if it decides, and else none', () => {
  const environment = { https_proxy: 'sock5://e:1' }
  assert.throws(() => routesFor({ environment }), /^OperatorError: HTTPS_PROXY /)
  assert.deepEqual(routesFor({ own: OWN, environment }), OWN)
})
