import type { Cause, Hop } from '../../src/upstream/upstream.ts'
import { issueCertificate } from '../helpers/certificates.ts'
import type { DnsAnswer } from '../helpers/fake-dns.ts'
import { type FakeProxy, startFakeProxy } from '../helpers/fake-proxy.ts'
import { startFakeUpstream } from '../helpers/fake-upstream.ts'
import { FAULTS, tooMany } from '../helpers/faults.ts'
import { makeImage } from '../helpers/images.ts'
import { freePort } from '../helpers/listening.ts'
import type { Fault } from '../helpers/scripted-reply.ts'

export type Way = 'direct' | 'proxy'

/** An upstream that fails, and what has to be told of it. */
export interface Scene {
  readonly way: Way
  readonly cause: Cause
  /** Its name, and what is configured for it. */
  readonly upstream: string
  readonly settings: object
  readonly status: number
  readonly code: string
  readonly hop: Hop
  /** What the upstream or the proxy answered with. */
  readonly answered?: number
  /** Facts in the body's detail. */
  readonly facts?: Readonly<Record<string, unknown>>
}

export interface Stage extends AsyncDisposable {
  readonly scenes: readonly Scene[]
  readonly names: Readonly<Record<string, DnsAnswer>>
  /** Whom every scene's proxy was asked for. */
  readonly proxies: readonly FakeProxy[]
}

/** Who signs what nobody trusts. */
const COMPANY = 'A company that reads along'
const LOOPBACK: DnsAnswer = ['127.0.0.1']
const CREDENTIALS = { user: 'alice', password: 's3cret-of-the-proxy' }

/** What an upstream that is reached answers, whatever the way. */
// biome-ignore format: one cause a line
const ANSWERS: readonly (Omit<Scene, 'way' | 'upstream' | 'settings'> & { readonly fault: Fault })[] = [
  { cause: 'denied', fault: FAULTS.denied, status: 403, code: 'DENIED', hop: 'manifest', answered: 403, facts: { said: 'DENIED: denied' } },
  { cause: 'blocked', fault: FAULTS.blocked, status: 403, code: 'DENIED', hop: 'manifest', answered: 403, facts: { title: 'Access from your country is not possible' } },
  { cause: 'not-found', fault: FAULTS.manifestUnknown, status: 404, code: 'MANIFEST_UNKNOWN', hop: 'manifest', answered: 404 },
  { cause: 'rate-limited', fault: tooMany('60'), status: 429, code: 'TOOMANYREQUESTS', hop: 'manifest', answered: 429 },
  { cause: 'upstream-broken', fault: FAULTS.broken, status: 502, code: 'UNAVAILABLE', hop: 'manifest', answered: 500 },
]

