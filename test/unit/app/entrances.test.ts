import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { type Entrances, openEntrances, type Serving } from '../../../src/app/entrances.ts'
import { openLog } from '../../../src/base/log.ts'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { Handler } from '../../../src/http/route.ts'
import type { NameAsked } from '../../../src/registry/addressing.ts'
import { RegistryClient } from '../../helpers/registry-client.ts'

const signIn = {
  ...{ required: false, challenge: '' },
  callerFor: async () => ({ account: '', may: () => true }),
}

const health = { admit: () => undefined, degraded: undefined }

interface Opened extends AsyncDisposable {
  readonly entrances: Entrances
  /** Of the server's own address, and of the mirror's. */
  readonly main: RegistryClient
  readonly mirror: RegistryClient
  /** What was to be located, in order. */
  readonly asked: NameAsked[]
  serve(handler: Handler): void
}

function open(upstreams: string, http = ''): Promise<Entrances> {
  const text = `version: 0.1
storage: { filesystem: { rootdirectory: /nowhere } }
http: { addr: "127.0.0.1:0", draintimeout: 60s${http} }
upstreams: ${upstreams}
`
  const { config } = loadConfig({ text, name: 'c.yml' })
  const log = openLog({ level: 'error', write: () => undefined })
  return openEntrances(config, { log, most: undefined })
}

async function opened(upstreams: string, http?: string): Promise<Opened> {
  const entrances = await open(upstreams, http)
  const main = new RegistryClient(`http://${entrances.address}`)
  const mirror = new RegistryClient(`http://${entrances.mirrors[0]?.address}`)
  const asked: NameAsked[] = []
  return {
    ...{ entrances, main, mirror, asked },
    serve(handler) {
      const serving: Serving = {
        routes: [{ methods: ['GET'], path: '/v2/:name+/manifests/:reference', access: 'pull', handler }],
        signIn: { ...signIn, mirrorOf: () => signIn },
        async locate(name) {
          asked.push(name)
          return { repository: name.name }
        },
        ...{ upstreams: ['docker.io', 'quay.io'], health, via: 'homeport-test' },
      }
      entrances.serve(serving)
    },
    async [Symbol.asyncDispose]() {
      main[Symbol.dispose]()
      mirror[Symbol.dispose]()
      await entrances[Symbol.asyncDispose]()
    },
  }
}

const HUB = '{ docker.io: { listen: "127.0.0.1:0", hosts: [Hub.lan] }, quay.io: {} }'

test('the listener of an upstream answers probes at once, and 503 until the server is ready', async () => {
  await using both = await opened(HUB)
  const ask = async (path: string) => (await both.mirror.request('GET', path)).status
  assert.deepEqual([await ask('/healthz'), await ask('/readyz'), await ask('/v2/a/manifests/1')], [200, 503, 503])
  both.serve(() => ({ status: 200, headers: {} }))
  assert.deepEqual([await ask('/healthz'), await ask('/readyz'), await ask('/v2/a/manifests/1')], [200, 200, 200])
})

test('a request is bound by the listener, the host name, and the path before /v2, in that order', async () => {
  await using both = await opened(HUB, ', host: "https://Reg.lan:8443"')
  both.serve(() => ({ status: 200, headers: { location: '/v2/there' } }))
  const { main, mirror, asked } = both
  const locations = []
  for (const [client, path, host] of [
    [main, '/v2/a/manifests/1', 'other.lan:5000'],
    [main, '/v2/a/manifests/1?ns=x&ns=y', 'HUB.lan.:5000'],
    [main, '/quay.io/v2/a/manifests/1', 'other.lan'],
    [mirror, '/v2/a/manifests/1', 'other.lan'],
    [mirror, '/docker.io/v2/a/manifests/1', 'other.lan'],
  ] as const) {
    const { status, headers } = await client.request('GET', path, { headers: { host } })
    assert.equal(status, 200, path)
    locations.push(headers['location'])
  }
  const own = ['reg.lan:8443', 'reg.lan']
  const more = { name: 'a', write: false, blob: false, named: false }
  assert.deepEqual(asked, [
    { ...more, ns: [], own: ['other.lan:5000', 'other.lan', ...own] },
    { ...more, ns: ['x', 'y'], bound: 'docker.io', own: ['hub.lan.:5000', 'hub.lan', ...own] },
    { ...more, ns: [], bound: 'quay.io', own: ['other.lan', ...own] },
    { ...more, ns: [], bound: 'docker.io', own: ['other.lan', ...own] },
    { ...more, ns: [], bound: 'docker.io', own: ['other.lan', ...own] },
  ])
  assert.deepEqual(locations, ['/v2/there', '/v2/there', '/quay.io/v2/there', '/v2/there', '/docker.io/v2/there'])
  const { status } = await mirror.request('GET', '/quay.io/v2/a/manifests/1')
  assert.equal(status, 404)
})

test('below a prefix the listener of an upstream has it too, but not the path that a proxy takes away', async () => {
  await using both = await opened(HUB, ', prefix: /reg/, host: "https://lab.lan/outside/"')
  both.serve(() => ({ status: 200, headers: { location: '/v2/there' } }))
  const ask = async (client: RegistryClient, path: string) => (await client.request('GET', path)).headers['location']
  assert.equal(await ask(both.main, '/reg/quay.io/v2/a/manifests/1'), '/outside/reg/quay.io/v2/there')
  assert.equal(await ask(both.mirror, '/reg/v2/a/manifests/1'), '/reg/v2/there')
})

test('asked to end, all listeners take nobody new, and what runs at a mirror comes to its end (D-21)', async () => {
  await using both = await opened(HUB)
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  both.serve(async () => {
    begun.resolve()
    await goOn.promise
    return { status: 200, headers: {}, body: 'whole' }
  })
  const running = both.mirror.request('GET', '/v2/a/manifests/1')
  await begun.promise
  const drained = both.entrances.drain()
  for (const address of [both.entrances.address, both.entrances.mirrors[0]?.address]) {
    using late = new RegistryClient(`http://${address}`)
    await assert.rejects(late.request('GET', '/healthz'), /ECONNREFUSED|ECONNRESET|socket hang up/)
  }
  goOn.resolve()
  assert.equal((await running).text, 'whole')
  await drained
})

test('where an upstream’s listener cannot be, nothing is left open, and its setting is named', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const upstreams = `{ quay.io: { listen: "127.0.0.1:0" }, docker.io: { listen: "127.0.0.1:${port}" } }`
  await assert.rejects(open(upstreams), (error) => {
    assert.ok(error instanceof OperatorError)
    assert.equal(error.message, `Cannot listen on 127.0.0.1:${port}: another program does`)
    assert.equal(error.hint, 'end it, or set upstreams.docker.io.listen to another place')
    return true
  })
  taken.close()
})
