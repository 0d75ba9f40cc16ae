import assert from 'node:assert/strict'
import { connect, Socket } from 'node:net'
import { test } from 'node:test'
import type { Dial } from '../../../src/egress/dial.ts'
import { openEgress } from '../../../src/egress/open-egress.ts'
import { readRoute } from '../../../src/egress/route-option.ts'
import { startFakeProxy } from '../../helpers/fake-proxy.ts'
import { ok, outcome, rawServer, testDoor } from './harness.ts'

/** What a name leads to; an address leads to itself. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'public.example': ['1.1.1.1'],
  'loopback.example': ['127.0.0.1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'metadata.example': ['169.254.169.254'],
  'private.example': ['10.0.0.1'],
  'shared.example': ['100.64.0.1'],
  'ula.example': ['fd00::1'],
  'both.example': ['192.168.0.1', '1.1.1.1'],
}

/** A door whose connections all hang, but for what `dial` makes; and where they went. */
function hanging(routes: readonly string[], dial: Dial = () => new Socket()) {
  const dialled: string[] = []
  const egress = openEgress({
    resolve: async (name) => NAMES[name] ?? [],
    dial(to) {
      dialled.push(to.address)
      return dial(to)
    },
  })
  const door = egress.doorFor({ name: 'x', routes: routes.map((text) => readRoute(text, 'x')), noproxy: [] })
  const send = (address: string, redirected: boolean, connectMs = 20) => {
    const url = new URL(address)
    const [route] = door.routesTo(url)
    if (route === undefined) throw new Error('No route')
    const times = { connectMs, headerMs: 2_000, signal: new AbortController().signal }
    return outcome(door.send({ method: 'GET', url, headers: {}, redirected, ...times }, route))
  }
  return { send, dialled, [Symbol.asyncDispose]: () => egress[Symbol.asyncDispose]() }
}

const FORBIDDEN = [
  ...['loopback', 'mapped', 'metadata', 'private', 'shared', 'ula'].map((name) => `https://${name}.example/`),
  ...['https://10.0.0.1', 'https://[fd00::1]', 'https://[::ffff:10.0.0.1]', 'https://0x7f000001', 'https://2130706433'],
  ...[
    'https://169.254.169.254/latest/meta-data',
    'https://127.0.0.1:6443',
    'https://localhost',
    'https://[::]',
    'https://0',
  ],
]

for (const url of FORBIDDEN) {
  test(`redirected: ${url} is not connected to, directly or by an address that we resolve (T29)`, async () => {
    for (const routes of [['direct'], ['socks5://1.1.1.1:1080']]) {
      await using out = hanging(routes)
      assert.equal(await outcome_(out.send(url, true)), 'connect: forbidden-address')
      assert.deepEqual(out.dialled, [])
    }
  })
}

/** `localhost` is resolved, and by the names above it is nowhere: it is enough that nobody is dialled. */
async function outcome_(found: Promise<string>): Promise<string> {
  return (await found).replace('dns: not-resolved', 'connect: forbidden-address')
}

test('redirected: a public address is connected to, and of several addresses only such (T29)', async () => {
  await using out = hanging(['direct'])
  assert.equal(await out.send('https://public.example/', true), 'connect: timeout')
  assert.equal(await out.send('https://both.example/', true), 'connect: timeout')
  assert.deepEqual(out.dialled, ['1.1.1.1', '1.1.1.1'])
})

test('redirected: a name that is public first and private then is not connected to (T29)', async () => {
  const answers = [['1.1.1.1'], ['10.0.0.1']]
  const dialled: string[] = []
  await using egress = openEgress({
    resolve: async () => answers.shift() ?? assert.fail('It was looked up again'),
    dial({ address }) {
      dialled.push(address)
      return new Socket()
    },
  })
  const door = egress.doorFor({ name: 'x', routes: [{ kind: 'direct' }], noproxy: [] })
  const url = new URL('https://rebinding.example/')
  const [route] = door.routesTo(url)
  assert.ok(route)
  const attempt = { method: 'GET', url, headers: {}, redirected: true, connectMs: 20, headerMs: 20 } as const
  const found = []
  for (const _ of [1, 2])
    found.push(await outcome(door.send({ ...attempt, signal: new AbortController().signal }, route)))
  assert.deepEqual([found, dialled], [['connect: timeout', 'connect: forbidden-address'], ['1.1.1.1']])
})

test('redirected: by a proxy that resolves names, addresses and names of inner networks are refused (T29)', async () => {
  for (const scheme of ['http', 'socks5h'] as const) {
    await using proxy = await startFakeProxy()
    await using out = testDoor({ routes: [proxy.url(scheme)] })
    for (const host of [
      '10.0.0.1',
      '[fd00::1]',
      '169.254.169.254',
      'metadata',
      'metadata.google.internal',
      'nas.local',
    ]) {
      for (const target of ['http', 'https']) {
        const answer = out.send(`${target}://${host}/`, { redirected: true })
        assert.equal(await outcome(answer), 'proxy: forbidden-address', `${scheme} ${target} ${host}`)
      }
    }
    assert.equal(proxy.connections, 0)
  }
})

test('redirected: where the upstream itself is, it may lead; and not from loopback into the lab (T29)', async () => {
  await using server = await rawServer(ok('hello'))
  await using out = hanging(['direct'], ({ address }) => (address === '10.0.0.1' ? connect(server.port) : new Socket()))
  assert.equal(await out.send('http://private.example/', false, 2_000), '200 hello')
  assert.equal(await out.send('https://10.0.0.2/', true), 'connect: timeout')
  assert.equal(await out.send('https://loopback.example/', true), 'connect: forbidden-address')
  assert.equal(await out.send('https://metadata.example/', true), 'connect: forbidden-address')
})

test('redirected: a network to which the upstream’s name merely leads, too, is not where it is (T24, T29)', async () => {
  await using server = await rawServer(ok('hello'))
  await using out = hanging(['direct'], ({ address }) => (address === '1.1.1.1' ? connect(server.port) : new Socket()))
  assert.equal(await out.send('http://both.example/', false, 2_000), '200 hello')
  assert.ok(out.dialled.includes('192.168.0.1'))
  assert.equal(await out.send('http://192.168.0.1/', true), 'connect: forbidden-address')
  assert.equal(await out.send('https://private.example/', false), 'connect: timeout')
  assert.equal(await out.send('https://10.0.0.2/', true), 'connect: forbidden-address')
})

test('redirected: a connection that is there already is no way around (T29)', async () => {
  await using server = await rawServer(ok('hello'))
  let inside = true
  await using egress = openEgress({
    // Once the upstream was at a public address; then the same name is redirected to.
    resolve: async () => (inside ? ['127.0.0.1'] : ['10.0.0.1']),
  })
  const door = egress.doorFor({ name: 'x', routes: [{ kind: 'direct' }], noproxy: [] })
  const url = new URL(`http://reg.example:${server.port}/`)
  const [route] = door.routesTo(url)
  assert.ok(route)
  const attempt = { method: 'GET', url, headers: {}, connectMs: 2_000, headerMs: 2_000 } as const
  const send = (redirected: boolean) =>
    outcome(door.send({ ...attempt, redirected, signal: new AbortController().signal }, route))
  assert.equal(await send(false), '200 hello')
  inside = false
  assert.equal(await send(true), 'connect: forbidden-address')
})
