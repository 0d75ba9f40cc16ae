import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { MEDIA_TYPES } from '../helpers/images.ts'
import { needs, program } from '../helpers/programs.ts'
import { makeContainersHome } from './containers-home.ts'
import { HELLO, HOST, helloIndex, PASSWORD, startLab, USER } from './engines/lab.ts'

const BASE = `${HOST}/team/hello:v1`
const COPY = `${HOST}/team/copy:v1`

/** As podman names them. */
const FORMATS = { oci: 'oci', docker: 'v2s2' } as const

for (const format of ['oci', 'docker'] as const) {
  test(`podman, with an image of ${format} types`, needs('ip', 'podman'), async (t) => {
    await using lab = await startLab()
    const home = await makeContainersHome(lab.namespace.folder.at('containers'))
    const run = async (args: readonly string[], input?: string) => {
      const options = { env: home.env, ...(input !== undefined && { input }) }
      return (await lab.namespace.run(program('podman'), args, options)).stdout.trim()
    }
    const podman = (...args: readonly string[]) => run(args)
    const login = (password: string) => run(['login', '--username', USER, '--password-stdin', HOST], password)
    const hello = (image: string) =>
      podman('run', '--rm', '--network=none', `--cgroup-parent=/${lab.namespace.cgroup}`, image)
    const digestsOf = async (image: string): Promise<string[]> =>
      JSON.parse(await podman('image', 'inspect', '--format={{json .RepoDigests}}', image))
    const index = helloIndex(format)
    await lab.client.pushImage('team/hello', index, 'v1')

    await t.test('does not talk to a registry whose authority it does not know', async () => {
      await assert.rejects(login(PASSWORD), /certificate signed by unknown authority/)
    })
    await home.trust(HOST, lab.ca)

    await t.test('is refused without a password, and with a wrong one', async () => {
      await assert.rejects(podman('pull', BASE), /unauthorized|authentication required/)
      await assert.rejects(login('wrong'), /invalid username\/password/)
    })

    await t.test('signs in', async () => {
      assert.match(await login(PASSWORD), /Login Succeeded/)
    })

    await t.test('pulls by tag the image for this machine, and runs it', async () => {
      await podman('pull', BASE)
      const expected = [index, ...index.children.slice(1)].map(
        ({ manifest }) => `${HOST}/team/hello@${manifest.digest}`,
      )
      assert.deepEqual(await digestsOf(BASE), expected.sort())
      assert.equal(await hello(BASE), HELLO.trim())
    })

    await t.test('pushes, and stores under the tag the digest that it reports', async () => {
      const file = lab.namespace.folder.at('digest')
      await podman('push', `--format=${FORMATS[format]}`, `--digestfile=${file}`, BASE, COPY)
      assert.equal(await readFile(file, 'utf8'), await lab.digestAt('team/copy', 'v1'))
      const { mediaType } = await lab.client.pullManifest('team/copy', 'v1')
      assert.equal(mediaType, MEDIA_TYPES[format].manifest)
    })

    await t.test('pulls by digest what it pushed, and runs it', async () => {
      const digest = await lab.digestAt('team/copy', 'v1')
      await podman('image', 'rm', '--all', '--force')
      const byDigest = `${HOST}/team/copy@${digest}`
      await podman('pull', byDigest)
      assert.deepEqual(await digestsOf(byDigest), [byDigest])
      assert.equal(await hello(byDigest), HELLO.trim())
    })

    await t.test('runs an image that it has to pull first', async () => {
      await podman('image', 'rm', '--all', '--force')
      assert.equal(await hello(COPY), HELLO.trim())
    })
  })
}
