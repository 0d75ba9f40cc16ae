import assert from 'node:assert/strict'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Digest } from '../../../src/oci/digest.ts'
import { parseManifest } from '../../../src/oci/manifest.ts'
import { drainLinks, LinkFollower } from '../../../src/registry/follow-links.ts'
import { LinkFiles, type LinkPlace, pathOf } from '../../../src/registry/link-files.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { type Image, makeArtifact, makeImage } from '../../helpers/images.ts'
import { openTestVolume, type TestVolume } from '../../helpers/test-volume.ts'

const IMAGE = makeImage('one')
const OTHER = makeImage('two')
const { digest: DIGEST } = IMAGE.manifest
const LAYER = [...IMAGE.blobs.keys()].at(-1) ?? DIGEST
const TAG: LinkPlace = { repository: 'a', what: 'tag', tag: 'v1' }
const BLOB: LinkPlace = { repository: 'a', what: 'blob', digest: LAYER }
const MANIFEST: LinkPlace = { repository: 'a', what: 'manifest', digest: DIGEST }

/** As a push would, without its bytes. */
async function push(
  { catalog }: TestVolume,
  { manifest, blobs }: Image,
  tags: string[],
  type = manifest.mediaType,
): Promise<void> {
  for (const [digest, bytes] of blobs)
    await catalog.write('commitBlob', { repository: 'a', digest, size: bytes.length })
  const { digest, bytes } = manifest
  const parsed = { ...parseManifest(bytes, manifest.mediaType), mediaType: type }
  await catalog.write('putManifest', { repository: 'a', digest, bytes, manifest: parsed, tags, mustExist: [], at: 1 })
}

async function says({ root }: TestVolume, place: LinkPlace): Promise<Digest | undefined> {
  const link = await new LinkFiles(root).read(place)
  return link !== undefined && 'digest' in link ? link.digest : undefined
}

function following({ catalog, root }: TestVolume) {
  return { catalog, links: new LinkFiles(root) }
}

test('links are written for what was pushed, and go with what was deleted', async () => {
  await using volume = await openTestVolume()
  const { catalog } = volume
  await push(volume, IMAGE, ['v1'])
  assert.deepEqual(await drainLinks(following(volume)), [])
  assert.deepEqual(
    [await says(volume, BLOB), await says(volume, MANIFEST), await says(volume, TAG)],
    [LAYER, DIGEST, DIGEST],
  )
  assert.deepEqual(await catalog.linkJobs(9), [])

  await push(volume, OTHER, ['v1'])
  await drainLinks(following(volume))
  assert.equal(await says(volume, TAG), OTHER.manifest.digest)

  await catalog.write('deleteTag', { repository: 'a', tag: 'v1' })
  await catalog.write('deleteManifest', { repository: 'a', digest: DIGEST })
  await catalog.write('unlinkBlob', { repository: 'a', digest: LAYER })
  await drainLinks(following(volume))
  assert.deepEqual(
    [await says(volume, BLOB), await says(volume, MANIFEST), await says(volume, TAG)],
    [undefined, undefined, undefined],
  )
})

test('links of a blob that was collected go, in each repository', async () => {
  await using volume = await openTestVolume()
  const { catalog } = volume
  await catalog.write('commitBlob', { repository: 'a', digest: LAYER, size: 1 })
  await catalog.write('mountBlob', { repository: 'b', from: 'a', digest: LAYER })
  await drainLinks(following(volume))
  assert.equal(await says(volume, { ...BLOB, repository: 'b' }), LAYER)
  await catalog.write('markLeaving', { digest: LAYER })
  await drainLinks(following(volume))
  assert.deepEqual([await says(volume, BLOB), await says(volume, { ...BLOB, repository: 'b' })], [undefined, undefined])
})

test('what registry:2 cannot hold gets no link', async () => {
  await using volume = await openTestVolume()
  const { catalog } = volume
  const long = digestOf('long', 'sha512')
  await catalog.write('commitBlob', { repository: 'a', digest: long, size: 4 })
  await push(volume, IMAGE, ['unknown'], 'application/x-of-somebody')
  // Its JSON says what it is, and that is not what it was pushed as.
  await push(volume, OTHER, ['other'], 'application/vnd.docker.distribution.manifest.v2+json')
  await push(volume, makeArtifact('known'), ['known'])
  assert.deepEqual(await drainLinks(following(volume)), [])
  assert.equal(await says(volume, { ...BLOB, digest: long }), undefined)
  for (const [tag, expected] of [
    ['unknown', false],
    ['other', false],
    ['known', true],
  ] as const) {
    assert.equal((await says(volume, { ...TAG, tag })) !== undefined, expected, tag)
  }
  assert.equal(await says(volume, MANIFEST), undefined)
})

