import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Digest } from '../../../src/oci/digest.ts'
import { adopt } from '../../../src/registry/adopt.ts'
import { exportLinks } from '../../../src/registry/export-registry2.ts'
import { drainLinks } from '../../../src/registry/follow-links.ts'
import { importAs, importLinks } from '../../../src/registry/import-registry2.ts'
import { LinkFiles, type LinkPlace, pathOf } from '../../../src/registry/link-files.ts'
import { contentOf } from '../../helpers/catalog-content.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { makeImage, makeMultiPlatform } from '../../helpers/images.ts'
import { openTestVolume, type TestVolume } from '../../helpers/test-volume.ts'

const PAGE = { limit: 100 }
const ONE = makeImage('one')
const TWO = makeImage('two')
const TAG: LinkPlace = { repository: 'a', what: 'tag', tag: 'v1' }

/** A volume that was adopted with image ONE as `a:v1`, whose tag was set at 10,000. */
async function openAdopted(): Promise<TestVolume> {
  const volume = await openTestVolume()
  await volume.folder.addImage('a', ONE)
  await volume.folder.addLink(TAG, ONE.manifest.digest, 10_000)
  await adopt(volume.context)
  return volume
}

async function tagOf({ catalog }: TestVolume, tag = 'v1'): Promise<Digest | undefined> {
  return (await catalog.tag('a', tag))?.digest
}

test('import reads new repositories, manifests, blobs and tags, and counts only those', async () => {
  await using volume = await openAdopted()
  const { folder, catalog, context } = volume
  const multi = makeMultiPlatform('new')
  await folder.addImage('a', TWO, 'v2')
  await folder.addImage('b/c', multi, 'v1')
  const summary = await importLinks(context)
  assert.deepEqual(summary, { hosted: ['a', 'b/c'], cached: [], manifests: 4, tags: 2, blobs: 6, problems: 0 })
  assert.equal(await tagOf(volume, 'v2'), TWO.manifest.digest)
  assert.equal((await catalog.manifestByTag('b/c', 'v1'))?.digest, multi.manifest.digest)
  assert.deepEqual(await importLinks(context), { ...summary, manifests: 0, tags: 0, blobs: 0 })
})

for (const [when, at, expected] of [
  ['after the tag was set here', 11_000, TWO],
  ['when the tag was set here', 10_000, ONE],
  ['before the tag was set here', 9_000, ONE],
] as const) {
  test(`a tag that registry:2 moved ${when} is ${expected === TWO ? 'moved' : 'left'}`, async () => {
    await using volume = await openAdopted()
    await volume.folder.addImage('a', TWO)
    await volume.folder.addLink(TAG, TWO.manifest.digest, at)
    const summary = await importLinks(volume.context)
    assert.equal(await tagOf(volume), expected.manifest.digest)
    assert.deepEqual([summary.manifests, summary.tags], [1, expected === TWO ? 1 : 0])
  })
}

test('what was deleted here does not come back by a link that still lay there', async () => {
  await using volume = await openAdopted()
  const { catalog, context } = volume
  await catalog.write('deleteTag', { repository: 'a', tag: 'v1' })
  await catalog.write('deleteManifest', { repository: 'a', digest: ONE.manifest.digest })
  const summary = await importLinks(context)
  assert.deepEqual([summary.manifests, summary.tags], [0, 0])
  assert.equal(await tagOf(volume), undefined)
})

test('import refuses while such links cannot be taken away', async () => {
  await using volume = await openAdopted()
  const { catalog, context, root } = volume
  await catalog.write('deleteManifest', { repository: 'a', digest: ONE.manifest.digest })
  const link = join(root, pathOf({ repository: 'a', what: 'manifest', digest: ONE.manifest.digest }))
  await rm(link)
  await mkdir(link)
  await assert.rejects(importLinks(context), {
    name: 'OperatorError',
    message: /1 link files cannot be brought up to date/,
  })
})

test('import tells again what cannot be used', async () => {
  await using volume = await openAdopted()
  const { folder, context } = volume
  await folder.addLink({ ...TAG, tag: 'bad' }, digestOf('nothing'))
  assert.equal((await importLinks(context)).problems, 1)
  assert.equal((await importLinks(context)).problems, 1)
})

test('--as corrects what a repository was taken for; a cached one has all that its manifests name', async () => {
  await using volume = await openAdopted()
  const { catalog, context } = volume
  const layer = [...ONE.blobs.keys()].at(-1) ?? digestOf('')
  await catalog.write('unlinkBlob', { repository: 'a', digest: layer })
  await drainLinks({ catalog, links: new LinkFiles(volume.root) })
  await importAs(context, 'cached', ['a'])
  assert.equal((await catalog.repository('a'))?.kind, 'cached')
  assert.notEqual(await catalog.blobSize('a', layer), undefined)
  await importAs(context, 'hosted', ['a'])
  assert.equal((await catalog.repository('a'))?.kind, 'hosted')
})

