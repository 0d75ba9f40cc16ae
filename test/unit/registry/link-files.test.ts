import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { hexOf } from '../../../src/oci/digest.ts'
import { LinkFiles, type LinkPlace, pathOf } from '../../../src/registry/link-files.ts'
import { readScheduled } from '../../../src/registry/link-files-scheduler.ts'
import { hasRepositories, linksIn, repositoriesIn, tagsIn, uploadsIn } from '../../../src/registry/link-files-walk.ts'
import { gather } from '../../helpers/catalog-content.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { Registry2Folder } from '../../helpers/registry2-folder.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const DIGEST = digestOf('one')
const OTHER = digestOf('two')
const HOME = 'docker/registry/v2/repositories/a/b'
const TAG: LinkPlace = { repository: 'a/b', what: 'tag', tag: 'v1' }
const BLOB: LinkPlace = { repository: 'a/b', what: 'blob', digest: DIGEST }
const MANIFEST: LinkPlace = { repository: 'a/b', what: 'manifest', digest: DIGEST }

for (const [place, path] of [
  [BLOB, `${HOME}/_layers/sha256/${hexOf(DIGEST)}/link`],
  [MANIFEST, `${HOME}/_manifests/revisions/sha256/${hexOf(DIGEST)}/link`],
  [TAG, `${HOME}/_manifests/tags/v1/current/link`],
] as const) {
  test(`a link of a ${place.what} lies where registry:2 looks, holds the digest alone, and goes with its folder`, async () => {
    await using folder = await temporaryFolder()
    const links = new LinkFiles(folder.path)
    assert.equal(await links.read(place), undefined)
    await links.write(place, DIGEST)
    assert.equal(await readFile(folder.at(path), 'utf8'), DIGEST)
    const read = await links.read(place)
    assert.ok(read !== undefined && 'digest' in read && read.digest === DIGEST && Number.isInteger(read.changedAt))
    // What registry:2 reads must have no other file beside it.
    assert.deepEqual(await readdir(folder.at(path, '..')), ['link'])

    await links.remove(place)
    await links.remove(place)
    assert.equal(await links.read(place), undefined)
    await assert.rejects(stat(folder.at(path, '..')), { code: 'ENOENT' })
  })
}

test('a tag remembers what it was ever on, as registry:2 wants it for deletes', async () => {
  await using folder = await temporaryFolder()
  const links = new LinkFiles(folder.path)
  await links.write(TAG, DIGEST)
  await links.write(TAG, OTHER)
  assert.equal(await readFile(folder.at(pathOf(TAG)), 'utf8'), OTHER)
  for (const digest of [DIGEST, OTHER]) {
    assert.equal(
      await readFile(folder.at(`${HOME}/_manifests/tags/v1/index/sha256/${hexOf(digest)}/link`), 'utf8'),
      digest,
    )
  }
})

test('a link that says what it should is not written again', async () => {
  await using folder = await temporaryFolder()
  const registry2 = new Registry2Folder(folder.path)
  await registry2.addLink(BLOB, DIGEST, 1_000)
  const links = new LinkFiles(folder.path)
  await links.write(BLOB, DIGEST)
  assert.deepEqual(await links.read(BLOB), { digest: DIGEST, changedAt: 1_000 })
})

for (const [text, why] of [
  ['', 'is empty'],
  ['\n', 'is empty'],
  ['sha256:abc', 'holds no digest'],
  ['x'.repeat(2_000), 'has 2000 bytes, and a link has at most 135'],
] as const) {
  test(`a link that ${why} is a problem, and is written over`, async () => {
    await using folder = await temporaryFolder()
    await new Registry2Folder(folder.path).addLink(BLOB, text)
    const links = new LinkFiles(folder.path)
    assert.deepEqual(await links.read(BLOB), { path: pathOf(BLOB), why })
    await links.write(BLOB, DIGEST)
    assert.equal(await readFile(folder.at(pathOf(BLOB)), 'utf8'), DIGEST)
  })
}

test('a link with a newline at its end is read', async () => {
  await using folder = await temporaryFolder()
  await new Registry2Folder(folder.path).addLink(BLOB, `${DIGEST}\n`)
  const read = await new LinkFiles(folder.path).read(BLOB)
  assert.equal(read !== undefined && 'digest' in read && read.digest, DIGEST)
})

