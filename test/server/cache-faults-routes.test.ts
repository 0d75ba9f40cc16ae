import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { issueCertificate } from '../helpers/certificates.ts'
import { startFakeCdn } from '../helpers/fake-cdn.ts'
import { type ProxyMode, startFakeProxy } from '../helpers/fake-proxy.ts'
import { startFakeTokenServer } from '../helpers/fake-token-server.ts'
import { startFakeUpstream } from '../helpers/fake-upstream.ts'
import { FAULTS } from '../helpers/faults.ts'
import { makeImage } from '../helpers/images.ts'
import { freePort } from '../helpers/listening.ts'
import { NAMING_PROGRAMS, nameHosts } from '../helpers/named-hosts.ts'
import { needs } from '../helpers/programs.ts'
import { type Server, type ServerOptions, startServer } from '../helpers/server.ts'
import { errorOf, layerOf, timed } from './cache-scene.ts'

const image = makeImage('by a route')
const images = { 'library/a:1': image }
const CREDENTIALS = { user: 'alice', password: 's3cret' }
const HOSTS = ['registry.test', 'auth.test', 'cdn.test'] as const

/** No variable of this machine says anything. */
const NO_VARIABLES = Object.fromEntries(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [
    [name, undefined],
    [name.toLowerCase(), undefined],
  ]),
)

const serve = (upstreams: object, { config, env, ...rest }: ServerOptions = {}) =>
  startServer({ ...rest, env: { ...NO_VARIABLES, ...env }, config: { upstreams, ...config } })

async function pull(server: Server, path = '/v2/lab.test/library/a/manifests/1') {
  using client = await server.client()
  return await client.request('GET', path, { headers: { accept: image.manifest.mediaType } })
}

const blobPath = `/v2/lab.test/library/a/blobs/${layerOf(image)}`

/** A registry with a token server and a CDN, all with certificates of a private CA, at names that only a proxy knows. */
async function hiddenRegistry(stack: AsyncDisposableStack) {
  const tls = await issueCertificate(HOSTS)
  const tokens = stack.use(await startFakeTokenServer({ tls }))
  const cdn = stack.use(await startFakeCdn({ tls }))
  const upstream = stack.use(await startFakeUpstream({ images, tls, auth: tokens, cdn }))
  const named = (name: string, { port }: { readonly port: number }) => `https://${name}:${port}`
  tokens.publicUrl = named('auth.test', tokens)
  cdn.publicUrl = named('cdn.test', cdn)
  const hosts = { 'registry.test': upstream.port, 'auth.test': tokens.port, 'cdn.test': cdn.port }
  return { ...{ tls, tokens, cdn, upstream, hosts }, url: named('registry.test', upstream) }
}