/** Eleven causes, directly and through an HTTP proxy, each an upstream of its own, made by what really goes wrong. */
export async function setStage(): Promise<Stage> {
  await using stack = new AsyncDisposableStack()
  const tls = await issueCertificate(['*.direct.test', '*.proxy.test'])
  const foreign = await issueCertificate(['*.direct.test', '*.proxy.test'], { by: COMPANY })
  const ca = tls.ca
  const images = { 'library/a:1': makeImage('causes') }
  const proxies: FakeProxy[] = []
  const scenes: Scene[] = []
  const names: Record<string, DnsAnswer> = {}

  const proxy = async (options: Parameters<typeof startFakeProxy>[0] = {}) => {
    const started = stack.use(await startFakeProxy({ ...CREDENTIALS, ...options }))
    proxies.push(started)
    return started
  }
  const good = await proxy()
  /** An upstream that answers with the fault, and leads there by either way. */
  const place = async (way: Way, name: string, fault: Fault, options: Parameters<typeof startFakeUpstream>[0] = {}) => {
    const host = `${name}.${way}.test`
    names[host] = way === 'direct' ? LOOPBACK : 'nxdomain'
    const upstream = stack.use(await startFakeUpstream({ images, tls, ...options }))
    upstream.allow('*')
    upstream.always('*', fault)
    good.hosts.set(host, upstream.port)
    const routes = way === 'direct' ? ['direct'] : [good.url()]
    return { upstream, host, settings: { url: `https://${host}:${upstream.port}`, ca, routes } }
  }
  const add = (scene: Scene) => scenes.push(scene)

  for (const way of ['direct', 'proxy'] as const) {
    for (const { fault, ...expected } of ANSWERS) {
      const { host, settings } = await place(way, expected.cause, fault)
      add({ way, ...expected, upstream: host, settings })
    }
    const login = await place(way, 'credentials', {}, { auth: { user: 'ci', password: 'right' } })
    const rejected = { username: 'ci', password: 'wrong-password-of-the-upstream' }
    const refused = { status: 403, code: 'DENIED', hop: 'manifest', answered: 401 } as const
    add({
      way,
      cause: 'credentials-rejected',
      upstream: login.host,
      settings: { ...login.settings, ...rejected },
      ...refused,
    })
  }

  const unavailable = { status: 502, code: 'UNAVAILABLE' } as const
  // Directly it is the upstream that is not there, or not what it says; through a proxy it is the proxy.
  names['unknown.direct.test'] = 'nxdomain'
  const unknown = { url: 'https://unknown.direct.test', routes: ['direct'] }
  add({
    way: 'direct',
    cause: 'name-not-resolved',
    upstream: 'unknown.direct.test',
    settings: unknown,
    hop: 'dns',
    ...unavailable,
  })
  names['nowhere.test'] = 'nxdomain'
  const nowhere = { url: 'https://unknown.proxy.test', routes: ['http://nowhere.test:3128'] }
  add({
    way: 'proxy',
    cause: 'name-not-resolved',
    upstream: 'unknown.proxy.test',
    settings: nowhere,
    hop: 'dns',
    ...unavailable,
    facts: { proxy: 'nowhere.test:3128' },
  })

  names['closed.direct.test'] = LOOPBACK
  const [closed, closedProxy] = [await freePort(), await freePort()]
  const refusing = { url: `https://closed.direct.test:${closed}`, routes: ['direct'] }
  add({
    way: 'direct',
    cause: 'connection-refused',
    upstream: 'closed.direct.test',
    settings: refusing,
    hop: 'connect',
    ...unavailable,
    facts: { code: 'ECONNREFUSED' },
  })
  const dead = { url: 'https://closed.proxy.test', routes: [`http://127.0.0.1:${closedProxy}`] }
  add({
    way: 'proxy',
    cause: 'connection-refused',
    upstream: 'closed.proxy.test',
    settings: dead,
    hop: 'connect',
    ...unavailable,
    facts: { proxy: `127.0.0.1:${closedProxy}` },
  })

  // Directly nobody is there who could refuse in a proxy's place: an upstream that answers as one is broken (FC-45).
  const pretender = await place('direct', 'pretender', {
    ...FAULTS.blocked,
    status: 407,
    headers: { 'proxy-authenticate': 'Basic realm="x"', 'content-type': 'text/html' },
  })
  add({
    way: 'direct',
    cause: 'upstream-broken',
    upstream: pretender.host,
    settings: pretender.settings,
    hop: 'manifest',
    answered: 407,
    ...unavailable,
  })
  const forbidding = await proxy()
  forbidding.mode = 403
  const forbidden = { url: 'https://forbidden.proxy.test', routes: [forbidding.url()] }
  add({
    way: 'proxy',
    cause: 'proxy-refused',
    upstream: 'forbidden.proxy.test',
    settings: forbidden,
    hop: 'proxy',
    answered: 403,
    ...unavailable,
    facts: { proxy: `127.0.0.1:${forbidding.port}` },
  })
  const asking = await proxy()
  asking.mode = 407
  const asked = { url: 'https://password.proxy.test', routes: [asking.url()] }
  add({
    way: 'proxy',
    cause: 'proxy-refused',
    upstream: 'password.proxy.test',
    settings: asked,
    hop: 'proxy',
    answered: 407,
    ...unavailable,
    facts: { scheme: 'NTLM' },
  })

  const distrusted = await place('direct', 'distrusted', {}, { tls: foreign })
  add({
    way: 'direct',
    cause: 'tls-untrusted',
    upstream: distrusted.host,
    settings: distrusted.settings,
    hop: 'tls',
    ...unavailable,
    facts: { issuer: COMPANY },
  })
  const inspected = await place('proxy', 'inspected', {})
  const inspecting = await proxy({ inspect: foreign, hosts: { [inspected.host]: inspected.upstream.port } })
  const readAlong = { ...inspected.settings, routes: [inspecting.url()] }
  add({
    way: 'proxy',
    cause: 'tls-untrusted',
    upstream: inspected.host,
    settings: readAlong,
    hop: 'tls',
    ...unavailable,
    facts: { issuer: COMPANY },
  })

  const late = { status: 504, code: 'UNAVAILABLE', cause: 'timeout' } as const
  const hanging = await place('direct', 'hanging', FAULTS.hang)
  add({ way: 'direct', upstream: hanging.host, settings: hanging.settings, hop: 'manifest', ...late })
  const hangingProxy = await proxy()
  hangingProxy.mode = 'hang'
  const hung = { url: 'https://hanging.proxy.test', routes: [hangingProxy.url()] }
  add({
    way: 'proxy',
    upstream: 'hanging.proxy.test',
    settings: hung,
    hop: 'proxy',
    ...late,
    facts: { proxy: `127.0.0.1:${hangingProxy.port}` },
  })

  const parts = stack.move()
  return { ...{ scenes, names, proxies }, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