test('repositories are found in each other, and what may not be one is told', async () => {
  await using folder = await temporaryFolder()
  assert.equal(hasRepositories(folder.path), false)
  assert.deepEqual(await gather(repositoriesIn(folder.path)), [])
  const registry2 = new Registry2Folder(folder.path)
  for (const repository of ['a', 'a/b', 'a/b/c-d', 'x/y']) await registry2.addLink({ ...BLOB, repository }, DIGEST)
  await registry2.addLink({ ...TAG, repository: 'only/tags' }, DIGEST)
  await registry2.addLink({ ...BLOB, repository: 'Upper' }, DIGEST)
  await registry2.addFile('docker/registry/v2/repositories/a/_uploads/an-id/data', 'half')
  await registry2.addFile('docker/registry/v2/repositories/begun/_uploads/an-id/data', 'half')
  await registry2.addFile('docker/registry/v2/repositories/stray', 'a file')
  await symlink('.', folder.at('docker/registry/v2/repositories/circle'))

  const found = await gather(repositoriesIn(folder.path))
  assert.deepEqual(found.filter((each) => typeof each === 'string').sort(), [
    'a',
    'a/b',
    'a/b/c-d',
    'begun',
    'only/tags',
    'x/y',
  ])
  assert.deepEqual(
    found
      .filter((each) => typeof each !== 'string')
      .map(({ path, why }) => `${path} ${why}`)
      .sort(),
    [
      'docker/registry/v2/repositories/Upper/ is not named as a repository may be',
      'docker/registry/v2/repositories/circle is a symbolic link',
    ],
  )
  assert.equal(hasRepositories(folder.path), true)
  assert.deepEqual(await gather(uploadsIn(folder.path, 'a')), [
    { path: 'docker/registry/v2/repositories/a/_uploads/an-id/', why: 'is an upload that was never finished' },
  ])
})

test('links of a repository are read, and those that lie are told', async () => {
  await using folder = await temporaryFolder()
  const registry2 = new Registry2Folder(folder.path)
  await registry2.addLink(MANIFEST, DIGEST, 5_000)
  await registry2.addLink({ ...MANIFEST, digest: OTHER }, DIGEST)
  await mkdir(folder.at(`${HOME}/_manifests/revisions/sha256/${'0'.repeat(64)}`))
  await registry2.addFile(`${HOME}/_manifests/revisions/md5/abc/link`, DIGEST)
  const found = await gather(linksIn(folder.path, 'a/b', 'manifest'))
  assert.deepEqual(
    found.filter((each) => 'digest' in each),
    [{ digest: DIGEST, changedAt: 5_000 }],
  )
  assert.deepEqual(
    found.flatMap((each) => ('why' in each ? [each.why] : [])).sort(),
    [`names ${DIGEST}, and lies under md5:abc`, `names ${DIGEST}, and lies under ${OTHER}`].sort(),
  )
  assert.deepEqual(await gather(linksIn(folder.path, 'a/b', 'blob')), [])
})

test('tags are read with their times, and those on nothing are told', async () => {
  await using folder = await temporaryFolder()
  const registry2 = new Registry2Folder(folder.path)
  await registry2.addLink(TAG, DIGEST, 5_000)
  await registry2.addLink({ ...TAG, tag: 'empty' }, '')
  await registry2.addLink({ ...TAG, tag: 'not a tag' }, DIGEST)
  await mkdir(folder.at(`${HOME}/_manifests/tags/nothing`))
  const found = await gather(tagsIn(folder.path, 'a/b'))
  assert.deepEqual(
    found.filter((each) => 'tag' in each),
    [{ tag: 'v1', digest: DIGEST, changedAt: 5_000 }],
  )
  assert.deepEqual(found.flatMap((each) => ('why' in each ? [each.why] : [])).sort(), [
    'is empty',
    'is missing: the tag is on nothing',
    'is not named as a tag may be',
  ])
})

test('what a proxying registry:2 fetched is known by its list of manifests', async () => {
  await using folder = await temporaryFolder()
  assert.deepEqual(await readScheduled(folder.path), { manifests: new Map() })
  const entry = (key: string, type: number) => ({
    [key]: { Key: key, ExpiryData: '2030-01-01T00:00:00Z', EntryType: type },
  })
  const registry2 = new Registry2Folder(folder.path)
  await registry2.addFile(
    'scheduler-state.json',
    JSON.stringify({
      ...entry(`a/b@${DIGEST}`, 1),
      ...entry(`a/b@${OTHER}`, 0),
      ...entry('odd', 1),
      ...entry('c@sha256:x', 1),
      no: null,
    }),
  )
  assert.deepEqual(await readScheduled(folder.path), { manifests: new Map([['a/b', new Set([DIGEST])]]) })
  await registry2.addFile('scheduler-state.json', '{"cut')
  const { manifests, problem } = await readScheduled(folder.path)
  assert.equal(manifests.size, 0)
  assert.match(`${problem?.path} ${problem?.why}`, /^scheduler-state.json cannot be read, .*--as cached/)
})

test('temporary files of a write that failed do not stay', async () => {
  await using folder = await temporaryFolder()
  const path = pathOf(BLOB)
  await mkdir(join(folder.path, path), { recursive: true })
  await assert.rejects(new LinkFiles(folder.path).write(BLOB, DIGEST))
  assert.deepEqual(await readdir(folder.at(path, '..')), ['link'])
})

test('no link is written where the folder of the volume is not: it is not made', async () => {
  await using folder = await temporaryFolder()
  await assert.rejects(new LinkFiles(folder.at('absent')).write(BLOB, DIGEST), { code: 'ENOENT' })
  assert.deepEqual(await readdir(folder.path), [])
})
