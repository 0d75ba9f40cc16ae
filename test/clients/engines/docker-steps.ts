import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Format } from '../../helpers/images.ts'
import type { Docker } from './dockerd.ts'
import { HELLO, HOST, helloIndex, type Lab, PASSWORD, USER } from './lab.ts'

const BASE = `${HOST}/team/hello:v1`
const BUILT = `${HOST}/team/app:v1`

/** What everybody does with Docker, step by step. `format`: that of the image to begin with. */
export async function dockerSteps(t: TestContext, lab: Lab, docker: Docker, format: Format): Promise<void> {
  await lab.client.pushImage('team/hello', helloIndex(format), 'v1')

  await t.test('does not talk to a registry whose authority it does not know', async () => {
    await assert.rejects(docker.login(USER, PASSWORD), /certificate signed by unknown authority/)
  })
  await docker.trust(lab.ca)

  await t.test('is refused without a password', async () => {
    await assert.rejects(docker.pull(BASE), /no basic auth credentials/)
  })

  await t.test('is refused with a wrong password', async () => {
    await assert.rejects(docker.login(USER, 'wrong'), /401 Unauthorized/)
  })

  await t.test('signs in', async () => {
    assert.match((await docker.login(USER, PASSWORD)).stdout, /Login Succeeded/)
  })

  await t.test('pulls by tag, and runs what came', async () => {
    assert.equal(await docker.pull(BASE), await lab.digestAt('team/hello', 'v1'))
    assert.equal(await docker.output(BASE), HELLO)
  })

  await t.test('builds on a base that it pulls, and runs what it built', async () => {
    await docker.run(['image', 'rm', BASE])
    await docker.build(BUILT, { Dockerfile: `FROM ${BASE}\nRUN ["/hello"]\nCOPY note /\n`, note: 'in a new layer\n' })
    assert.equal(await docker.output(BUILT), HELLO)
  })

  await t.test('pushes what it built, and pulls it by digest', async () => {
    const digest = await docker.push(BUILT)
    assert.equal(digest, await lab.digestAt('team/app', 'v1'))
    const byDigest = `${HOST}/team/app@${digest}`
    await docker.run(['image', 'rm', BUILT])
    assert.equal(await docker.pull(byDigest), digest)
    assert.equal(await docker.output(byDigest), HELLO)
  })
}
