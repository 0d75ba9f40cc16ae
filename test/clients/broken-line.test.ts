import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Image } from '../helpers/images.ts'
import { NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import type { Outcome } from '../helpers/processes.ts'
import { needs, type ProgramName, program } from '../helpers/programs.ts'
import { PROXY_PROGRAMS } from '../helpers/real-proxies.ts'
import { UPSTREAM_PROGRAMS } from '../helpers/real-upstream.ts'
import { makeContainersHome } from './containers-home.ts'
import {
  CACHE,
  type CacheLab,
  largeImage,
  MIRROR,
  type Outside,
  startCacheLab,
  startOutside,
} from './engines/cache-lab.ts'
import { HOSTS_DIR, startContainerd } from './engines/containerd.ts'
import { startDockerd } from './engines/dockerd.ts'

const MEBIBYTE = 1024 * 1024
const LAYERS = [150, 90, 50, 10]
const SIZE = LAYERS.reduce((sum, size) => sum + size, 0) * MEBIBYTE

/** An undisturbed pull lasts 15 seconds; the line is reset each second, and refuses for a third of one. */
const LINE = { bytesPerSecond: SIZE / 15, resetEveryMs: 1000, refuseMs: 300 }
const FEWEST_CUTS = 10
/** Of what was fetched, to the size of the image. */
const MOST_FETCHED = 1.05
const PULL_MS = 300_000

interface Way {
  readonly name: string
  readonly programs: readonly ProgramName[]
  /** Makes the client ready to pull through the cache. */
  ready(lab: CacheLab): Promise<Client>
}

interface Client {
  /** Pulls `:1`, or `@sha256:…`, with one command, and resolves to the digest that the client has for it then. */
  pull(reference: string): Promise<string>
  /** Lets go of what it pulled. */
  forget?(reference: string): Promise<unknown>
}

const HUB = 'docker.io/library/big'
const FULL = `${CACHE}/${HUB}`

const WAYS: readonly Way[] = [
  containerd('1.6', 'containerd 1.6, by hosts.toml, with ns', `[host."https://${CACHE}"]`),
  containerd(
    '2.4',
    'containerd 2.4, by hosts.toml, with a path',
    `[host."https://${CACHE}/v2/docker.io"]\noverride_path = true`,
  ),
  crictl(),
  docker('20', 'docker 20.10, by registry-mirrors', 'big'),
  docker('20', 'docker 20.10, by full name', FULL),
  docker('29', 'Docker Engine 29, by registry-mirrors', 'big'),
  docker('29', 'Docker Engine 29, by full name', FULL),
  podman(),
  skopeo(),
  crane(),
]

function containerd(version: '1.6' | '2.4', name: string, host: string): Way {
  return {
    name,
    programs: [`containerd-${version}`, `ctr-${version}`],
    async ready({ namespace, ca }) {
      await namespace.write(`${HOSTS_DIR}/docker.io/hosts.toml`, hostsToml(host, ca))
      const { socket } = await startContainerd(namespace, { containerd: program(`containerd-${version}`) })
      const ctr = (...args: readonly string[]) =>
        namespace.run(program(`ctr-${version}`), ['--address', socket, ...args], { timeoutMs: PULL_MS })
      return {
        async pull(reference) {
          await ctr('images', 'pull', '--hosts-dir', HOSTS_DIR, `${HUB}${reference}`)
          return digestIn(await ctr('images', 'list', `name==${HUB}${reference}`))
        },
        async forget(reference) {
          await ctr('images', 'remove', '--sync', `${HUB}${reference}`)
          await ctr('content', 'prune', 'references')
        },
      }
    },
  }
}

/** Without another host behind it: what the cache cannot give is not there. */
function hostsToml(host: string, ca: string): string {
  return `server = "https://${CACHE}/nowhere"\n${host}\ncapabilities = ["pull", "resolve"]\nca = "${ca}"\n`
}

function crictl(): Way {
  return {
    name: 'crictl, as a kubelet pulls',
    programs: ['containerd-2.4', 'crictl'],
    async ready({ namespace, ca }) {
      await namespace.write(`${HOSTS_DIR}/docker.io/hosts.toml`, hostsToml(`[host."https://${CACHE}"]`, ca))
      const { socket } = await startContainerd(namespace, {
        containerd: program('containerd-2.4'),
        config: `version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = '${HOSTS_DIR}'\n`,
      })
      const endpoints = ['--runtime-endpoint', `unix://${socket}`, '--image-endpoint', `unix://${socket}`]
      const ask = (...args: readonly string[]) =>
        namespace.run(program('crictl'), [...endpoints, '--timeout', '5m', ...args], { timeoutMs: PULL_MS })
      return {
        async pull(reference) {
          await ask('pull', `${HUB}${reference}`)
          return digestIn(await ask('inspecti', '--output', 'json', `${HUB}${reference}`), /@(sha256:[0-9a-f]{64})/)
        },
        forget: (reference) => ask('rmi', `${HUB}${reference}`),
      }
    },
  }
}

function docker(version: '20' | '29', name: string, image: string): Way {
  const containerdOf29: readonly ProgramName[] = version === '29' ? ['containerd-2.4'] : []
  return {
    name,
    programs: ['docker', `dockerd-${version}`, ...containerdOf29],
    async ready({ namespace, ca }) {
      const options = ['--registry-mirror', `https://${MIRROR}`]
      const dockerd =
        version === '20'
          ? await startDockerd(namespace, { dockerd: program('dockerd-20'), args: options })
          : await startDockerd(namespace, {
              dockerd: program('dockerd-29'),
              args: [...options, '--containerd', await socketFor29(namespace), '--feature', 'time-namespaces=false'],
              // With the image store of containerd it looks for no authority of a mirror in certs.d.
              env: { DOCKER_MIN_API_VERSION: '1.41', SSL_CERT_FILE: ca },
            })
      for (const host of [CACHE, MIRROR]) await dockerd.trust(ca, host)
      const ask = (...args: readonly string[]) =>
        namespace.run(program('docker'), args, { env: dockerd.env, timeoutMs: PULL_MS })
      return {
        pull: async (reference) => digestIn(await ask('pull', `${image}${reference}`), /^Digest: (\S+)$/m),
        forget: (reference) => ask('image', 'rm', `${image}${reference}`),
      }
    },
  }
}

async function socketFor29(namespace: CacheLab['namespace']): Promise<string> {
  return (await startContainerd(namespace, { containerd: program('containerd-2.4') })).socket
}

function podman(): Way {
  return {
    name: 'podman, by a mirror of registries.conf',
    programs: ['podman'],
    async ready({ namespace, ca }) {
      const home = await makeContainersHome(namespace.folder.at('containers'), 'overlay')
      await home.trust(CACHE, ca)
      await writeFile(
        join(home.env['HOME'] ?? '', '.config/containers/registries.conf'),
        `[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "${CACHE}/docker.io"\n`,
      )
      const ask = (...args: readonly string[]) =>
        namespace.run(program('podman'), args, { env: home.env, timeoutMs: PULL_MS })
      return {
        async pull(reference) {
          await ask('pull', `${HUB}${reference}`)
          return digestIn(await ask('image', 'inspect', '--format={{json .RepoDigests}}', `${HUB}${reference}`))
        },
        forget: (reference) => ask('image', 'rm', `${HUB}${reference}`),
      }
    },
  }
}

function skopeo(): Way {
  return {
    name: 'skopeo, by full name',
    programs: ['skopeo'],
    async ready({ namespace, ca }) {
      const home = await makeContainersHome(namespace.folder.at('containers'))
      await home.trust(CACHE, ca)
      let copies = 0
      return {
        async pull(reference) {
          copies += 1
          const [to, file] = [namespace.folder.at(`copy-${copies}`), namespace.folder.at(`digest-${copies}`)]
          await namespace.run(
            program('skopeo'),
            ['copy', '--all', '--digestfile', file, `docker://${FULL}${reference}`, `dir:${to}`],
            { env: home.env, timeoutMs: PULL_MS },
          )
          return digestIn(await namespace.run(program('sh'), ['-c', `cat '${file}'`]))
        },
      }
    },
  }
}

function crane(): Way {
  return {
    name: 'crane, by full name',
    programs: ['crane'],
    async ready({ namespace, ca }) {
      const env = { SSL_CERT_FILE: ca, HOME: namespace.folder.path }
      let copies = 0
      return {
        async pull(reference) {
          copies += 1
          const to = namespace.folder.at(`pulled-${copies}`)
          const image = `${FULL}${reference}`
          await namespace.run(program('crane'), ['pull', '--platform=linux/amd64', '--format=oci', image, to], {
            ...{ env, timeoutMs: PULL_MS },
          })
          return digestIn(await namespace.run(program('crane'), ['digest', image], { env }))
        },
      }
    },
  }
}

function digestIn({ stdout }: Outcome, pattern = /(sha256:[0-9a-f]{64})/): string {
  const [, digest] = pattern.exec(stdout) ?? []
  assert.ok(digest, `no digest in ${stdout}`)
  return digest
}

let outside: Outside
let big: Image

before(async () => {
  big = largeImage('big', LAYERS)
  outside = await startOutside({ 'library/big:1': big }, LINE)
})
after(async () => await outside[Symbol.asyncDispose]())

for (const { name, programs, ready } of WAYS) {
  test(
    `${name}: 300 MiB over a line that breaks each second`,
    needs(...NAMESPACE_PROGRAMS, ...PROXY_PROGRAMS.squid, ...UPSTREAM_PROGRAMS, ...programs),
    async (t) => {
      await using lab = await startCacheLab(outside, LINE)
      const client = await ready(lab)
      const expected = [big, ...big.children].map(({ manifest }) => manifest.digest as string)
      const pull = async (reference: string) => {
        const digest = await client.pull(reference).catch((error: unknown) => {
          for (const line of lab.server.log.slice(-40)) t.diagnostic(JSON.stringify(line))
          throw error
        })
        assert.ok(expected.includes(digest), `${digest} is none of ${expected.join(', ')}`)
      }

      await t.test('is pulled at the first try, and little is fetched twice', async () => {
        await pull(':1')
        const { cuts, bytesDown } = lab.line
        const received = await lab.received()
        const shares = [received, bytesDown].map((bytes) => (bytes / SIZE).toFixed(3))
        t.diagnostic(`${cuts} cuts, ${shares.join(' and ')} of the image received, by our count and the line's`)
        assert.ok(cuts >= FEWEST_CUTS, `the line broke only ${cuts} times`)
        assert.ok(
          received >= SIZE && received <= bytesDown,
          `${received} bytes by our count, ${bytesDown} by the line's`,
        )
        assert.ok(bytesDown <= MOST_FETCHED * SIZE, `${bytesDown} of ${SIZE} bytes were fetched`)
      })

      await t.test('is pulled again with the line gone, by tag and by digest', async () => {
        lab.line.close()
        const digest = `@${big.manifest.digest}`
        await client.forget?.(':1')
        await pull(':1')
        await client.forget?.(':1')
        await pull(digest)
      })
    },
  )
}
