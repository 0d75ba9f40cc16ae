import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeImage, makeMultiPlatform } from '../helpers/images.ts'
import { needs } from '../helpers/programs.ts'
import { openBench, PASSWORD, USER } from './bench.ts'

/** No transparency log, and no service that says which there is: nothing leaves the machine. */
const SIGN = ['sign', '--yes', '--use-signing-config=false', '--tlog-upload=false']
const VERIFY = ['verify', '--insecure-ignore-tlog=true']
/** What cosign 2 wrote. */
const AS_TAG = '--new-bundle-format=false'

test('cosign', needs('cosign'), async (t) => {
  await using bench = await openBench()
  const { host, registry } = bench
  const cosign = (...args: readonly string[]) => bench.run('cosign', args, { env: { COSIGN_PASSWORD: 'of the key' } })
  const image = makeImage('signed with a referrer')
  const multi = makeMultiPlatform('signed with a tag')
  await registry.pushImage('team/app', image, 'v1')
  await registry.pushImage('team/multi', multi, 'v1')
  await cosign('generate-key-pair')
  await cosign('generate-key-pair', '--output-key-prefix', 'stranger')
  const app = `${host}/team/app@${image.manifest.digest}`
  const many = `${host}/team/multi@${multi.manifest.digest}`

  await t.test('is refused without a password', async () => {
    await assert.rejects(cosign(...SIGN, '--key', 'cosign.key', app), /UNAUTHORIZED/)
  })

  await bench.run('cosign', ['login', host, '-u', USER, '--password-stdin'], { input: PASSWORD })

  await t.test('finds no signature before there is one', async () => {
    await assert.rejects(cosign(...VERIFY, '--key', 'cosign.pub', app), /no signatures found/)
  })

  await t.test('signs an image, with the signature as a referrer and no fallback tag', async () => {
    await cosign(...SIGN, '--key', 'cosign.key', app)
    const [signature = '', ...others] = await bench.referrersOf('team/app', image.manifest.digest)
    assert.deepEqual(others, [])
    assert.equal(await bench.digestAt('team/app', signature), signature)
    assert.deepEqual(await bench.tagsOf('team/app'), ['v1'])
  })

  await t.test('verifies it by the right key, and not by another', async () => {
    assert.deepEqual(digestsSigned((await cosign(...VERIFY, '--key', 'cosign.pub', app)).stdout), [
      image.manifest.digest,
    ])
    await assert.rejects(cosign(...VERIFY, '--key', 'stranger.pub', app), /could not verify envelope/)
  })

  await t.test('signs an index, with the signature under a tag', async () => {
    await cosign(...SIGN, AS_TAG, '--key', 'cosign.key', many)
    assert.deepEqual(await bench.tagsOf('team/multi'), [`${multi.manifest.digest.replace(':', '-')}.sig`, 'v1'])
    assert.deepEqual(await bench.referrersOf('team/multi', multi.manifest.digest), [])
  })

  await t.test('verifies that too by the right key, and not by another', async () => {
    const verified = await cosign(...VERIFY, AS_TAG, '--key', 'cosign.pub', many)
    assert.deepEqual(digestsSigned(verified.stdout), [multi.manifest.digest])
    await assert.rejects(cosign(...VERIFY, AS_TAG, '--key', 'stranger.pub', many), /no matching signatures/)
  })
})

function digestsSigned(stdout: string): string[] {
  const claims: { critical: { image: { 'docker-manifest-digest': string } } }[] = JSON.parse(stdout)
  return claims.map(({ critical }) => critical.image['docker-manifest-digest'])
}