test('links of a cached repository are left alone', async () => {
  await using volume = await openTestVolume()
  const { catalog, folder } = volume
  await folder.addLink(TAG, DIGEST)
  await push(volume, IMAGE, ['v1'])
  await catalog.write('setRepositoryKind', { repository: 'a', kind: 'cached' })
  await catalog.write('deleteTag', { repository: 'a', tag: 'v1' })
  await drainLinks(following(volume))
  assert.deepEqual(await catalog.linkJobs(9), [])
  assert.equal(await says(volume, TAG), DIGEST)
})

test('a link that cannot be written keeps its job, and holds nobody up', async () => {
  await using volume = await openTestVolume()
  const { catalog, root } = volume
  // A folder where the link should be.
  await mkdir(join(root, pathOf(BLOB), 'in the way'), { recursive: true })
  await push(volume, IMAGE, ['v1'])
  const errors = await drainLinks(following(volume))
  assert.equal(errors.length, 1)
  assert.deepEqual(
    (await catalog.linkJobs(9)).map(({ key }) => key),
    [LAYER],
  )
  assert.equal(await says(volume, TAG), DIGEST)

  await rm(join(root, pathOf(BLOB)), { recursive: true })
  assert.deepEqual(await drainLinks(following(volume)), [])
  assert.equal(await says(volume, BLOB), LAYER)
})

test('any number of links that cannot be written hold nobody up', async () => {
  await using volume = await openTestVolume()
  const { catalog, root } = volume
  // Where the folder of all blobs should be.
  await volume.folder.addFile('docker/registry/v2/repositories/a/_layers', 'a file')
  const digests = Array.from({ length: 450 }, (_, index) => digestOf(String(index)))
  await Promise.all(digests.map((digest) => catalog.write('commitBlob', { repository: 'a', digest, size: 1 })))
  await catalog.write('commitBlob', { repository: 'b', digest: LAYER, size: 1 })
  assert.equal((await drainLinks(following(volume))).length, 450)
  assert.equal(await says(volume, { ...BLOB, repository: 'b' }), LAYER)
  await rm(join(root, 'docker/registry/v2/repositories/a/_layers'))
  assert.deepEqual(await drainLinks(following(volume)), [])
})

test('a tag that moves while its link is written ends where the catalog has it', async () => {
  await using volume = await openTestVolume()
  const { catalog } = volume
  await push(volume, IMAGE, [])
  await push(volume, OTHER, ['v1'])
  const links = new LinkFiles(volume.root)
  const write = links.write.bind(links)
  let moved = false
  links.write = async (place, digest) => {
    if (place.what === 'tag' && !moved) {
      moved = true
      await push(volume, IMAGE, ['v1'])
      // Somebody else does the job that this move made, before this one writes what it read.
      await drainLinks(following(volume))
    }
    await write(place, digest)
  }
  await drainLinks({ catalog, links })
  assert.equal(moved, true)
  assert.equal(await says(volume, TAG), DIGEST)
})

test('a follower writes links within a second, and all before it is closed', async () => {
  await using volume = await openTestVolume()
  const { catalog } = volume
  const reports: string[] = []
  const follower = new LinkFollower({ ...following(volume), report: (what) => void reports.push(what) })
  await push(volume, IMAGE, ['v1'])
  const until = performance.now() + 1_000
  while ((await says(volume, TAG)) === undefined && performance.now() < until) await sleep(20)
  assert.equal(await says(volume, TAG), DIGEST)

  await push(volume, IMAGE, ['v2'])
  await follower[Symbol.asyncDispose]()
  assert.equal(await says(volume, { ...TAG, tag: 'v2' }), DIGEST)
  assert.deepEqual(await catalog.linkJobs(9), [])
  assert.deepEqual(reports, [])
})

test('a follower reports what it cannot write, and ends all the same', async () => {
  await using volume = await openTestVolume()
  await mkdir(join(volume.root, pathOf(TAG), 'in the way'), { recursive: true })
  await push(volume, IMAGE, ['v1'])
  const reports: string[] = []
  await using follower = new LinkFollower({ ...following(volume), report: (what) => void reports.push(what) })
  await follower[Symbol.asyncDispose]()
  assert.match(reports.join('\n'), /cannot be written/)
})

test('what a link holds is the digest, as text', async () => {
  await using volume = await openTestVolume()
  await push(volume, IMAGE, ['v1'])
  await drainLinks(following(volume))
  assert.equal(await readFile(join(volume.root, pathOf(TAG)), 'utf8'), DIGEST)
})

test('a follower writes no link where the volume is not, and all when it is back', async () => {
  await using volume = await openTestVolume()
  const { catalog } = volume
  const reported = Promise.withResolvers<string>()
  let there = false
  const see = async () => {
    if (!there) throw new Error('no volume')
  }
  await push(volume, IMAGE, ['v1'])
  const follower = new LinkFollower({ ...following(volume), see, report: reported.resolve })
  await reported.promise
  assert.equal(await says(volume, TAG), undefined)
  assert.notDeepEqual(await catalog.linkJobs(1), [])
  there = true
  await follower[Symbol.asyncDispose]()
  assert.equal(await says(volume, TAG), DIGEST)
})
