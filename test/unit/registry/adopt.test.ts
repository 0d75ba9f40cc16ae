import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import { type Digest, hexOf } from '../../../src/oci/digest.ts'
import { adopt } from '../../../src/registry/adopt.ts'
import { pathOf } from '../../../src/registry/link-files.ts'
import { contentOf } from '../../helpers/catalog-content.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { MEDIA_TYPES, makeArtifact, makeImage, makeIndex, makeMultiPlatform } from '../../helpers/images.ts'
import { openTestVolume } from '../../helpers/test-volume.ts'

const PAGE = { limit: 100 }
const IMAGE = makeImage('one')
const LAYER = [...IMAGE.blobs.keys()].at(-1) ?? digestOf('')

test('repositories, manifests, tags, blobs and referrers are read into the catalog', async () => {
  await using volume = await openTestVolume()
  const { catalog, folder } = volume
  const multi = makeMultiPlatform('two', 'docker')
  const artifact = makeArtifact('note', { subject: IMAGE, artifactType: 'a/b' })
  await folder.addImage('a', IMAGE, 'v1')
  await folder.addImage('a/b', multi, 'v1')
  await folder.addImage('a/b', IMAGE, 'v2')
  // How clients without a referrers list keep one: a tag of the subject's digest, on an index.
  await folder.addImage('a/b', artifact)
  await folder.addImage('a/b', makeIndex([artifact]), `sha256-${hexOf(IMAGE.manifest.digest)}`)

  const summary = await adopt(volume.context)
  assert.deepEqual(summary, { hosted: ['a', 'a/b'], cached: [], manifests: 7, tags: 4, blobs: 10, problems: 0 })
  assert.deepEqual(volume.problems(), [])
  assert.deepEqual(volume.progress, ['1/2', '2/2'])
  const { movedAt: _, ...stored } = (await catalog.manifestByTag('a/b', 'v1')) ?? assert.fail()
  assert.deepEqual(stored, {
    digest: multi.manifest.digest,
    mediaType: MEDIA_TYPES.docker.index,
    bytes: new Uint8Array(multi.manifest.bytes),
    kind: 'hosted',
  })
  assert.deepEqual(
    (await catalog.referrers('a/b', IMAGE.manifest.digest, PAGE)).map((row) => row.digest),
    [artifact.manifest.digest],
  )
  for (const [digest, bytes] of IMAGE.blobs) assert.equal(await catalog.blobSize('a', digest), bytes.length)
  assert.deepEqual(await catalog.linkJobs(9), [])
  assert.deepEqual((await catalog.adoption()).done, true)
})

test('a tag and a manifest keep the time of their links', async () => {
  await using volume = await openTestVolume()
  await volume.folder.addImage('a', IMAGE)
  await volume.folder.addLink({ repository: 'a', what: 'tag', tag: 'v1' }, IMAGE.manifest.digest, 86_400_000)
  await adopt(volume.context)
  assert.equal((await volume.catalog.tag('a', 'v1'))?.movedAt, 86_400_000)
})

test('an image of Docker schema 1 is adopted as it lies', async () => {
  await using volume = await openTestVolume()
  const { folder, catalog } = volume
  const layer = await folder.addBytes(Buffer.from('a layer'))
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 1, name: 'a', tag: 'v1', fsLayers: [{ blobSum: layer }], history: [] }),
  )
  const digest = await folder.addBytes(bytes)
  await folder.addLink({ repository: 'a', what: 'blob', digest: layer }, layer)
  await folder.addLink({ repository: 'a', what: 'manifest', digest }, digest)
  await folder.addLink({ repository: 'a', what: 'tag', tag: 'v1' }, digest)
  await adopt(volume.context)
  assert.deepEqual(volume.problems(), [])
  const { movedAt: _, ...stored } = (await catalog.manifestByTag('a', 'v1')) ?? assert.fail()
  assert.deepEqual(stored, {
    digest,
    mediaType: 'application/vnd.docker.distribution.manifest.v1+json',
    bytes: new Uint8Array(bytes),
    kind: 'hosted',
  })
  assert.equal(await catalog.write('markLeaving', { digest: layer }), false)
})