test('--as with a name that is not there changes nothing', async () => {
  await using volume = await openAdopted()
  await assert.rejects(importAs(volume.context, 'cached', ['a', 'no/such']), {
    name: 'OperatorError',
    message: /'no\/such'/,
  })
  assert.equal((await volume.catalog.repository('a'))?.kind, 'hosted')
})

test('export writes the links that a crash lost, and --check lists them first', async () => {
  await using volume = await openAdopted()
  const { context, root, catalog } = volume
  const repositories = join(root, 'docker/registry/v2/repositories')
  await rm(repositories, { recursive: true })
  const links = ONE.blobs.size + 2
  const before = await contentOf(catalog)

  assert.deepEqual(await exportLinks(context, { check: true }), { links, written: links, problems: 0 })
  assert.equal(volume.problems().length, links)
  await assert.rejects(rm(repositories, { recursive: true }), { code: 'ENOENT' })

  assert.deepEqual(await exportLinks(context, { check: false }), { links, written: links, problems: 0 })
  assert.deepEqual(volume.problems(), [])
  assert.deepEqual(await exportLinks(context, { check: true }), { links, written: 0, problems: 0 })

  await using again = await openTestVolume()
  await adopt({ ...again.context, root, parts: { ...context.parts, catalog: again.catalog } })
  assert.deepEqual(
    (await again.catalog.tags('a', PAGE)).map(({ name, digest }) => [name, digest]),
    [['v1', ONE.manifest.digest]],
  )
  assert.deepEqual(await contentOf(catalog), before)
})

test('export rights a link that says something else, but not a tag that registry:2 moved since', async () => {
  await using volume = await openAdopted()
  const { context, folder } = volume
  const blob: LinkPlace = { repository: 'a', what: 'blob', digest: [...ONE.blobs.keys()][0] ?? digestOf('') }
  await folder.addLink(blob, '')
  await folder.addLink(TAG, TWO.manifest.digest, 9_000)
  assert.deepEqual((await exportLinks(context, { check: false })).written, 2)
  assert.deepEqual(volume.problems(), [])

  await folder.addLink(TAG, TWO.manifest.digest, 11_000)
  assert.deepEqual((await exportLinks(context, { check: false })).problems, 1)
  assert.deepEqual(volume.problems(), [
    { path: pathOf(TAG), why: `was moved by registry:2 to ${TWO.manifest.digest}; \`import registry2\` reads it` },
  ])
})

test('export lists what registry:2 cannot hold, and what is not in the catalog', async () => {
  await using volume = await openAdopted()
  const { context, folder, catalog } = volume
  const long = digestOf('long', 'sha512')
  await catalog.write('commitBlob', { repository: 'a', digest: long, size: 4 })
  const bytes = Buffer.from('{}')
  const odd = { repository: 'a', digest: digestOf(bytes), bytes, tags: ['odd'], mustExist: [], at: 1 }
  await catalog.write('putManifest', { ...odd, manifest: { mediaType: 'application/x-odd', references: [] } })
  // Left by a registry that can hold it: not a second problem.
  await folder.addLink({ repository: 'a', what: 'manifest', digest: odd.digest }, odd.digest)
  await folder.addImage('later', TWO, 'v1')
  const summary = await exportLinks(context, { check: true })
  assert.equal(summary.written, 0)
  const unknown = 'is not in the catalog; `import registry2` reads it, or says why not'
  const oddWhy = "is not written: registry:2 does not know the type 'application/x-odd'"
  assert.deepEqual(
    volume.problems(),
    [
      {
        path: pathOf({ repository: 'a', what: 'blob', digest: long }),
        why: 'is not written: registry:2 does not serve sha512',
      },
      { path: pathOf({ repository: 'a', what: 'manifest', digest: odd.digest }), why: oddWhy },
      { path: pathOf({ ...TAG, tag: 'odd' }), why: oddWhy },
      ...[...TWO.blobs.keys()].map((digest) => ({
        path: pathOf({ repository: 'later', what: 'blob', digest }),
        why: unknown,
      })),
      { path: pathOf({ repository: 'later', what: 'manifest', digest: TWO.manifest.digest }), why: unknown },
      { path: pathOf({ ...TAG, repository: 'later' }), why: unknown },
    ].sort((a, b) => (a.path < b.path ? -1 : 1)),
  )
})

test('export takes links away of what was deleted; --check only says that they say more', async () => {
  await using volume = await openAdopted()
  const { context, catalog, root } = volume
  await catalog.write('deleteTag', { repository: 'a', tag: 'v1' })
  assert.equal((await exportLinks(context, { check: true })).problems, 1)
  assert.deepEqual(
    volume.problems().map(({ path }) => path),
    [pathOf(TAG)],
  )
  assert.equal((await exportLinks(context, { check: false })).problems, 0)
  assert.equal(await new LinkFiles(root).read(TAG), undefined)
})
