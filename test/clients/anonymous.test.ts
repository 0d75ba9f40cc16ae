import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { makeImage } from '../helpers/images.ts'
import { NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { writeLayout } from '../helpers/oci-layout.ts'
import { needs, program } from '../helpers/programs.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'
import { openBench } from './bench.ts'
import { makeContainersHome } from './containers-home.ts'
import { startContainerd, writeHostsToml } from './engines/containerd.ts'
import { Ctr, signIn } from './engines/ctr.ts'
import { type Docker, startDockerd } from './engines/dockerd.ts'
import { HOST, helloIndex, type Lab, PASSWORD, startLab, USER } from './engines/lab.ts'

/** Everybody pulls what is public; one account pushes, and pulls the rest. */
const ACCESS = [
  { who: 'anonymous', may: ['pull'], repositories: ['public/**'] },
  { who: USER, may: ['pull', 'push', 'delete'] },
]

/** What a client can do. Each call rejects where the client says that it failed. */
interface Client {
  /** Left out: it has no login of its own. */
  login?(password: string): Promise<unknown>
  logout?(): Promise<unknown>
  /** `account`: what it is given with the call itself, where it has no login. */
  pull(repository: string, account?: string): Promise<unknown>
  /** Of an image that it has. */
  push(repository: string): Promise<unknown>
}

const REFUSED = /unauthorized|authentication required|access denied|denied|401|no basic auth|authorization failed/i

/** Anonymous pulls beside pushes that sign in, with one client. */
async function steps(t: TestContext, client: Client, registry: RegistryClient): Promise<void> {
  await t.test('pulls what is public without a login (S15)', async () => void (await client.pull('public/hello')))

  await t.test('is refused what is private, and a push (S16)', async () => {
    await assert.rejects(client.pull('private/hello'), REFUSED)
    await assert.rejects(client.push('public/pushed'), REFUSED)
    assert.equal((await registry.request('HEAD', '/v2/public/pushed/manifests/v1')).status, 404)
  })

  if (client.login !== undefined) {
    await t.test('is told that a password is wrong (S17)', async () => {
      await assert.rejects(client.login?.('wrong') ?? Promise.resolve(), /unauthorized|invalid username|incorrect|401/i)
      await client.pull('public/hello')
    })
    await t.test('signs in', async () => void (await client.login?.(PASSWORD)))
  }

  await t.test('pushes, and pulls what is private, with a login (S16)', async () => {
    await client.push('public/pushed')
    assert.equal((await registry.request('HEAD', '/v2/public/pushed/manifests/v1')).status, 200)
    await client.pull('private/hello', PASSWORD)
    await client.pull('public/hello', PASSWORD)
  })

  if (client.logout === undefined) return
  await t.test('pulls what is public after it has signed out, and pushes no more (S15, S16)', async () => {
    await client.logout?.()
    await client.pull('public/pushed')
    await assert.rejects(client.push('public/again'), REFUSED)
  })
}

async function openLab(): Promise<Lab> {
  const lab = await startLab(`access: ${JSON.stringify(ACCESS)}\n`)
  for (const repository of ['public/hello', 'private/hello']) {
    await lab.client.pushImage(repository, helloIndex('docker'), 'v1')
  }
  return lab
}

async function docker(t: TestContext, lab: Lab, engine: Docker): Promise<void> {
  await engine.trust(lab.ca)
  const client: Client = {
    login: (password) => engine.login(USER, password),
    logout: () => engine.run(['logout', HOST]),
    async pull(repository) {
      await engine.run(['image', 'rm', '--force', `${HOST}/${repository}:v1`]).catch(() => undefined)
      await engine.pull(`${HOST}/${repository}:v1`)
    },
    async push(repository) {
      await engine.run(['tag', `${HOST}/public/hello:v1`, `${HOST}/${repository}:v1`])
      await engine.push(`${HOST}/${repository}:v1`)
    },
  }
  await steps(t, client, lab.client)
}

test('anonymous pulls: Docker 20.10', needs(...NAMESPACE_PROGRAMS, 'docker', 'dockerd-20'), async (t) => {
  await using lab = await openLab()
  await docker(t, lab, await startDockerd(lab.namespace, { dockerd: program('dockerd-20') }))
})

test(
  'anonymous pulls: Docker Engine 29',
  needs(...NAMESPACE_PROGRAMS, 'docker', 'dockerd-29', 'containerd-2.4'),
  async (t) => {
    await using lab = await openLab()
    const containerd = await startContainerd(lab.namespace, { containerd: program('containerd-2.4') })
    const engine = await startDockerd(lab.namespace, {
      dockerd: program('dockerd-29'),
      // As `docker-engine.test.ts` has them.
      args: ['--containerd', containerd.socket, '--feature', 'time-namespaces=false'],
      env: { DOCKER_MIN_API_VERSION: '1.41' },
    })
    await docker(t, lab, engine)
  },
)

test('anonymous pulls: podman', needs('ip', 'podman'), async (t) => {
  await using lab = await openLab()
  const home = await makeContainersHome(lab.namespace.folder.at('containers'))
  await home.trust(HOST, lab.ca)
  const podman = (args: readonly string[], input?: string) =>
    lab.namespace.run(program('podman'), args, { env: home.env, ...(input !== undefined && { input }) })
  const client: Client = {
    login: (password) => podman(['login', '--username', USER, '--password-stdin', HOST], password),
    logout: () => podman(['logout', HOST]),
    pull: (repository) => podman(['pull', '--quiet', `${HOST}/${repository}:v1`]),
    push: (repository) => podman(['push', `${HOST}/public/hello:v1`, `${HOST}/${repository}:v1`]),
  }
  await steps(t, client, lab.client)
})

for (const version of ['1.6', '2.4'] as const) {
  test(
    `anonymous pulls: containerd ${version}`,
    needs(...NAMESPACE_PROGRAMS, `containerd-${version}`, `ctr-${version}`),
    async (t) => {
      await using lab = await openLab()
      const containerd = await startContainerd(lab.namespace, { containerd: program(`containerd-${version}`) })
      const ctr = new Ctr(lab.namespace, program(`ctr-${version}`), containerd)
      await writeHostsToml(lab.namespace, lab.ca)
      const image = (repository: string) => `${HOST}/${repository}:v1`

      await t.test('pulls what is public without a login (S15)', () => ctr.pull(image('public/hello'), []))
      await t.test('is refused what is private', () => assert.rejects(ctr.pull(image('private/hello'), []), REFUSED))
      await t.test('is told that a password is wrong (S17)', () =>
        assert.rejects(ctr.pull(image('private/hello'), signIn(USER, 'wrong')), REFUSED),
      )
      await t.test('pushes and pulls with a password, at once (S16, S19)', async () => {
        await ctr.pull(image('private/hello'))
        await ctr.images('tag', image('public/hello'), image('public/pushed'))
        await ctr.push(image('public/pushed'))
        await ctr.pull(image('public/pushed'), [])
      })
    },
  )
}

test('anonymous pulls: crane', needs('crane'), async (t) => {
  await using bench = await openBench({ access: ACCESS })
  const image = makeImage('pulled without a login')
  await writeLayout(bench.folder.at('image'), { v1: image })
  for (const repository of ['public/hello', 'private/hello']) await bench.registry.pushImage(repository, image, 'v1')
  const { host } = bench
  const client: Client = {
    // It asks nobody whether the password is right before it keeps it.
    logout: () => bench.run('crane', ['auth', 'logout', host]),
    async pull(repository) {
      await bench.run('crane', ['pull', '--format=oci', `${host}/${repository}:v1`, `of-${repository}`])
    },
    push: (repository) => bench.run('crane', ['push', 'image', `${host}/${repository}:v1`]),
  }
  const login = (password: string) =>
    bench.run('crane', ['auth', 'login', host, '-u', USER, '--password-stdin'], { input: password })

  await t.test('pulls what is public without a login (S15)', async () => void (await client.pull('public/hello')))
  await t.test('is refused what is private, and a push (S16)', async () => {
    await assert.rejects(client.pull('private/hello'), REFUSED)
    await assert.rejects(client.push('public/pushed'), REFUSED)
  })
  await t.test('is refused with a wrong password (S17)', async () => {
    await login('wrong')
    await assert.rejects(client.push('public/pushed'), REFUSED)
    await assert.rejects(client.pull('public/hello'), REFUSED)
  })
  await t.test('pushes, pulls what is private, and lists, with a login (S16)', async () => {
    await login(PASSWORD)
    await client.push('public/pushed')
    await client.pull('private/hello')
    const { stdout } = await bench.run('crane', ['catalog', host])
    assert.equal(stdout, 'private/hello\npublic/hello\npublic/pushed\n')
  })
  await t.test('lists what is public without one', async () => {
    await client.logout?.()
    assert.equal((await bench.run('crane', ['catalog', host])).stdout, 'public/hello\npublic/pushed\n')
  })
})
