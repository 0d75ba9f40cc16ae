import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Digest } from '../../src/oci/digest.ts'
import { issueCertificate } from '../helpers/certificates.ts'
import { startFakeUpstream } from '../helpers/fake-upstream.ts'
import { FAULTS } from '../helpers/faults.ts'
import { OWN_ARCHITECTURE } from '../helpers/hello-program.ts'
import { type Image, makeImage, makeIndex } from '../helpers/images.ts'
import { enterNamespace, NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { pauseProgram } from '../helpers/pause-program.ts'
import { needs } from '../helpers/programs.ts'
import { PROXY_PROGRAMS, startRealProxy } from '../helpers/real-proxies.ts'
import { startRealUpstream, UPSTREAM_PROGRAMS } from '../helpers/real-upstream.ts'
import { RegistryClient } from '../helpers/registry-client.ts'
import { startRelay } from '../helpers/relay.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { LAUNCHER, type Server, startServer } from '../helpers/server.ts'
import { HOSTS_DIR } from './engines/containerd.ts'
import { KUBERNETES_PROGRAMS, type Kubernetes, startKubernetes } from './engines/kubernetes.ts'

const NAME = 'registry.test'
const HOST = `${NAME}:5000`
/** Of the namespace, where the line to the proxy ends: its only way out. */
const LINE = { host: '198.51.100.7', port: 3128 }

/** Only the proxy knows these hosts. */
const HOSTS = { 'hub.test': '127.0.0.1', 'quay.test': '127.0.0.1', 'k8s.test': '127.0.0.1', 'ghcr.test': '127.0.0.1' }

const CI = { user: 'ci', password: 's3cret' }
const OTHER_PLATFORM = { os: 'linux', architecture: 's390x' }

/** What the Deployment runs: images of two registries, Calico's names among them, and one of its own. */
const PUBLIC = [
  'docker.io/library/web:1',
  'docker.io/calico/cni:v3.28.0',
  'quay.io/calico/node:v3.28.0',
  'quay.io/tigera/operator:v1.34.0',
]
const PRIVATE = `${HOST}/team/private:v1`
const PAUSE = 'registry.k8s.io/pause:3.10'

test(
  'a Kubernetes behind a proxy on a line that breaks runs images of three registries and a private one, and comes up again from the cache alone',
  needs(...NAMESPACE_PROGRAMS, ...KUBERNETES_PROGRAMS, ...PROXY_PROGRAMS.squid, ...UPSTREAM_PROGRAMS),
  async (t) => {
    const pause = await pauseProgram()
    const images = Object.fromEntries([...PUBLIC, PAUSE, PRIVATE].map((name) => [name, podImage(name, pause)]))
    const imageOf = (name: string): Image => images[name] ?? assert.fail(name)
    const of = (registry: string) =>
      Object.fromEntries(
        Object.entries(images)
          .filter(([name]) => name.startsWith(`${registry}/`))
          .map(([name, image]) => [name.slice(registry.length + 1), image]),
      )

    await using outside = new AsyncDisposableStack()
    const tls = await issueCertificate([NAME, ...Object.keys(HOSTS)])
    const upstreams = {
      'docker.io': outside.use(await startRealUpstream({ images: of('docker.io'), tls })),
      'quay.io': outside.use(await startRealUpstream({ images: of('quay.io'), tls })),
      'registry.k8s.io': outside.use(await startRealUpstream({ images: of('registry.k8s.io'), tls })),
    }
    const blocked = outside.use(await startFakeUpstream({ tls }))
    blocked.always('*', FAULTS.blocked)
    const squid = outside.use(await startRealProxy('squid', { hosts: HOSTS }))
    const line = outside.use(
      await startRelay({ to: { host: '127.0.0.1', port: squid.port }, resetEveryMs: 1000, refuseMs: 300 }),
    )

    await using namespace = await enterNamespace(NAME)
    await namespace.expose(line.port, LINE.port)
    const portOf = ({ host }: { host: string }) => host.split(':')[1]
    await using server = await startServer({
      tls,
      users: { [CI.user]: CI.password },
      launcher: await namespace.launcher(LAUNCHER),
      http: { addr: '0.0.0.0:5000' },
      config: {
        upstreams: {
          'docker.io': { default: true, url: `https://hub.test:${portOf(upstreams['docker.io'])}` },
          'quay.io': { url: `https://quay.test:${portOf(upstreams['quay.io'])}` },
          'registry.k8s.io': { url: `https://k8s.test:${portOf(upstreams['registry.k8s.io'])}` },
          'ghcr.io': { url: `https://ghcr.test:${blocked.port}` },
        },
        egress: { routes: [squid.url().replace(/127\.0\.0\.1:\d+/, `${LINE.host}:${LINE.port}`)], ca: tls.ca },
        access: [
          { who: 'anonymous', may: ['pull'], repositories: ['*.io/**', 'registry.k8s.io/**'] },
          { who: CI.user, may: ['pull', 'push', 'delete'] },
        ],
      },
    })
    using client = await clientOf(server, await namespace.reach(5000))
    await client.pushImage('team/private', imageOf(PRIVATE), 'v1')
    // What the node's runtime asks for: this server is the mirror and the last host, so that its errors are shown.
    for (const registry of ['docker.io', 'quay.io', 'registry.k8s.io', 'ghcr.io', HOST]) {
      await namespace.write(
        `${HOSTS_DIR}/${registry}/hosts.toml`,
        `server = "https://${HOST}"\nca = "${tls.ca}"\ncapabilities = ["pull", "resolve"]\n`,
      )
    }
    const cluster = await startKubernetes(namespace, { pause: PAUSE })
    await cluster.kubectl([
      ...['create', 'secret', 'docker-registry', 'login', `--docker-server=${HOST}`],
      ...[`--docker-username=${CI.user}`, `--docker-password=${CI.password}`],
    ])

    await t.test('every pod runs at the first try, and every byte came through here', async () => {
      await cluster.apply(deployment())
      await allRun(cluster)
      const failures = (await events(cluster)).filter(({ reason }) => /Failed|BackOff/.test(reason))
      assert.deepEqual(failures, [])
      const served = bytesServed(server)
      for (const [name, image] of Object.entries(images)) {
        for (const [digest, bytes] of ownBlobs(image)) {
          assert.ok((served.get(digest) ?? 0) >= bytes.length, `${digest} of ${name} did not come through here`)
        }
      }
      assert.ok(line.cuts > 0, 'the line never broke')
    })

    await t.test('an image that is blocked by location: kubectl describe says so', async () => {
      await cluster.apply(pod('blocked', 'ghcr.io/owner/app:1'))
      const { stdout } = await cluster.until(['describe', 'pod', 'blocked'], (said) => /Failed/.test(said.stdout))
      assert.match(stdout, /location/)
      assert.match(stdout, /Access from your country is not possible/)
      await cluster.kubectl(['delete', 'pod', 'blocked', '--grace-period=0', '--force'])
    })

    // The Internet is gone: the line, the proxy, and all that is behind it.
    await outside.disposeAsync()

    await t.test('without the Internet, each is pulled again, by tag and by digest', async () => {
      for (const name of [...PUBLIC, PAUSE]) {
        const [, registry = '', path = '', tag = ''] = /^([^/]+)\/(.+):([^:]+)$/.exec(name) ?? []
        const image = imageOf(name)
        for (const reference of [tag, image.manifest.digest]) {
          const { status, headers } = await client.request('GET', `/v2/${path}/manifests/${reference}?ns=${registry}`, {
            headers: { accept: '*/*' },
          })
          assert.deepEqual([status, headers['docker-content-digest']], [200, image.manifest.digest], name)
        }
        for (const digest of ownBlobs(image).keys()) {
          assert.equal((await client.pullBlob(`${registry}/${path}`, digest)).digest, digest)
        }
      }
    })

    await t.test('a platform that nobody pulled is an error that says why', async () => {
      const name = PUBLIC[0] ?? ''
      const [, other] = imageOf(name).children
      const path = `/v2/${name.replace(/:.*$/, '')}/manifests/${other?.manifest.digest}`
      const { status, text } = await client.request('GET', path, { headers: { accept: '*/*' } })
      assert.ok(status === 502 || status === 504, `${status}: ${text}`)
      const [error] = JSON.parse(text).errors
      assert.equal(error.code, 'UNAVAILABLE')
      assert.match(error.message, /docker\.io/)
      assert.match(error.message, /198\.51\.100\.7:3128/)
    })

    await t.test('the node loses its images, and the Deployment comes up again from the cache alone', async () => {
      await cluster.kubectl(['scale', 'deployment', 'lab', '--replicas=0'])
      await cluster.until(['get', 'pods', '-o', 'name'], ({ stdout }) => stdout.trim() === '')
      await cluster.until(['get', '--raw', '/readyz'], () => true)
      await noContainers(cluster)
      const { stdout } = await cluster.crictl('images', '--quiet')
      await cluster.crictl('rmi', ...new Set(stdout.trim().split('\n')))
      assert.equal((await cluster.crictl('images', '--quiet')).stdout.trim(), '')
      const before = bytesServed(server)
      await cluster.kubectl(['scale', 'deployment', 'lab', '--replicas=1'])
      await allRun(cluster)
      const after = bytesServed(server)
      for (const image of Object.values(images)) {
        for (const [digest, bytes] of ownBlobs(image)) {
          assert.ok(
            (after.get(digest) ?? 0) - (before.get(digest) ?? 0) >= bytes.length,
            `${digest} was not pulled anew`,
          )
        }
      }
    })
  },
)

/** A program that waits, with a mebibyte that makes the image its own; and the same for a machine that is not there. */
function podImage(name: string, pause: Buffer): Image {
  const layers = [
    [{ path: 'pause', bytes: pause, mode: 0o755 }],
    [{ path: 'own.bin', bytes: seededBytes(name, 1024 * 1024) }],
  ]
  const own = makeImage(name, {
    layers,
    command: ['/pause'],
    platform: { os: 'linux', architecture: OWN_ARCHITECTURE },
  })
  return makeIndex([own, makeImage(`${name} elsewhere`, { platform: OTHER_PLATFORM })])
}

/** Of the image for this machine. */
function ownBlobs({ children }: Image): ReadonlyMap<Digest, Buffer> {
  return children[0]?.blobs ?? new Map()
}

function containersOf(images: readonly string[]) {
  return images.map((image, index) => ({
    ...{ name: `c${index}`, image, command: ['/pause'], imagePullPolicy: 'IfNotPresent' },
  }))
}

function deployment(): object {
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'lab' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'lab' } },
      template: {
        metadata: { labels: { app: 'lab' } },
        spec: {
          ...{ terminationGracePeriodSeconds: 0, imagePullSecrets: [{ name: 'login' }] },
          containers: containersOf([...PUBLIC, PRIVATE]),
        },
      },
    },
  }
}

