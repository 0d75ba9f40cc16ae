import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { needs, program } from '../helpers/programs.ts'
import { HOSTS_DIR, startContainerd, writeHostsToml } from './engines/containerd.ts'
import { HOST, helloIndex, PASSWORD, startLab, USER } from './engines/lab.ts'

const CONFIG = `
version = 3
[plugins.'io.containerd.cri.v1.images'.registry]
config_path = '${HOSTS_DIR}'
`

test('crictl, as a kubelet pulls', needs(...NAMESPACE_PROGRAMS, 'containerd-2.4', 'crictl'), async (t) => {
  await using lab = await startLab()
  const { namespace, client } = lab
  const { socket } = await startContainerd(namespace, { containerd: program('containerd-2.4'), config: CONFIG })
  const endpoints = ['--runtime-endpoint', `unix://${socket}`, '--image-endpoint', `unix://${socket}`]
  const crictl = (...args: readonly string[]) => namespace.run(program('crictl'), [...endpoints, ...args])

  await client.pushImage('team/hello', helloIndex('oci'), 'v1')
  const image = `${HOST}/team/hello:v1`
  const pull = (credentials: string, name = image) => crictl('pull', '--creds', credentials, name)

  /** What it says the image is, in the repository that it came from. */
  const repoDigests = async (name: string): Promise<string[]> => {
    const { stdout } = await crictl('inspecti', '--output', 'json', name)
    return JSON.parse(stdout).status.repoDigests
  }

  await t.test('does not talk to a registry whose authority it does not know', async () => {
    await assert.rejects(pull(`${USER}:${PASSWORD}`), /certificate signed by unknown authority/)
  })
  await writeHostsToml(namespace, lab.ca)

  await t.test('is refused without a password', async () => {
    await assert.rejects(crictl('pull', image), /authorization failed/)
  })

  await t.test('is refused with a wrong password', async () => {
    await assert.rejects(pull(`${USER}:wrong`), /401 Unauthorized/)
  })

  await t.test('pulls by tag', async () => {
    await pull(`${USER}:${PASSWORD}`)
    assert.deepEqual(await repoDigests(image), [`${HOST}/team/hello@${await lab.digestAt('team/hello', 'v1')}`])
  })

  await t.test('pulls by digest', async () => {
    const byDigest = `${HOST}/team/hello@${await lab.digestAt('team/hello', 'v1')}`
    await crictl('rmi', image)
    await pull(`${USER}:${PASSWORD}`, byDigest)
    assert.deepEqual(await repoDigests(byDigest), [byDigest])
  })
})
