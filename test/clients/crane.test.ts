import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeImage, makeMultiPlatform } from '../helpers/images.ts'
import { readLayout, withDescendants, writeLayout } from '../helpers/oci-layout.ts'
import { needs } from '../helpers/programs.ts'
import { openBench, PASSWORD, USER } from './bench.ts'

test('crane', needs('crane'), async (t) => {
  await using bench = await openBench()
  const { host, folder } = bench
  const crane = async (...args: readonly string[]) => (await bench.run('crane', args)).stdout.trim()
  const image = makeImage('pushed by crane')
  const multi = makeMultiPlatform('pushed by crane for many', 'docker')
  await writeLayout(folder.at('image'), { v1: image })
  await writeLayout(folder.at('multi'), { v1: multi })

  await t.test('is refused without a password', async () => {
    await assert.rejects(crane('push', 'image', `${host}/team/app:v1`), /401 Unauthorized/)
  })

  await t.test('is refused with a wrong password', async () => {
    await bench.run('crane', ['auth', 'login', host, '-u', USER, '--password-stdin'], { input: 'wrong' })
    await assert.rejects(crane('push', 'image', `${host}/team/app:v1`), /401 Unauthorized/)
  })

  await bench.run('crane', ['auth', 'login', host, '-u', USER, '--password-stdin'], { input: PASSWORD })

  await t.test('pushes an image', async () => {
    assert.equal(await crane('push', 'image', `${host}/team/app:v1`), `${host}/team/app@${image.manifest.digest}`)
    await bench.assertStored('team/app', 'v1', image)
  })

  await t.test('pushes an index of Docker types with its images', async () => {
    assert.equal(await crane('push', 'multi', `${host}/team/multi:v1`), `${host}/team/multi@${multi.manifest.digest}`)
    await bench.assertStored('team/multi', 'v1', multi)
  })

  await t.test('pulls what was pushed, by tag and by digest', async () => {
    await crane('pull', '--format=oci', `${host}/team/multi:v1`, 'by-tag')
    await crane('pull', '--format=oci', `${host}/team/multi@${multi.manifest.digest}`, 'by-digest')
    const digests = withDescendants(multi).flatMap(({ manifest, blobs }) => [manifest.digest, ...blobs.keys()])
    for (const name of ['by-tag', 'by-digest']) {
      const { tags, blobs } = await readLayout(folder.at(name))
      assert.deepEqual([...tags.values()], [multi.manifest.digest])
      assert.deepEqual([...blobs].sort(), digests.sort())
    }
  })

  await t.test('copies an image to another repository, and gives it a second tag', async () => {
    await crane('copy', `${host}/team/multi:v1`, `${host}/other/multi:v2`)
    await bench.assertStored('other/multi', 'v2', multi)
    await crane('tag', `${host}/other/multi:v2`, 'latest')
    assert.equal(await crane('digest', `${host}/other/multi:latest`), multi.manifest.digest)
    assert.equal(await bench.digestAt('other/multi', 'latest'), multi.manifest.digest)
  })

  await t.test('lists repositories and tags', async () => {
    assert.equal(await crane('catalog', host), 'other/multi\nteam/app\nteam/multi')
    assert.equal(await crane('ls', `${host}/other/multi`), 'latest\nv2')
  })

  await t.test('deletes a tag and keeps the image', async () => {
    await crane('delete', `${host}/other/multi:v2`)
    assert.equal(await crane('ls', `${host}/other/multi`), 'latest')
    await bench.assertStored('other/multi', 'latest', multi)
  })

  await t.test('deletes an image with its tags, in one repository', async () => {
    await crane('delete', `${host}/other/multi@${multi.manifest.digest}`)
    assert.equal(await bench.statusOf(`other/multi/manifests/${multi.manifest.digest}`), 404)
    await assert.rejects(crane('digest', `${host}/other/multi:latest`), /MANIFEST_UNKNOWN/)
    await bench.assertStored('team/multi', 'v1', multi)
  })
})