test('what is broken is told and left out, and the rest works', async () => {
  await using volume = await openTestVolume()
  const { folder, catalog } = volume
  await folder.addImage('a', IMAGE, 'good')
  const [empty, nothing, text, wrong] = [digestOf('empty'), digestOf('nothing'), digestOf('text'), digestOf('wrong')]
  const link = (what: 'blob' | 'manifest', digest: Digest) => ({ repository: 'a', what, digest }) as const
  await folder.addLink(link('blob', empty), '')
  await folder.addLink(link('blob', nothing), nothing)
  await folder.addLink(link('manifest', nothing), nothing)
  await folder.addBytes(Buffer.from('text'))
  await folder.addLink(link('manifest', text), text)
  await folder.addBytes(Buffer.from('other bytes'), wrong)
  await folder.addLink(link('manifest', wrong), wrong)
  await folder.addLink({ repository: 'a', what: 'tag', tag: 'bad' }, nothing)
  await folder.addLink({ repository: 'a', what: 'tag', tag: 'empty' }, '')
  await folder.addFile('docker/registry/v2/repositories/a/_uploads/half/data', 'half')
  // Of this one nothing at all can be used.
  await folder.addLink({ repository: 'broken', what: 'blob', digest: nothing }, nothing)

  const summary = await adopt(volume.context)
  assert.deepEqual(
    volume.problems().map(({ path, why }) => `${path} ${why}`),
    [
      `${pathOf(link('blob', empty))} is empty`,
      `${pathOf(link('blob', nothing))} leads to no bytes`,
      `${pathOf(link('manifest', nothing))} leads to no bytes`,
      `${pathOf(link('manifest', text))} leads to no manifest: Manifest is malformed: it is no JSON`,
      `${pathOf(link('manifest', wrong))} leads to bytes that do not hash to it`,
      `${pathOf({ repository: 'a', what: 'tag', tag: 'bad' })} names ${nothing}, which is no manifest of the repository`,
      `${pathOf({ repository: 'a', what: 'tag', tag: 'empty' })} is empty`,
      'docker/registry/v2/repositories/a/_uploads/half/ is an upload that was never finished',
      `${pathOf({ repository: 'broken', what: 'blob', digest: nothing })} leads to no bytes`,
    ].sort(),
  )
  assert.equal(summary?.problems, 9)
  assert.deepEqual(
    (await catalog.tags('a', PAGE)).map(({ name }) => name),
    ['good'],
  )
  assert.equal((await catalog.blobs('a', PAGE)).length, IMAGE.blobs.size)
  assert.equal(await catalog.repository('broken'), undefined)
})

test('an image with a layer missing is adopted without the layer', async () => {
  await using volume = await openTestVolume()
  await volume.folder.addImage('a', IMAGE, 'v1')
  await volume.blobs.delete(LAYER)
  await adopt(volume.context)
  assert.deepEqual(
    volume.problems().map(({ why }) => why),
    ['leads to no bytes'],
  )
  assert.equal(await volume.catalog.blobSize('a', LAYER), undefined)
  assert.notEqual(await volume.catalog.manifestByTag('a', 'v1'), undefined)
})

test('a repository of which a manifest is on the list of a proxy is cached; what the list lacks is pinned', async () => {
  await using volume = await openTestVolume()
  const { folder, catalog } = volume
  const second = makeImage('two')
  await folder.addImage('library/nginx', IMAGE, 'v1')
  await folder.addImage('library/nginx', second, 'v2')
  await folder.addImage('mine', second, 'v2')
  const key = `library/nginx@${IMAGE.manifest.digest}`
  const blobOfMine = `mine@${[...second.blobs.keys()][0]}`
  await folder.addFile(
    'scheduler-state.json',
    JSON.stringify({ [key]: { Key: key, EntryType: 1 }, [blobOfMine]: { Key: blobOfMine, EntryType: 0 } }),
  )
  const summary = await adopt(volume.context)
  assert.deepEqual([summary?.hosted, summary?.cached], [['mine'], ['library/nginx']])
  const pins = new Map((await catalog.manifests('library/nginx', PAGE)).map(({ digest, pinned }) => [digest, pinned]))
  assert.deepEqual(
    pins,
    new Map([
      [IMAGE.manifest.digest, false],
      [second.manifest.digest, true],
    ]),
  )
  assert.deepEqual(
    (await catalog.manifests('mine', PAGE)).map(({ pinned }) => pinned),
    [false],
  )
})

