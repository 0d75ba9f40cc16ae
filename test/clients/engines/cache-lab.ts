import assert from 'node:assert/strict'
import { issueCertificate } from '../../helpers/certificates.ts'
import { type Image, makeImage, makeIndex } from '../../helpers/images.ts'
import { enterNamespace, type Namespace } from '../../helpers/namespace.ts'
import { startRealProxy } from '../../helpers/real-proxies.ts'
import { type RealUpstream, startRealUpstream } from '../../helpers/real-upstream.ts'
import { RegistryClient } from '../../helpers/registry-client.ts'
import { type Relay, startRelay } from '../../helpers/relay.ts'
import { seededBytes } from '../../helpers/seeded-bytes.ts'
import { type Server, startServer } from '../../helpers/server.ts'

const NAME = 'registry.test'

/** Homeport, as an engine in the namespace names it, and the listener of docker.io there. */
export const CACHE = `${NAME}:5000`
export const MIRROR = `${NAME}:5001`

/** What the upstream is called where only the proxy knows it. */
const HUB = 'hub.test'

export interface LineOptions {
  /** Of the upstream, over all connections. */
  readonly bytesPerSecond?: number
  /** Before the proxy: all connections are reset so often, and new ones refused for so long. */
  readonly resetEveryMs?: number
  readonly refuseMs?: number
}

/** Who pulls, from where: Debian's registry:2 behind squid behind a line that breaks, as the user's is. */
export interface CacheLab extends AsyncDisposable {
  readonly namespace: Namespace
  readonly server: Server
  /** Root certificate to trust, as a path. */
  readonly ca: string
  /** The line between Homeport and the proxy. */
  readonly line: Relay
  /** Bytes of blobs and manifests that Homeport counts as received from its upstream. */
  received(): Promise<number>
}

/** The upstream, its proxy, and the one slow line that it has; made once for many pulls. */
export interface Outside extends AsyncDisposable {
  readonly upstream: RealUpstream
  readonly proxyPort: number
  /** Of the proxy by another port: with its user and password. */
  proxyUrl(port: number): string
  /** Of the upstream, as the configuration has it. */
  readonly url: string
  readonly ca: string
}

export async function startOutside(
  images: Readonly<Record<string, Image>>,
  { bytesPerSecond }: LineOptions = {},
): Promise<Outside> {
  await using stack = new AsyncDisposableStack()
  const tls = await issueCertificate([HUB])
  const upstream = stack.use(await startRealUpstream({ images, tls }))
  const slow = stack.use(
    await startRelay({
      to: { host: '127.0.0.1', port: Number(upstream.host.split(':')[1]) },
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    }),
  )
  const squid = stack.use(await startRealProxy('squid', { hosts: { [HUB]: '127.0.0.1' } }))
  const held = stack.move()
  return {
    ...{ upstream, proxyPort: squid.port, url: `https://${HUB}:${slow.port}`, ca: tls.ca },
    proxyUrl: (port) => squid.url().replace(/:\d+$/, `:${port}`),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** A Homeport that has nothing yet, and a namespace for an engine. */
export async function startCacheLab(outside: Outside, { resetEveryMs, refuseMs }: LineOptions = {}): Promise<CacheLab> {
  await using stack = new AsyncDisposableStack()
  const line = stack.use(
    await startRelay({
      to: { host: '127.0.0.1', port: outside.proxyPort },
      ...(resetEveryMs !== undefined && { resetEveryMs }),
      ...(refuseMs !== undefined && { refuseMs }),
    }),
  )
  const tls = await issueCertificate([NAME])
  const server = stack.use(
    await startServer({
      tls,
      http: { debug: { addr: '127.0.0.1:0', prometheus: { enabled: true } } },
      config: {
        upstreams: { 'docker.io': { default: true, url: outside.url, ca: outside.ca, listen: '127.0.0.1:0' } },
        egress: { routes: [outside.proxyUrl(line.port)] },
      },
    }),
  )
  const namespace = stack.use(await enterNamespace(NAME))
  await namespace.expose(server.port, 5000)
  await namespace.expose(portIn(server, 'a mirror of docker.io is at'), 5001)
  const metrics = stack.use(new RegistryClient(`http://127.0.0.1:${portIn(server, 'debug server listening')}`))
  const held = stack.move()
  return {
    ...{ namespace, server, line, ca: tls.ca },
    async received() {
      const { text } = await metrics.request('GET', '/metrics')
      const counts = [...text.matchAll(/^homeport_upstream_received_bytes_total\{[^}]*\} (\S+)$/gm)]
      return counts.reduce((sum, [, count]) => sum + Number(count), 0)
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

function portIn({ log }: Server, sentence: string): number {
  const said = log.find(({ msg }) => msg?.startsWith(sentence))
  assert.ok(said, `no line of the log says '${sentence}'`)
  return Number(String(said['address']).split(':').at(-1))
}

/** An index: an image for this machine whose layers are so many mebibytes each, and a small one for another. */
export function largeImage(seed: string, mebibytes: readonly number[]): Image {
  const layers = mebibytes.map((size, index) => [
    { path: `layer-${index}`, bytes: seededBytes(`${seed} ${index}`, size * 1024 * 1024) },
  ])
  const other = makeImage(`${seed} elsewhere`, { platform: { os: 'linux', architecture: 's390x' } })
  return makeIndex([makeImage(seed, { layers }), other])
}
