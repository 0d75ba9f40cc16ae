import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { issueCertificate } from '../helpers/certificates.ts'
import { startFakeCdn } from '../helpers/fake-cdn.ts'
import { startFakeProxy } from '../helpers/fake-proxy.ts'
import { startFakeTokenServer } from '../helpers/fake-token-server.ts'
import { startFakeUpstream } from '../helpers/fake-upstream.ts'
import { makeImage } from '../helpers/images.ts'
import { enterNamespace, NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { FILTER_PROGRAMS, filterPackets } from '../helpers/packet-filter.ts'
import { needs } from '../helpers/programs.ts'
import { RegistryClient } from '../helpers/registry-client.ts'
import { LAUNCHER } from '../helpers/server.ts'

const HOST = 'inside.example'
const PROXY_PORT = 3128
const OWN_PORT = 5000

/** How Homeport is told of its proxy. */
interface Way {
  readonly says: string
  readonly routes?: (proxy: string) => readonly string[]
  readonly env?: (proxy: string) => Record<string, string>
  /** Whom the proxy connects to, and how it was asked. */
  readonly by?: 'connect' | 'socks'
}

const WAYS: readonly Way[] = [
  { says: 'an HTTP proxy', by: 'connect', routes: (proxy) => [`http://ann:s3cret@${proxy}`] },
  { says: 'a SOCKS proxy that resolves names', by: 'socks', routes: (proxy) => [`socks5h://ann:s3cret@${proxy}`] },
  {
    says: 'the proxy of the environment',
    by: 'connect',
    env: (proxy) => ({ https_proxy: `http://ann:s3cret@${proxy}` }),
  },
  { says: 'nothing between', routes: () => ['direct'] },
]

test(
  'egress: with a proxy not one packet leaves past it, of DNS neither; and a packet that does is counted (FC-40, FC-41)',
  needs(...NAMESPACE_PROGRAMS, ...FILTER_PROGRAMS),
  async (t) => {
    const tls = await issueCertificate(['reg.example', 'auth.example', 'cdn.example'])
    const ca = await readFile(tls.ca, 'utf8')
    await using namespace = await enterNamespace(HOST)
    const filter = await filterPackets(namespace, [PROXY_PORT, OWN_PORT])
    await using tokens = await startFakeTokenServer({ tls })
    tokens.publicUrl = 'https://auth.example'
    await using cdn = await startFakeCdn({ tls })
    cdn.publicUrl = 'https://cdn.example'
    const image = makeImage('egress')
    await using upstream = await startFakeUpstream({ tls, images: { 'library/a:1': image }, auth: tokens, cdn })
    const hosts = { 'reg.example': upstream.port, 'auth.example': tokens.port, 'cdn.example': cdn.port }
    await using proxy = await startFakeProxy({ user: 'ann', password: 's3cret', hosts })
    await namespace.expose(proxy.port, PROXY_PORT)
    const reached = await namespace.reach(OWN_PORT)
    await namespace.write('/opt/ca.pem', ca)

    for (const { says, routes, env, by } of WAYS) {
      await t.test(says, async () => {
        const before = { stray: await filter.stray(), targets: proxy.targets.length }
        const at = `${HOST}:${PROXY_PORT}`
        const config = {
          version: 0.1,
          storage: { filesystem: { rootdirectory: namespace.folder.at(says.replaceAll(' ', '-')) } },
          http: { addr: `${HOST}:${OWN_PORT}` },
          upstreams: {
            'lab.example': { url: 'https://reg.example', ca: '/opt/ca.pem', ...(routes && { routes: routes(at) }) },
          },
        }
        await namespace.write('/opt/config.yml', JSON.stringify(config))
        await using server = namespace.start(LAUNCHER, ['serve', '/opt/config.yml'], {
          env: { no_proxy: '', NO_PROXY: '', ...env?.(at) },
        })
        await server.output(/listening on/)
        using client = new RegistryClient(`http://127.0.0.1:${reached}`)
        const name = 'lab.example/library/a'
        const asked = client.request('GET', `/v2/${name}/manifests/1`)
        if (by === undefined) {
          // It goes on trying for ten seconds; one packet is enough.
          asked.catch(() => undefined)
          while ((await filter.stray()) === before.stray);
          assert.equal(proxy.targets.length, before.targets)
          return
        }
        const { status, text } = await asked
        assert.equal(status, 200, text)
        for (const [digest, bytes] of image.blobs) {
          const blob = await client.request('GET', `/v2/${name}/blobs/${digest}`)
          assert.deepEqual([blob.status, blob.bytes.equals(bytes)], [200, true])
        }
        assert.equal((await filter.stray()) - before.stray, 0, server.stdout)
        const targets = proxy.targets.slice(before.targets)
        assert.deepEqual(
          new Set(targets.map((target) => `${target.by} ${target.target} ${target.named}`)),
          new Set(['reg', 'auth', 'cdn'].map((host) => `${by} ${host}.example:443 true`)),
        )
      })
    }

    await t.test('one connection of the test itself', async () => {
      const before = await filter.stray()
      const script = `
        const socket = require('node:net').connect({ host: '192.0.2.1', port: 443 })
        socket.on('error', () => process.exit())
        setTimeout(() => process.exit(), 200)`
      await namespace.run(process.execPath, ['--eval', script])
      assert.ok((await filter.stray()) > before)
    })
  },
)