test('blobs that a cached manifest names are tied without a link; hosted ones need one', async () => {
  await using volume = await openTestVolume()
  const { folder, catalog } = volume
  const { digest, bytes } = IMAGE.manifest
  await folder.addBytes(bytes)
  for (const blob of IMAGE.blobs.values()) await folder.addBytes(blob)
  for (const repository of ['cached', 'hosted']) await folder.addLink({ repository, what: 'manifest', digest }, digest)
  const key = `cached@${digest}`
  await folder.addFile('scheduler-state.json', JSON.stringify({ [key]: { Key: key, EntryType: 1 } }))
  await adopt(volume.context)
  assert.equal((await catalog.blobs('cached', PAGE)).length, IMAGE.blobs.size)
  assert.deepEqual(await catalog.blobs('hosted', PAGE), [])
})

test('a folder without repositories is never adopted later: the links in it will be ours', async () => {
  await using volume = await openTestVolume()
  assert.equal(await adopt(volume.context), undefined)
  await volume.folder.addImage('a', IMAGE, 'v1')
  assert.equal(await adopt(volume.context), undefined)
  assert.equal(await volume.catalog.repository('a'), undefined)
})

test('an adoption that is cut short goes on where it was, and ends with the same catalog', async () => {
  await using whole = await openTestVolume()
  await using cut = await openTestVolume()
  const images = ['x', 'y', 'z'].map((seed) => makeMultiPlatform(seed))
  for (const { folder } of [whole, cut]) {
    for (const repository of ['a', 'b', 'c', 'd']) {
      for (const [index, image] of images.entries()) {
        await folder.addImage(repository, image)
        await folder.addLink({ repository, what: 'tag', tag: `v${index}` }, image.manifest.digest, 1_000 * index)
        // The time of its link is in the catalog, and differs between the two folders.
        for (const { manifest } of [image, ...image.children]) {
          await folder.addLink({ repository, what: 'manifest', digest: manifest.digest }, manifest.digest, 1_000)
        }
      }
    }
  }
  await adopt(whole.context)

  const ending = new AbortController()
  const stopped = { ...cut.context, signal: ending.signal, tell: () => ending.abort(new Error('enough')) }
  await assert.rejects(adopt(stopped), { message: 'enough' })
  // What was on its way is written now: commands keep their order.
  await cut.catalog.write('endUpload', { id: 'none' })
  assert.deepEqual(await cut.catalog.adoption(), { done: false, repositories: new Set(['a']) })
  const rest = await adopt(cut.context)
  assert.deepEqual([rest?.manifests, rest?.hosted], [27, ['a', 'b', 'c', 'd']])
  assert.deepEqual(await contentOf(cut.catalog), await contentOf(whole.catalog))
})

test('an adoption of which a part cannot be written fails, and has not ended', async () => {
  await using volume = await openTestVolume()
  await volume.folder.addImage('a', IMAGE, 'v1')
  const { catalog } = volume
  const write: Catalog['write'] = async (name, data) => {
    if (name === 'adopt') throw new Error('the disk is full')
    return await catalog.write(name, data)
  }
  const failing = { adoption: () => catalog.adoption(), repository: catalog.repository.bind(catalog), write }
  const parts = { ...volume.context.parts, catalog: failing as unknown as Catalog }
  await assert.rejects(adopt({ ...volume.context, parts }), { message: 'the disk is full' })
  assert.equal((await catalog.adoption()).done, false)
})

test('what is too large for a manifest is not read', async () => {
  await using volume = await openTestVolume()
  const digest = await volume.folder.addBytes(Buffer.alloc(17 * 1024 * 1024, '{'))
  await volume.folder.addLink({ repository: 'a', what: 'manifest', digest }, digest)
  await adopt(volume.context)
  assert.deepEqual(
    volume.problems().map(({ why }) => why),
    ['leads to 17825792 bytes, which is no manifest'],
  )
})