function pod(name: string, image: string): object {
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
    spec: { containers: containersOf([image]), terminationGracePeriodSeconds: 0 },
  }
}

async function allRun(cluster: Kubernetes): Promise<void> {
  await cluster.until(['get', 'deployment', 'lab', '-o', 'json'], ({ stdout }) => {
    return JSON.parse(stdout).status.readyReplicas === 1
  })
}

async function noContainers(cluster: Kubernetes): Promise<void> {
  for (;;) {
    const { stdout } = await cluster.crictl('pods', '--quiet')
    const ids = stdout
      .trim()
      .split('\n')
      .filter((id) => id !== '')
    if (ids.length === 0) return
    await cluster.crictl('rmp', '--force', ...ids).catch(() => undefined)
  }
}

async function events(cluster: Kubernetes): Promise<{ reason: string; message: string }[]> {
  const { stdout } = await cluster.kubectl(['get', 'events', '-o', 'json'])
  const items: { reason: string; message: string }[] = JSON.parse(stdout).items
  return items.map(({ reason, message }) => ({ reason, message }))
}

async function clientOf({ ca }: Server, port: number): Promise<RegistryClient> {
  const { readFile } = await import('node:fs/promises')
  return new RegistryClient(`https://localhost:${port}`, {
    credentials: CI,
    ...(ca !== undefined && { ca: await readFile(ca, 'utf8') }),
  })
}

/** Of each blob, by the log of answers that were sent whole. */
function bytesServed({ log }: Server): Map<string, number> {
  const served = new Map<string, number>()
  for (const line of log) {
    const digest = line['vars.digest']
    const isAnswer = line.msg === 'response completed' && line['http.request.method'] === 'GET'
    if (typeof digest !== 'string' || !isAnswer) continue
    served.set(digest, (served.get(digest) ?? 0) + Number(line['http.response.written']))
  }
  return served
}
