import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startFakeProxy } from '../helpers/fake-proxy.ts'
import { type FakeUpstream, startFakeUpstream, type UpstreamOptions } from '../helpers/fake-upstream.ts'
import { FAULTS } from '../helpers/faults.ts'
import { homeport } from '../helpers/homeport-command.ts'
import { makeImage } from '../helpers/images.ts'
import { freePort } from '../helpers/listening.ts'
import { type Answer, RegistryClient } from '../helpers/registry-client.ts'
import { type Server, startServer } from '../helpers/server.ts'

const NAME = 'lab.test'
const PROXY_PASSWORD = 'canary-proxy-5f2c'
const PASSWORD = 'canary-upstream-5f2c'
const IMAGES = { 'library/a:1': makeImage('why') }

interface Scene extends AsyncDisposable {
  readonly upstream: FakeUpstream
  readonly server: Server
  readonly metrics: () => Promise<string>
}

/** Homeport as a process, with one upstream `lab.test`, whatever `settings` say of it. */
async function startScene(settings: object, held: UpstreamOptions = { images: IMAGES }): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const upstream = stack.use(await startFakeUpstream(held))
  const debug = await freePort()
  const server = stack.use(
    await startServer({
      http: { debug: { addr: `127.0.0.1:${debug}`, prometheus: { enabled: true } } },
      config: { upstreams: { [NAME]: { url: upstream.url, ...settings } } },
    }),
  )
  const parts = stack.move()
  const metrics = async () => {
    using client = new RegistryClient(`http://127.0.0.1:${debug}`)
    return (await client.request('GET', '/metrics')).text
  }
  return { upstream, server, metrics, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

/** `id`: of the request, as its error tells it. */
async function pull(server: Server, reference: string): Promise<Answer & { readonly id: string }> {
  using client = await server.client()
  const answer = await client.request('GET', `/v2/${NAME}/library/a/manifests/${reference}`)
  const [, id = ''] = /\(request ([0-9a-f]{16})\)/.exec(answer.text) ?? []
  return { ...answer, id }
}

async function why(server: Server, about: string, ...options: string[]) {
  return await homeport('why', about, ...options, '--config', server.configFile)
}

/** Lines of JSON that the command prints. */
async function rows(server: Server, about: string): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await why(server, about, '--json')
  assert.equal(code, 0, stderr)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

test('why tells what failed a request, by its id or its image, while the server runs, after a kill, and without one', async () => {
  await using proxy = await startFakeProxy({ user: 'alice', password: PROXY_PASSWORD })
  const routes = [proxy.url()]
  proxy.password = 'another'
  await using scene = await startScene({ url: 'https://lab.test', routes })
  const { server, upstream } = scene
  proxy.hosts.set('lab.test', upstream.port)
  const route = `http://127.0.0.1:${proxy.port}`
  const { id, status } = await pull(server, '1')
  assert.equal(status, 502)

  const { code, stdout, stderr } = await why(server, id)
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(
    stdout,
    new RegExp(`^lab\\.test/library/a:1: failed\n {2}request +${id} at 20.*Z, of .*, for a manifest\n`),
  )
  assert.match(stdout, /\n {2}why +lab\.test was to be asked through http:.*: the proxy .* answered 407 \(Basic\)\n/)
  assert.match(
    stdout,
    /\n {2}remedy +set the right user name and password in the address of the proxy: http:\/\/USER:PASSWORD@HOST:PORT\n/,
  )
  assert.match(stdout, new RegExp(`\n {2}cause +proxy-refused at proxy of lab\\.test, route ${route}, status 407\n`))
  assert.match(
    stdout,
    /\n {2}bytes +0 from lab\.test, in one go\n {2}time +no answer, over after .* m?s\n {2}tried +proxy of/,
  )
  assert.match(
    stdout,
    new RegExp(`\nlab\\.test fails through ${route} since 20.*Z \\(proxy-refused\\)\n {2}signs +1, the last at`),
  )

  const told = await rows(server, id)
  const [request, failing] = told
  assert.deepEqual(
    told.map(({ what, cause, hop, status: answered }) => [what, cause, hop, answered]),
    [
      ['request', 'proxy-refused', 'proxy', 407],
      ['failing', 'proxy-refused', 'proxy', 407],
    ],
  )
  const expected = { request: id, name: 'lab.test/library/a:1', outcome: 'failed', upstream: NAME, route, bytes: 0 }
  for (const [key, value] of Object.entries(expected)) assert.equal(request?.[key], value, key)
  assert.equal(failing?.['request'], id)

  await server.kill()
  for (const about of [id.slice(0, 6), 'localhost:5000/lab.test/library/a:1']) {
    assert.deepEqual(await rows(server, about), told, about)
  }
  await server.start()
  assert.deepEqual(await rows(server, id), told)
  await server.stop()

  const none = await why(server, 'ffffffffffffffff')
  assert.equal(none.code, 1)
  assert.match(none.stderr, /nothing is recorded of 'ffffffffffffffff'; what fails now is:/)
  assert.match(none.stdout, /^lab\.test fails/)
  const unknown = await why(server, 'ghcr.io/owner/app')
  assert.deepEqual([unknown.code, unknown.stdout], [1, ''])
  assert.match(
    unknown.stderr,
    /^homeport: Nothing is recorded of 'ghcr\.io\/owner\/app'\n {2}hint: the last 1,000 requests/,
  )
})

test('an upstream that fails is in one line of the log, numbers, and readiness, until it works again', async () => {
  await using scene = await startScene({ revalidate: '0s' })
  const { upstream, server, metrics } = scene
  const ready = async () => {
    using client = await server.client()
    const { status, text } = await client.request('GET', '/readyz')
    return [status, JSON.parse(text)] as const
  }
  assert.equal((await pull(server, '1')).status, 200)
  assert.deepEqual(await ready(), [200, { status: 'ready' }])

  upstream.allow('*')
  const mend = upstream.always('*', FAULTS.broken)
  for (let round = 0; round < 3; round += 1) {
    const { status, headers } = await pull(server, '1')
    assert.equal(status, 200)
    assert.match(String(headers['warning']), /^299 .*could not be confirmed/)
  }
  const [status, body] = await ready()
  assert.equal(status, 200)
  assert.deepEqual(Object.keys(body.upstreams[0]), ['name', 'cause', 'since'])
  assert.deepEqual([body.status, body.upstreams[0].name, body.upstreams[0].cause], ['ready', NAME, 'upstream-broken'])
  const warnings = server.log.filter(({ level }) => level === 'warning')
  assert.equal(warnings.length, 1)
  assert.match(
    warnings[0]?.msg ?? '',
    /^lab\.test\/library\/a:1 is served as it was last confirmed: lab\.test was asked/,
  )
  const [request] = await rows(server, 'a:1')
  assert.deepEqual([request?.['outcome'], request?.['cause'], request?.['status']], ['stale', 'upstream-broken', 500])

  const text = await metrics()
  for (const line of [
    /^homeport_upstream_answers_total\{upstream="lab\.test",kind="manifest",outcome="stale"\} 3$/m,
    /^homeport_upstream_answers_total\{upstream="lab\.test",kind="manifest",outcome="fetched"\} 1$/m,
    /^homeport_upstream_failures_total\{upstream="lab\.test",route="direct",hop="manifest",cause="upstream-broken"\} 3$/m,
    /^homeport_upstream_requests_total\{upstream="lab\.test",route="direct",hop="manifest",result="upstream-broken"\} \d+$/m,
    /^homeport_upstream_received_bytes_total\{upstream="lab\.test",route="direct"\} \d+$/m,
    /^homeport_upstream_breaker_open\{upstream="lab\.test"\} 1$/m,
    /^registry_proxy_hits_total\{type="manifest"\} 3$/m,
    /^registry_proxy_misses_total\{type="manifest"\} 1$/m,
    new RegExp(
      `^registry_proxy_pushed_bytes_total\\{type="manifest"\\} ${4 * IMAGES['library/a:1'].manifest.bytes.length}$`,
      'm',
    ),
  ]) {
    assert.match(text, line)
  }

  mend()
  await server.process.output(/lab\.test works again directly, after \d+ failures since 20[^ ]+Z \(upstream-broken\)/)
  assert.deepEqual(await ready(), [200, { status: 'ready' }])
})

test('no secret is in the log, the numbers, the record or what why prints (T9)', async () => {
  await using proxy = await startFakeProxy({ user: 'alice', password: PROXY_PASSWORD })
  const held = { images: IMAGES, auth: { user: 'ci', password: 'right' } }
  await using scene = await startScene({ username: 'ci', password: PASSWORD, routes: [proxy.url(), 'direct'] }, held)
  const { server, metrics } = scene
  const { status, text, headers, id } = await pull(server, '1')
  assert.equal(status, 403)
  const said = [text, JSON.stringify(headers), await metrics()]
  for (const options of [[], ['--json']]) {
    const { code, stdout, stderr } = await why(server, id, ...options)
    assert.equal(code, 0)
    said.push(stdout, stderr)
  }
  await server.stop()
  said.push(server.process.stderr, server.process.stdout)
  const own = join(server.data, 'homeport')
  for (const file of await readdir(own))
    if (file.startsWith('catalog.db')) said.push(await readFile(join(own, file), 'latin1'))
  for (const secret of [PASSWORD, PROXY_PASSWORD]) {
    const forms = [secret, encodeURIComponent(secret), ...['ci', 'alice'].map((user) => basic(user, secret))]
    for (const form of forms) assert.ok(!said.some((one) => one.includes(form)), form)
  }
})

function basic(user: string, password: string): string {
  return Buffer.from(`${user}:${password}`).toString('base64')
}
