import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Image, makeImage, makeMultiPlatform } from '../helpers/images.ts'
import { readLayout, withDescendants, writeLayout } from '../helpers/oci-layout.ts'
import { needs } from '../helpers/programs.ts'
import { readDirectory, writeDirectory } from '../helpers/skopeo-directory.ts'
import { openBench, PASSWORD, USER } from './bench.ts'
import { makeContainersHome } from './containers-home.ts'

test('skopeo', needs('skopeo'), async (t) => {
  await using bench = await openBench()
  const { host, folder } = bench
  const home = await makeContainersHome(folder.at('containers'))
  const run = async (args: readonly string[], input?: string) =>
    (await bench.runDistrusting('skopeo', args, { env: home.env, ...(input !== undefined && { input }) })).stdout
  const skopeo = (...args: readonly string[]) => run(args)
  const login = (password: string) => run(['login', '--username', USER, '--password-stdin', host], password)

  const images = {
    one: makeImage('copied by skopeo', { layers: [[{ path: 'a', bytes: 'a' }], []] }),
    many: makeMultiPlatform('copied by skopeo for many'),
    docker: makeImage('a docker image copied by skopeo', { format: 'docker' }),
    'docker-many': makeMultiPlatform('a docker list copied by skopeo', 'docker'),
  }
  for (const [name, image] of Object.entries(images)) await writeDirectory(folder.at(name), image)

  await t.test('does not talk to a registry whose authority it does not know', async () => {
    await assert.rejects(login(PASSWORD), /certificate signed by unknown authority/)
  })
  await home.trust(host, bench.ca)

  await t.test('is refused without a password, and with a wrong one', async () => {
    await assert.rejects(skopeo('list-tags', `docker://${host}/team/app`), /unauthorized|authentication required/i)
    await assert.rejects(login('wrong'), /invalid username\/password/)
  })

  await t.test('signs in', async () => {
    assert.match(await login(PASSWORD), /Login Succeeded/)
  })

  for (const [name, image] of Object.entries(images)) {
    await t.test(`copies an image (${name}) here, on, and back, and changes no digest`, async () => {
      const copy = (from: string, to: string) => skopeo('copy', '--all', '--preserve-digests', from, to)
      await copy(`dir:${name}`, `docker://${host}/team/${name}:v1`)
      await bench.assertStored(`team/${name}`, 'v1', image)
      await copy(`docker://${host}/team/${name}:v1`, `docker://${host}/other/${name}:v2`)
      await bench.assertStored(`other/${name}`, 'v2', image)
      await copy(`docker://${host}/other/${name}@${image.manifest.digest}`, `dir:back-${name}`)
      assert.deepEqual(await readDirectory(folder.at(`back-${name}`)), digestsOf(image))
    })
  }

  await t.test('copies an OCI layout, as it is', async () => {
    await writeLayout(folder.at('layout'), { many: images.many })
    await skopeo('copy', '--all', 'oci:layout:many', `docker://${host}/layouts/many:v1`)
    await bench.assertStored('layouts/many', 'v1', images.many)
    await skopeo('copy', '--all', `docker://${host}/layouts/many:v1`, 'oci:back:v1')
    const { tags, blobs } = await readLayout(folder.at('back'))
    assert.equal(tags.get('v1'), images.many.manifest.digest)
    assert.deepEqual([...blobs].sort(), digestsOf(images.many))
  })

  for (const [format, mediaType] of [
    ['oci', 'application/vnd.oci.image.manifest.v1+json'],
    ['v2s2', 'application/vnd.docker.distribution.manifest.v2+json'],
  ] as const) {
    await t.test(`turns images into the format ${format}, and reads the digest that is stored`, async () => {
      for (const name of ['one', 'docker'] as const) {
        const repository = `formats/${name}`
        const target = `docker://${host}/${repository}:${format}`
        await skopeo('copy', `--format=${format}`, `dir:${name}`, target)
        const stored = await bench.registry.pullManifest(repository, format)
        assert.equal(stored.mediaType, mediaType)
        assert.equal((await skopeo('inspect', '--format={{.Digest}}', target)).trim(), stored.digest)
        assert.equal(await skopeo('inspect', '--raw', target), stored.bytes.toString())
      }
    })
  }

  await t.test('inspects configuration and layers', async () => {
    const [config] = [...images.one.blobs.values()]
    assert.equal(await skopeo('inspect', '--config', '--raw', `docker://${host}/team/one:v1`), String(config))
    const inspected = JSON.parse(await skopeo('inspect', `docker://${host}/team/one:v1`))
    assert.deepEqual([...new Set(inspected.Layers)], [...images.one.blobs.keys()].slice(1))
    assert.deepEqual(inspected.RepoTags, ['v1'])
  })

  await t.test('lists tags, in their order', async () => {
    await bench.registry.pushManifest('team/one', images.one.manifest, 'latest')
    const { Repository, Tags } = JSON.parse(await skopeo('list-tags', `docker://${host}/team/one`))
    assert.deepEqual([Repository, Tags], [`${host}/team/one`, ['latest', 'v1']])
  })

  await t.test('deletes the image behind a tag, with all its tags, in one repository', async () => {
    await skopeo('delete', `docker://${host}/team/one:v1`)
    assert.equal(await bench.statusOf('team/one/manifests/latest'), 404)
    assert.equal(await bench.statusOf(`team/one/manifests/${images.one.manifest.digest}`), 404)
    await assert.rejects(skopeo('inspect', `docker://${host}/team/one:v1`), /manifest unknown/)
    await bench.assertStored('other/one', 'v2', images.one)
  })
})

/** All that an image consists of, sorted. */
function digestsOf(image: Image): string[] {
  return withDescendants(image)
    .flatMap(({ manifest, blobs }) => [manifest.digest, ...blobs.keys()])
    .sort()
}