suite('ways out that fail', { concurrency: 6 }, () => {
  for (const scheme of ['http', 'socks5h'] as const) {
    for (const how of ['routes', 'egress', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'] as const) {
      test(`token, manifest, blob and redirect all go through ${scheme} that ${how} names, with a private CA (FC-37, FC-40, P-9)`, async () => {
        await using stack = new AsyncDisposableStack()
        const { tls, url, hosts, upstream, cdn, tokens } = await hiddenRegistry(stack)
        const proxy = stack.use(await startFakeProxy({ ...CREDENTIALS, hosts }))
        const way = proxy.url(scheme)
        const settings = { url, ca: tls.ca, ...(how === 'routes' && { routes: [way] }) }
        const egress = how === 'egress' ? { egress: { routes: [way] } } : {}
        const env = how === 'routes' || how === 'egress' ? {} : { [how]: way }
        const server = stack.use(await serve({ 'lab.test': settings }, { config: egress, env }))
        assert.equal((await pull(server)).status, 200)
        assert.equal((await pull(server, blobPath)).status, 200)
        assert.deepEqual(
          [...new Set(proxy.targets.map(({ target }) => target.replace(/:\d+$/, '')))].sort(),
          [...HOSTS].sort(),
        )
        assert.ok(proxy.targets.every(({ named, user }) => named && user === 'alice'))
        // Each connection that came to them came from the proxy.
        assert.equal(proxy.targets.length, upstream.connections + cdn.connections + tokens.connections)
      })
    }
  }

  // biome-ignore format: one mode a line
  const DEAD: readonly (readonly [mode: ProxyMode, status: number, cause: string])[] = [
  ['close', 502, 'proxy-refused'],
  ['reset', 502, 'proxy-refused'],
  ['nonsense', 502, 'upstream-broken'],
  ['unreachable', 502, 'proxy-refused'],
  [403, 502, 'proxy-refused'],
  [407, 502, 'proxy-refused'],
  [503, 502, 'proxy-refused'],
  ['close-after-connect', 502, 'upstream-broken'],
  ['hang', 504, 'timeout'],
  ['hang-after-connect', 504, 'timeout'],
]

  for (const [mode, status, cause] of DEAD) {
    test(`a proxy in mode ${mode}: ${status} ${cause} in time, what is cached at once, nobody goes around it (D-14, FC-41, FC-43, FC-45)`, async () => {
      await using stack = new AsyncDisposableStack()
      const { tls, url, hosts, upstream } = await hiddenRegistry(stack)
      const names =
        process.getuid?.() === 0 ? stack.use(await nameHosts({ 'registry.test': ['127.0.0.1'] })) : undefined
      const proxy = stack.use(await startFakeProxy({ ...CREDENTIALS, hosts }))
      const settings = { url, ca: tls.ca, routes: [proxy.url()], revalidate: '0s' }
      const server = stack.use(await serve({ 'lab.test': settings }, names ? { launcher: names.launcher } : {}))
      assert.equal((await pull(server)).status, 200)
      const [asked, connections] = [upstream.connections, proxy.connections]
      proxy.mode = mode
      proxy.resetAll()
      const { value: failed, ms } = await timed(() => pull(server, '/v2/lab.test/library/b/manifests/1'))
      const { detail, message } = errorOf(failed)
      assert.deepEqual([failed.status, detail['cause']], [status, cause], failed.text)
      assert.ok(ms < 12_000, `${ms} ms`)
      assert.doesNotMatch(failed.text, /<html|s3cret/i)
      if (cause === 'proxy-refused') assert.match(message, new RegExp(`127.0.0.1:${proxy.port}`))
      // An attempt a second, not a loop.
      assert.ok(proxy.connections - connections <= 25, `${proxy.connections - connections} connections`)
      const { value: cached, ms: quick } = await timed(() => pull(server))
      assert.deepEqual([cached.status, cached.headers['warning']?.startsWith('299 ')], [200, true])
      assert.ok(quick < 2500, `${quick} ms`)
      assert.equal(upstream.connections - asked <= 25, true)
      assert.ok(!names?.dns.questions.some(({ name }) => name === 'registry.test'), 'the name was asked for directly')
      proxy.mode = 'ok'
    })
  }

  test('an unknown scheme is refused at the start, with its place (FC-41)', async () => {
    await assert.rejects(
      serve({ 'lab.test': { routes: ['sock5://127.0.0.1:1'] } }),
      /routes.*\n?.*sock5|sock5[\s\S]*routes/,
    )
  })

  test('a proxy password that is wrong is one request for all who wait, not a storm, and never printed (D-15)', async () => {
    await using stack = new AsyncDisposableStack()
    const { tls, url, hosts } = await hiddenRegistry(stack)
    const proxy = stack.use(await startFakeProxy({ ...CREDENTIALS, hosts }))
    const way = proxy.url()
    proxy.password = 'changed'
    const server = stack.use(await serve({ 'lab.test': { url, ca: tls.ca, routes: [way] } }))
    const all = await Promise.all(Array.from({ length: 10 }, () => pull(server)))
    for (const answer of all) {
      const { detail, message } = errorOf(answer)
      assert.deepEqual([answer.status, detail['cause'], detail['status']], [502, 'proxy-refused', 407])
      assert.match(message, /password/)
      assert.doesNotMatch(answer.text, /s3cret/)
    }
    await pull(server)
    assert.ok(proxy.rejected <= 2, `${proxy.rejected} requests with the wrong password`)
    assert.doesNotMatch(server.process.stderr, /s3cret/)
  })

  test('the next route is taken on the same request, and remembered (B.3)', async () => {
    await using stack = new AsyncDisposableStack()
    const { tls, url, hosts } = await hiddenRegistry(stack)
    const bad = stack.use(await startFakeProxy({ hosts }))
    const good = stack.use(await startFakeProxy({ hosts }))
    const settings = { url, ca: tls.ca, routes: [bad.url(), good.url()] }
    for (const mode of ['close', 503, 'hang-after-connect'] as const) {
      bad.mode = mode
      await using server = await serve({ 'lab.test': settings })
      assert.equal((await pull(server)).status, 200, String(mode))
      const tried = bad.connections
      assert.equal((await pull(server, blobPath)).status, 200)
      assert.ok(bad.connections - tried <= 4, `${bad.connections - tried} more tries by the bad route`)
    }
  })

  test('a page that says no by one route is tried by the next, and named with its title where all say so', async () => {
    await using stack = new AsyncDisposableStack()
    const { tls, url, hosts, upstream } = await hiddenRegistry(stack)
    const blocking = stack.use(await startFakeUpstream({ tls }))
    blocking.always('*', FAULTS.blocked)
    const inside = stack.use(await startFakeProxy({ hosts: { 'registry.test': blocking.port } }))
    const outside = stack.use(await startFakeProxy({ hosts }))
    const routes = [inside.url(), outside.url()]
    const server = stack.use(
      await serve({
        'lab.test': { url, ca: tls.ca, routes },
        'blocked.test': { url, ca: tls.ca, routes: [inside.url()] },
      }),
    )
    assert.equal((await pull(server)).status, 200)
    assert.ok(upstream.count('GET manifest') > 0)
    const refused = await pull(server, '/v2/blocked.test/library/a/manifests/1')
    const { detail, message, code } = errorOf(refused)
    assert.deepEqual([refused.status, code, detail['cause']], [403, 'DENIED', 'blocked'])
    assert.match(message, /Access from your country is not possible/)
    assert.doesNotMatch(refused.text, /<h1>|<script>/)
  })

  test('two registries by one SOCKS proxy see only their own requests (FC-42)', async () => {
    await using stack = new AsyncDisposableStack()
    const auth = (password: string) => ({ user: 'ci', password })
    const one = stack.use(await startFakeUpstream({ images, auth: auth('one') }))
    const two = stack.use(await startFakeUpstream({ images, auth: auth('two') }))
    const proxy = stack.use(await startFakeProxy({ hosts: { 'one.test': one.port, 'two.test': two.port } }))
    const routes = [proxy.url('socks5h')]
    const of = (name: string) => ({
      url: `http://${name}.test`,
      routes,
      username: 'ci',
      password: name,
      revalidate: '0s',
    })
    const server = stack.use(await serve({ 'one.test': of('one'), 'two.test': of('two') }))
    for (let times = 0; times < 50; times += 1) {
      for (const name of ['one', 'two']) {
        assert.equal((await pull(server, `/v2/${name}.test/library/a/manifests/1`)).status, 200)
      }
    }
    for (const [upstream, name] of [
      [one, 'one'],
      [two, 'two'],
    ] as const) {
      const own = `Basic ${Buffer.from(`ci:${name}`).toString('base64')}`
      for (const { headers } of upstream.requests) {
        assert.equal(headers['host'], `${name}.test`)
        assert.ok([undefined, own].includes(headers['authorization']), 'credentials of the other')
      }
    }
  })

  for (const [name, value] of [
    ['NO_PROXY', '.test'],
    ['no_proxy', 'other.example, registry.TEST.:1'],
  ] as const) {
    test(`${name}=${value} leads around the proxy (FC-46)`, needs(...NAMING_PROGRAMS), async () => {
      await using proxy = await startFakeProxy()
      await using names = await nameHosts({ 'registry.test': ['127.0.0.1'] })
      // Nobody is there: what counts is that the proxy is not asked.
      const env = { HTTPS_PROXY: proxy.url(), [name]: value }
      await using server = await serve(
        { 'lab.test': { url: 'https://registry.test:1' } },
        { env, launcher: names.launcher },
      )
      const { detail } = errorOf(await pull(server))
      assert.deepEqual([detail['cause'], detail['route'], proxy.connections], ['connection-refused', 'direct', 0])
    })
  }

  for (const [what, answer, cause, status] of [
    ['does not know the name', 'nxdomain', 'name-not-resolved', 502],
    ['fails', 'servfail', 'name-not-resolved', 502],
    ['is silent (FC-28)', 'silence', 'name-not-resolved', 502],
  ] as const) {
    test(
      `a name server that ${what}: ${cause} within 10 s, and what is cached at once (D-17)`,
      needs(...NAMING_PROGRAMS),
      async () => {
        await using names = await nameHosts({ 'registry.test': ['127.0.0.1'] })
        await using upstream = await startFakeUpstream({ images })
        const settings = { url: `http://registry.test:${upstream.port}`, revalidate: '0s' }
        await using server = await serve({ 'lab.test': settings }, { launcher: names.launcher })
        assert.equal((await pull(server)).status, 200)
        names.dns.names.set('registry.test', answer)
        upstream.resetAll()
        const { value: cached, ms } = await timed(() => pull(server))
        assert.equal(cached.status, 200)
        assert.ok(ms < 2500, `${ms} ms`)
        const { value: cold, ms: whole } = await timed(() => pull(server, '/v2/lab.test/library/c/manifests/1'))
        assert.deepEqual(
          [cold.status, errorOf(cold).detail['cause'], errorOf(cold).detail['hop']],
          [status, cause, 'dns'],
        )
        assert.ok(whole < 12_000, `${whole} ms`)
        assert.match(errorOf(cold).message, /registry\.test/)
      },
    )
  }

  test(
    'a name of several addresses is reached at the one where somebody is (D-17)',
    needs(...NAMING_PROGRAMS),
    async () => {
      await using names = await nameHosts({ 'registry.test': ['127.0.0.1'] })
      await using upstream = await startFakeUpstream({ images })
      const settings = { url: `http://registry.test:${upstream.port}`, revalidate: '0s' }
      await using server = await serve({ 'lab.test': settings }, { launcher: names.launcher })
      assert.equal((await pull(server)).status, 200)
      names.dns.names.set('registry.test', ['127.0.0.99', '127.0.0.1'])
      upstream.resetAll()
      assert.equal((await pull(server)).headers['warning'], undefined)
    },
  )

  test('it starts and serves with every upstream, name and proxy dead, and says so in time (FC-17, B.6)', async () => {
    const dead = await freePort()
    const upstreams = {
      'lab.test': { url: `http://127.0.0.1:${dead}` },
      'other.test': { routes: [`http://127.0.0.1:${dead}`] },
    }
    await using server = await serve(upstreams, {
      config: { proxy: { remoteurl: 'https://nowhere.test' }, egress: { routes: [`socks5h://127.0.0.1:${dead}`] } },
    })
    using client = await server.client()
    await client.pushImage('team/app', image, '1')
    assert.equal((await pull(server, '/v2/team/app/manifests/1')).status, 200)
    const { value: all, ms } = await timed(() =>
      Promise.all(
        ['lab.test/library/a', 'other.test/x/y', 'library/z'].map((name) => pull(server, `/v2/${name}/manifests/1`)),
      ),
    )
    for (const { status, text } of all) assert.equal(status, 502, text)
    assert.ok(ms < 12_000, `${ms} ms`)
  })
})
