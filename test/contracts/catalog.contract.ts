import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Data } from '../../src/catalog/commands.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { Manifest } from '../../src/oci/manifest.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { cachedContract } from './catalog-cached.contract.ts'
import { troublesContract } from './catalog-troubles.contract.ts'

const REPOSITORY = 'apps/web'
const OTHER = 'apps/other'
const LAYER = digestOf('a layer')
const CONFIG = digestOf('a config')
const IMAGE_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const PAGE = { limit: 100 }

/**
 * What every `Catalog` must do. A catalog's own test file calls this once and
 * adds only what is special to that catalog. `open` makes an empty one.
 */
export function catalogContract(name: string, open: () => Promise<Catalog>): void {
  cachedContract(name, open)
  troublesContract(name, open)

  describe(`${name} keeps the Catalog contract: blobs`, () => {
    it('makes a repository with its first blob, as hosted', async () => {
      await using catalog = await open()
      assert.equal(await catalog.repository(REPOSITORY), undefined)
      await commit(catalog, LAYER, { size: 7 })
      assert.deepEqual(plain(await catalog.repository(REPOSITORY)), { name: REPOSITORY, kind: 'hosted' })
      assert.equal(await catalog.blobSize(REPOSITORY, LAYER), 7)
    })

    it('shows a blob only in repositories that it is tied to', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      await commit(catalog, CONFIG, { repository: OTHER })
      assert.equal(await catalog.blobSize(OTHER, LAYER), undefined)
      assert.deepEqual(await catalog.repositoriesOfBlob(LAYER), [REPOSITORY])
      assert.deepEqual(plain(await catalog.blobs(OTHER, PAGE)), [{ digest: CONFIG, size: 1 }])
    })

    it('takes the same blob twice, with the size that came last', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER, { size: 1 })
      await commit(catalog, LAYER, { size: 2 })
      assert.deepEqual(plain(await catalog.blobs(REPOSITORY, PAGE)), [{ digest: LAYER, size: 2 }])
    })

    it('mounts what the source has, and makes the target', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER, { size: 7 })
      assert.equal(await catalog.write('mountBlob', { repository: OTHER, from: REPOSITORY, digest: LAYER }), true)
      assert.equal(await catalog.blobSize(OTHER, LAYER), 7)
      assert.deepEqual(await catalog.repositoriesOfBlob(LAYER), [OTHER, REPOSITORY])
    })

    it('mounts nothing that the source has not, and then makes no target', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      assert.equal(await catalog.write('mountBlob', { repository: OTHER, from: REPOSITORY, digest: CONFIG }), false)
      assert.equal(await catalog.write('mountBlob', { repository: OTHER, from: 'no/such', digest: LAYER }), false)
      assert.equal(await catalog.repository(OTHER), undefined)
    })

    it('unties a blob from one repository, leaves it to others, and keeps the repository', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      await commit(catalog, LAYER, { repository: OTHER })
      assert.equal(await catalog.write('unlinkBlob', { repository: REPOSITORY, digest: LAYER }), true)
      assert.equal(await catalog.write('unlinkBlob', { repository: REPOSITORY, digest: LAYER }), false)
      assert.equal(await catalog.write('unlinkBlob', { repository: 'no/such', digest: LAYER }), false)
      assert.deepEqual(await catalog.repositoriesOfBlob(LAYER), [OTHER])
      assert.notEqual(await catalog.repository(REPOSITORY), undefined)
    })
  })

  describe(`${name} keeps the Catalog contract: manifests and tags`, () => {
    it('gives a manifest back as it was put, by digest and by tag', async () => {
      await using catalog = await open()
      const bytes = Buffer.from('{ "odd":  "bytes\\u0000" }')
      const digest = await put(catalog, { bytes, tags: ['v1'] })
      const expected = { digest, mediaType: IMAGE_TYPE, bytes: new Uint8Array(bytes) }
      assert.deepEqual(await catalog.manifest(REPOSITORY, digest), expected)
      assert.deepEqual(await catalog.manifestByTag(REPOSITORY, 'v1'), { ...expected, kind: 'hosted', movedAt: 1 })
      assert.deepEqual(await catalog.manifests(REPOSITORY, PAGE), [
        { digest, mediaType: IMAGE_TYPE, size: bytes.length, pinned: false },
      ])
      assert.deepEqual(await catalog.tag(REPOSITORY, 'v1'), { name: 'v1', digest, movedAt: 1 })
    })

    it('shows a manifest only in its repository', async () => {
      await using catalog = await open()
      const digest = await put(catalog, { tags: ['v1'] })
      await commit(catalog, LAYER, { repository: OTHER })
      assert.equal(await catalog.manifest(OTHER, digest), undefined)
      assert.equal(await catalog.manifestByTag(OTHER, 'v1'), undefined)
      assert.equal(await catalog.manifest('no/such', digest), undefined)
    })

    it('does not show the bytes of a manifest as a blob of the repository', async () => {
      await using catalog = await open()
      const digest = await put(catalog, {})
      assert.equal(await catalog.blobSize(REPOSITORY, digest), undefined)
      assert.deepEqual(await catalog.blobs(REPOSITORY, PAGE), [])
    })

    it('writes nothing when something that must exist is missing, and says what', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      const other = await put(catalog, { repository: OTHER })
      const data = pushOf({ tags: ['v1'], mustExist: [LAYER, CONFIG, other] })
      assert.deepEqual(await catalog.write('putManifest', data), { missing: [CONFIG, other] })
      assert.equal(await catalog.manifest(REPOSITORY, data.digest), undefined)
      assert.equal(await catalog.tag(REPOSITORY, 'v1'), undefined)

      assert.deepEqual(await catalog.write('putManifest', { ...data, repository: 'new' }), {
        missing: [LAYER, CONFIG, other],
      })
      assert.equal(await catalog.repository('new'), undefined)
    })

    it('takes blobs and manifests of the repository for what must exist', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      const child = await put(catalog, {})
      const data = pushOf({ bytes: Buffer.from('an index'), mustExist: [LAYER, child] })
      assert.deepEqual(await catalog.write('putManifest', data), { stored: true })
    })

    it('moves a tag with each push, also to where it is', async () => {
      await using catalog = await open()
      const first = await put(catalog, { tags: ['v1', 'v2'], at: 1 })
      const second = await put(catalog, { bytes: Buffer.from('second'), tags: ['v1'], at: 2 })
      assert.deepEqual(await catalog.tag(REPOSITORY, 'v1'), { name: 'v1', digest: second, movedAt: 2 })
      assert.deepEqual(await catalog.tag(REPOSITORY, 'v2'), { name: 'v2', digest: first, movedAt: 1 })
      await put(catalog, { bytes: Buffer.from('second'), tags: ['v1'], at: 3 })
      assert.deepEqual(await catalog.tag(REPOSITORY, 'v1'), { name: 'v1', digest: second, movedAt: 3 })
    })

    it('keeps one media type for a digest in a repository', async () => {
      await using catalog = await open()
      await put(catalog, {})
      const index = { mediaType: 'application/vnd.oci.image.index.v1+json', references: [] }
      const data = pushOf({ manifest: index, tags: ['v1'] })
      assert.deepEqual(await catalog.write('putManifest', data), { typeIs: IMAGE_TYPE })
      assert.equal(await catalog.tag(REPOSITORY, 'v1'), undefined)
      assert.deepEqual(await catalog.write('putManifest', { ...data, repository: OTHER }), { stored: true })
      assert.equal((await catalog.manifest(OTHER, data.digest))?.mediaType, index.mediaType)
      assert.equal((await catalog.manifest(REPOSITORY, data.digest))?.mediaType, IMAGE_TYPE)
    })

    it('puts a manifest only where the tag is at what is expected', async () => {
      await using catalog = await open()
      const data = pushOf({ tags: ['v1'] })
      const [absent, elsewhere] = [{ digest: undefined }, { digest: LAYER }]
      assert.deepEqual(await catalog.write('putManifest', { ...data, ifTagIs: elsewhere }), { tagIs: undefined })
      assert.equal(await catalog.repository(REPOSITORY), undefined)
      assert.deepEqual(await catalog.write('putManifest', { ...data, ifTagIs: absent }), { stored: true })
      assert.deepEqual(await catalog.write('putManifest', { ...data, ifTagIs: absent }), { tagIs: data.digest })
      assert.deepEqual(await catalog.write('putManifest', { ...data, ifTagIs: { digest: data.digest } }), {
        stored: true,
      })
    })

    it('lets one of two win that expect the same tag', async () => {
      await using catalog = await open()
      const pushes = ['one', 'two'].map((text) =>
        pushOf({ bytes: Buffer.from(text), tags: ['v1'], ifTagIs: { digest: undefined } }),
      )
      const answers = await Promise.all(pushes.map((data) => catalog.write('putManifest', data)))
      assert.deepEqual(answers, [{ stored: true }, { tagIs: pushes[0]?.digest }])
    })

    it('deletes a tag, and only it', async () => {
      await using catalog = await open()
      const digest = await put(catalog, { tags: ['v1', 'v2'] })
      assert.equal(await catalog.write('deleteTag', { repository: REPOSITORY, tag: 'v1' }), true)
      assert.equal(await catalog.write('deleteTag', { repository: REPOSITORY, tag: 'v1' }), false)
      assert.equal(await catalog.write('deleteTag', { repository: 'no/such', tag: 'v1' }), false)
      assert.equal((await catalog.manifestByTag(REPOSITORY, 'v2'))?.digest, digest)
    })

    it('deletes a manifest with every tag on it, here only', async () => {
      await using catalog = await open()
      const digest = await put(catalog, { tags: ['v1', 'v2'] })
      const kept = await put(catalog, { bytes: Buffer.from('kept'), tags: ['v3'] })
      await put(catalog, { repository: OTHER, tags: ['v1'] })
      assert.equal(await catalog.write('deleteManifest', { repository: REPOSITORY, digest }), true)
      assert.equal(await catalog.write('deleteManifest', { repository: REPOSITORY, digest }), false)
      assert.deepEqual(await catalog.tags(REPOSITORY, PAGE), [{ name: 'v3', digest: kept, movedAt: 1 }])
      assert.equal(await catalog.manifest(REPOSITORY, digest), undefined)
      assert.equal((await catalog.manifestByTag(OTHER, 'v1'))?.digest, digest)
    })

    it('takes a manifest back after the last one of its digest went', async () => {
      await using catalog = await open()
      const digest = await put(catalog, {})
      await catalog.write('deleteManifest', { repository: REPOSITORY, digest })
      await put(catalog, { tags: ['v1'] })
      assert.equal((await catalog.manifestByTag(REPOSITORY, 'v1'))?.digest, digest)
    })
  })

  describe(`${name} keeps the Catalog contract: referrers`, () => {
    it('lists what names a subject, that need not be there, in order of digest', async () => {
      await using catalog = await open()
      const subject = digestOf('a subject')
      const digests: Digest[] = []
      for (const text of ['one', 'two', 'three']) {
        digests.push(
          await put(catalog, {
            bytes: Buffer.from(text),
            manifest: { mediaType: IMAGE_TYPE, references: [], subject },
          }),
        )
      }
      digests.sort()
      const listed = await catalog.referrers(REPOSITORY, subject, PAGE)
      assert.deepEqual(
        listed.map(({ digest }) => digest),
        digests,
      )
      assert.deepEqual(
        (await catalog.referrers(REPOSITORY, subject, { after: digests[0] ?? '', limit: 1 })).map(
          ({ digest }) => digest,
        ),
        [digests[1]],
      )
      assert.deepEqual(await catalog.referrers(OTHER, subject, PAGE), [])
      assert.deepEqual(await catalog.referrers(REPOSITORY, LAYER, PAGE), [])
    })

    it('tells type, size and annotations of each, and leaves out what it has not', async () => {
      await using catalog = await open()
      const subject = digestOf('a subject')
      const bytes = Buffer.from('signature')
      const manifest = {
        mediaType: IMAGE_TYPE,
        references: [],
        subject,
        artifactType: 'a/b+c',
        annotations: { a: '1' },
      }
      const digest = await put(catalog, { bytes, manifest })
      await put(catalog, { bytes: Buffer.from('plain'), manifest: { mediaType: IMAGE_TYPE, references: [], subject } })
      assert.deepEqual(await catalog.referrers(REPOSITORY, subject, { ...PAGE, artifactType: 'a/b+c' }), [
        { digest, mediaType: IMAGE_TYPE, size: bytes.length, artifactType: 'a/b+c', annotations: { a: '1' } },
      ])
      const all = await catalog.referrers(REPOSITORY, subject, PAGE)
      assert.deepEqual(
        all.find((referrer) => referrer.digest !== digest),
        {
          digest: digestOf('plain'),
          mediaType: IMAGE_TYPE,
          size: 5,
        },
      )
      assert.deepEqual(await catalog.referrers(REPOSITORY, subject, { ...PAGE, artifactType: 'a/b' }), [])
    })

    it('lists referrers with large annotations a few at a time, and all of them in the end', async () => {
      await using catalog = await open()
      const subject = digestOf('a subject')
      const bytes = Buffer.alloc(400_000)
      const manifest = { mediaType: IMAGE_TYPE, references: [], subject, annotations: { a: 'x'.repeat(390_000) } }
      const digests: Digest[] = []
      for (let each = 0; each < 8; each += 1) {
        bytes[0] = each
        digests.push(await put(catalog, { bytes: Buffer.from(bytes), manifest }))
      }
      const [listed, pages]: [Digest[], number[]] = [[], []]
      for (;;) {
        const page = await catalog.referrers(REPOSITORY, subject, { after: listed.at(-1) ?? '', limit: 100 })
        if (page.length === 0) break
        pages.push(page.length)
        listed.push(...page.map(({ digest }) => digest))
      }
      assert.deepEqual(listed, digests.toSorted())
      assert.deepEqual(pages, [3, 3, 2])
    })

    it('forgets a referrer that is deleted, and keeps those of a subject that is deleted', async () => {
      await using catalog = await open()
      const subject = await put(catalog, {})
      const manifest = { mediaType: IMAGE_TYPE, references: [], subject }
      const gone = await put(catalog, { bytes: Buffer.from('gone'), manifest })
      const kept = await put(catalog, { bytes: Buffer.from('kept'), manifest })
      await catalog.write('deleteManifest', { repository: REPOSITORY, digest: gone })
      await catalog.write('deleteManifest', { repository: REPOSITORY, digest: subject })
      assert.deepEqual(
        (await catalog.referrers(REPOSITORY, subject, PAGE)).map(({ digest }) => digest),
        [kept],
      )
    })
  })

  describe(`${name} keeps the Catalog contract: pages`, () => {
    it('lists repositories and tags in order of their bytes, after a name that need not exist', async () => {
      await using catalog = await open()
      for (const repository of ['b', 'a/b', 'a', 'a-b', 'a0']) await commit(catalog, LAYER, { repository })
      assert.deepEqual(names(await catalog.repositories(PAGE)), ['a', 'a-b', 'a/b', 'a0', 'b'])
      assert.deepEqual(names(await catalog.repositories({ after: 'a', limit: 2 })), ['a-b', 'a/b'])
      assert.deepEqual(names(await catalog.repositories({ after: 'a1', limit: 2 })), ['b'])

      await put(catalog, { repository: 'a', tags: ['v10', 'V2', 'v2', '_x', '0'] })
      assert.deepEqual(names(await catalog.tags('a', PAGE)), ['0', 'V2', '_x', 'v10', 'v2'])
      assert.deepEqual(names(await catalog.tags('a', { after: 'W', limit: 2 })), ['_x', 'v10'])
      assert.deepEqual(await catalog.tags('no/such', PAGE), [])
    })

    for (const [after, limit] of [
      ["' or 1=1 --", 100],
      ["'); drop table tags; --", 100],
      ['%', 100],
      ['\u0000', 1],
      ['\ud800', 100],
      ['a'.repeat(100_000), 100],
      ['', 0],
      ['', -1],
    ] as const) {
      it(`takes ${JSON.stringify(after.slice(0, 30))} for a name, and ${limit} for a number of rows`, async () => {
        await using catalog = await open()
        await put(catalog, { tags: ['0', 'z', 'a'] })
        const expected = ['0', 'a', 'z'].filter((tag) => Buffer.compare(Buffer.from(tag), Buffer.from(after)) > 0)
        assert.deepEqual(names(await catalog.tags(REPOSITORY, { after, limit })), expected.slice(0, Math.max(limit, 0)))
        assert.equal((await catalog.repositories({ after, limit })).length <= Math.max(limit, 0), true)
        assert.equal(await catalog.tag(REPOSITORY, after), undefined)
        assert.equal((await catalog.tags(REPOSITORY, PAGE)).length, 3)
      })
    }
  })

  describe(`${name} keeps the Catalog contract: removal`, () => {
    it('marks a blob that nothing names, unties it everywhere, and lets its row go last', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      await commit(catalog, LAYER, { repository: OTHER })
      assert.equal(await catalog.write('markLeaving', { digest: LAYER }), true)
      assert.deepEqual(await catalog.leaving(), [LAYER])
      assert.equal(await catalog.blobSize(REPOSITORY, LAYER), undefined)
      assert.deepEqual(await catalog.repositoriesOfBlob(LAYER), [])
      assert.deepEqual(await catalog.blobs(OTHER, PAGE), [])
      assert.equal(await catalog.write('mountBlob', { repository: 'new', from: OTHER, digest: LAYER }), false)
      assert.deepEqual(await catalog.write('putManifest', pushOf({ mustExist: [LAYER] })), { missing: [LAYER] })
      assert.equal(await catalog.write('markLeaving', { digest: LAYER }), true)

      await catalog.write('deleteLeaving', { digest: LAYER })
      assert.deepEqual(await catalog.leaving(), [])
      assert.equal(await catalog.write('markLeaving', { digest: LAYER }), false)
    })

    it('marks nothing that a manifest is or names, in whichever repository', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      await commit(catalog, CONFIG)
      const digest = await put(catalog, { repository: OTHER, manifest: imageOf(LAYER) })
      assert.equal(await catalog.write('markLeaving', { digest: LAYER }), false)
      assert.equal(await catalog.write('markLeaving', { digest }), false)
      assert.equal(await catalog.write('markLeaving', { digest: CONFIG }), true)
      assert.equal(await catalog.blobSize(REPOSITORY, LAYER), 1)

      await catalog.write('deleteManifest', { repository: OTHER, digest })
      assert.equal(await catalog.write('markLeaving', { digest: LAYER }), true)
      assert.equal(await catalog.write('markLeaving', { digest }), true)
    })

    it('keeps a blob that is committed between two steps of its removal', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      await catalog.write('markLeaving', { digest: LAYER })
      await commit(catalog, LAYER, { repository: OTHER })
      await catalog.write('deleteLeaving', { digest: LAYER })
      assert.equal(await catalog.blobSize(OTHER, LAYER), 1)
      assert.equal(await catalog.blobSize(REPOSITORY, LAYER), undefined)
      assert.deepEqual(await catalog.leaving(), [])
    })

    it('keeps a manifest that is put between two steps of its removal', async () => {
      await using catalog = await open()
      const digest = await put(catalog, {})
      await catalog.write('deleteManifest', { repository: REPOSITORY, digest })
      assert.equal(await catalog.write('markLeaving', { digest }), true)
      await put(catalog, {})
      assert.deepEqual(await catalog.leaving(), [])
      await catalog.write('deleteLeaving', { digest })
      assert.equal(await catalog.write('markLeaving', { digest }), false)
    })
  })

  describe(`${name} keeps the Catalog contract: downloads`, () => {
    const note = { id: 'b', upstream: 'docker.io', digest: LAYER, boot: 'one', synced: 0 }

    it('remembers a download, and what was last said of it, until it is given up', async () => {
      await using catalog = await open()
      assert.equal(await catalog.fill('b'), undefined)
      await catalog.write('noteFill', note)
      await catalog.write('noteFill', { ...note, boot: 'two', synced: 64 })
      await catalog.write('noteFill', { ...note, id: 'a' })
      assert.deepEqual(plain(await catalog.fill('b')), { ...note, boot: 'two', synced: 64 })
      assert.deepEqual(
        (await catalog.fills({ limit: 1 })).map(({ id }) => id),
        ['a'],
      )
      assert.deepEqual(
        (await catalog.fills({ after: 'a', limit: 9 })).map(({ id }) => id),
        ['b'],
      )
      await catalog.write('dropFill', { id: 'b' })
      await catalog.write('dropFill', { id: 'b' })
      assert.equal(await catalog.fill('b'), undefined)
    })

    it('ends a download with its blob in every repository that waited for it, which are cached', async () => {
      await using catalog = await open()
      await catalog.write('noteFill', note)
      const repositories = ['docker.io/library/a', 'docker.io/library/b']
      await catalog.write('commitFill', { id: 'b', repositories, digest: LAYER, size: 7 })
      await catalog.write('commitFill', { repositories, digest: LAYER, size: 7 })
      assert.equal(await catalog.fill('b'), undefined)
      assert.deepEqual(await catalog.repositoriesOfBlob(LAYER), repositories)
      assert.equal((await catalog.repository('docker.io/library/a'))?.kind, 'cached')
      assert.equal(await catalog.blobSize('docker.io/library/b', LAYER), 7)
      assert.deepEqual(await catalog.linkJobs(9), [])
    })

    it('takes a blob back that was leaving', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      await catalog.write('markLeaving', { digest: LAYER })
      assert.equal(await catalog.blobAnywhere(LAYER), undefined)
      await catalog.write('commitFill', { repositories: ['x.io/a'], digest: LAYER, size: 8 })
      assert.equal(await catalog.blobAnywhere(LAYER), 8)
      assert.deepEqual(await catalog.leaving(), [])
    })

    it('knows a blob that any repository has', async () => {
      await using catalog = await open()
      assert.equal(await catalog.blobAnywhere(LAYER), undefined)
      await commit(catalog, LAYER, { size: 7 })
      assert.equal(await catalog.blobAnywhere(LAYER), 7)
    })

    it('finds who names a layer or a configuration, in that repository alone', async () => {
      await using catalog = await open()
      const kinds = [
        [LAYER, 'layer'],
        [CONFIG, 'config'],
        [digestOf('a child'), 'child'],
      ] as const
      const references = kinds.map(([digest, kind]) => ({ digest, kind, optional: false }))
      const push = pushOf({ manifest: { mediaType: IMAGE_TYPE, references } })
      await catalog.write('putManifest', push)
      for (const [digest, kind] of kinds) {
        const found = await catalog.manifestNaming(REPOSITORY, digest)
        assert.equal(found?.digest, kind === 'child' ? undefined : push.digest)
        if (found !== undefined) assert.deepEqual(Buffer.from(found.bytes), Buffer.from(push.bytes))
        assert.equal(await catalog.manifestNaming(OTHER, digest), undefined)
      }
    })
  })

  describe(`${name} keeps the Catalog contract: uploads`, () => {
    it('keeps a session until it ends', async () => {
      await using catalog = await open()
      const session = { id: 'an-id', repository: 'new', account: 'ann', algorithm: 'sha512', startedAt: 5 } as const
      await catalog.write('beginUpload', session)
      assert.deepEqual(await catalog.upload('an-id'), session)
      assert.equal(await catalog.repository('new'), undefined)
      await catalog.write('endUpload', { id: 'an-id' })
      await catalog.write('endUpload', { id: 'an-id' })
      assert.equal(await catalog.upload('an-id'), undefined)
    })

    it('lists sessions in order of their ids, in pages', async () => {
      await using catalog = await open()
      const session = { repository: 'new', account: '', algorithm: 'sha256', startedAt: 5 } as const
      for (const id of ['c', 'a', 'b']) await catalog.write('beginUpload', { ...session, id })
      const first = await catalog.uploads({ limit: 2 })
      assert.deepEqual(first, [
        { ...session, id: 'a' },
        { ...session, id: 'b' },
      ])
      assert.deepEqual(await catalog.uploads({ after: 'b', limit: 2 }), [{ ...session, id: 'c' }])
    })
  })

  describe(`${name} keeps the Catalog contract: link files`, () => {
    it('notes each link that must follow, in order', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      const digest = await put(catalog, { tags: ['v1', 'v2'] })
      const links = ['blob', LAYER, 'manifest', digest, 'tag', 'v1', 'tag', 'v2']
      assert.deepEqual(await linksOf(catalog), links)
      await done(catalog)
      assert.deepEqual(await linksOf(catalog), [])

      await catalog.write('deleteTag', { repository: REPOSITORY, tag: 'v1' })
      await catalog.write('deleteManifest', { repository: REPOSITORY, digest })
      await catalog.write('unlinkBlob', { repository: REPOSITORY, digest: LAYER })
      assert.deepEqual(await linksOf(catalog), ['tag', 'v1', 'tag', 'v2', 'manifest', digest, 'blob', LAYER])
      await done(catalog)

      await commit(catalog, LAYER)
      await catalog.write('mountBlob', { repository: OTHER, from: REPOSITORY, digest: LAYER })
      await done(catalog)
      await catalog.write('markLeaving', { digest: LAYER })
      const untied = await catalog.linkJobs(9)
      assert.deepEqual(
        new Set(untied.map(({ repository, key }) => `${repository} ${key}`)),
        new Set([`${OTHER} ${LAYER}`, `${REPOSITORY} ${LAYER}`]),
      )
    })

    it('keeps a job that was renewed since it was read', async () => {
      await using catalog = await open()
      await put(catalog, { tags: ['v1'] })
      const jobs = await catalog.linkJobs(9)
      await catalog.write('deleteTag', { repository: REPOSITORY, tag: 'v1' })
      await catalog.write('linksWritten', { jobs })
      assert.deepEqual(await linksOf(catalog), ['tag', 'v1'])
    })

    it('notes none for a cached repository', async () => {
      await using catalog = await open()
      await catalog.write('adopt', partOf({ kind: 'cached', complete: true }))
      await commit(catalog, LAYER)
      await put(catalog, { tags: ['v1'] })
      assert.deepEqual(await linksOf(catalog), [])
    })

    it('notes none for what is refused or was not there', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      await done(catalog)
      await catalog.write('putManifest', pushOf({ mustExist: [CONFIG], tags: ['v1'] }))
      await catalog.write('deleteTag', { repository: REPOSITORY, tag: 'v1' })
      await catalog.write('unlinkBlob', { repository: REPOSITORY, digest: CONFIG })
      await catalog.write('mountBlob', { repository: REPOSITORY, from: OTHER, digest: LAYER })
      assert.deepEqual(await linksOf(catalog), [])
    })
  })

  describe(`${name} keeps the Catalog contract: adoption`, () => {
    const digest = digestOf('adopted')
    const part = partOf({
      blobs: [{ digest: LAYER, size: 7 }],
      manifests: [{ digest, bytes: Buffer.from('adopted'), manifest: imageOf(LAYER), pinned: true, at: 3 }],
      tags: [{ name: 'v1', digest, at: 4 }],
    })

    it('takes a part of a repository, any number of times, without link jobs', async () => {
      await using catalog = await open()
      for (let times = 0; times < 2; times += 1) {
        await catalog.write('adopt', part)
        assert.deepEqual(plain(await catalog.repository(REPOSITORY)), { name: REPOSITORY, kind: 'hosted' })
        assert.equal(await catalog.blobSize(REPOSITORY, LAYER), 7)
        assert.deepEqual(await catalog.tags(REPOSITORY, PAGE), [{ name: 'v1', digest, movedAt: 4 }])
        assert.deepEqual(
          (await catalog.manifests(REPOSITORY, PAGE)).map(({ pinned }) => pinned),
          [true],
        )
        assert.equal(await catalog.write('markLeaving', { digest: LAYER }), false)
        assert.deepEqual(await linksOf(catalog), [])
      }
    })

    it('leaves what is there as it is, and a tag that moved later where it is', async () => {
      await using catalog = await open()
      const pushed = await put(catalog, { tags: ['v1', 'v2'], at: 9 })
      await catalog.write('adopt', {
        ...part,
        tags: [
          { name: 'v1', digest, at: 8 },
          { name: 'v2', digest, at: 9 },
        ],
      })
      await catalog.write('adopt', {
        ...part,
        kind: 'cached',
        manifests: part.manifests.map((row) => ({ ...row, pinned: false })),
        tags: [],
      })
      assert.equal((await catalog.repository(REPOSITORY))?.kind, 'hosted')
      assert.equal((await catalog.manifests(REPOSITORY, PAGE)).find((row) => row.digest === digest)?.pinned, true)
      assert.equal((await catalog.tag(REPOSITORY, 'v1'))?.digest, pushed)
      assert.equal((await catalog.tag(REPOSITORY, 'v2'))?.digest, digest)
    })

    it('passes by a tag on nothing, and what is leaving', async () => {
      await using catalog = await open()
      await commit(catalog, LAYER)
      await catalog.write('markLeaving', { digest: LAYER })
      await catalog.write('adopt', { ...part, manifests: [] })
      assert.equal(await catalog.blobSize(REPOSITORY, LAYER), undefined)
      assert.deepEqual(await catalog.tags(REPOSITORY, PAGE), [])
      await catalog.write('deleteLeaving', { digest: LAYER })
      assert.deepEqual(await catalog.leaving(), [])
    })

    it('remembers how far it came', async () => {
      await using catalog = await open()
      assert.deepEqual(await catalog.adoption(), { done: false, repositories: new Set() })
      await catalog.write('adopt', part)
      assert.deepEqual(await catalog.adoption(), { done: false, repositories: new Set() })
      await catalog.write('adopt', partOf({ complete: true }))
      await catalog.write('adopt', partOf({ complete: true }))
      assert.deepEqual(await catalog.adoption(), { done: false, repositories: new Set([REPOSITORY]) })
      await catalog.write('endAdoption', { at: 1 })
      await catalog.write('endAdoption', { at: 2 })
      assert.equal((await catalog.adoption()).done, true)
    })

    it('corrects what a repository was taken for, and then notes the links that it should have', async () => {
      await using catalog = await open()
      await catalog.write('adopt', { ...part, kind: 'cached' })
      assert.equal(await catalog.write('setRepositoryKind', { repository: 'no/such', kind: 'hosted' }), false)
      assert.equal(await catalog.write('setRepositoryKind', { repository: REPOSITORY, kind: 'hosted' }), true)
      assert.equal((await catalog.repository(REPOSITORY))?.kind, 'hosted')
      assert.deepEqual((await linksOf(catalog)).toSorted(), ['blob', LAYER, 'manifest', digest, 'tag', 'v1'].toSorted())
    })
  })
}

interface Push {
  repository?: string
  bytes?: Uint8Array
  manifest?: Manifest
  tags?: readonly string[]
  mustExist?: readonly Digest[]
  at?: number
  ifTagIs?: { digest: Digest | undefined }
}

function pushOf({ repository = REPOSITORY, bytes = Buffer.from('a manifest'), ...rest }: Push): Data<'putManifest'> {
  const manifest = { mediaType: IMAGE_TYPE, references: [] }
  return { repository, bytes, digest: digestOf(bytes), manifest, tags: [], mustExist: [], at: 1, ...rest }
}

function imageOf(layer: Digest): Manifest {
  return { mediaType: IMAGE_TYPE, references: [{ digest: layer, kind: 'layer', optional: false }] }
}

function partOf(part: Partial<Data<'adopt'>>): Data<'adopt'> {
  return { repository: REPOSITORY, kind: 'hosted', blobs: [], manifests: [], tags: [], complete: false, ...part }
}

async function put(catalog: Catalog, push: Push): Promise<Digest> {
  const data = pushOf(push)
  assert.deepEqual(await catalog.write('putManifest', data), { stored: true })
  return data.digest
}

async function commit(
  catalog: Catalog,
  digest: Digest,
  { repository = REPOSITORY, size = 1 }: { repository?: string; size?: number } = {},
): Promise<void> {
  await catalog.write('commitBlob', { repository, digest, size })
}

/** Link jobs as one flat list: what, key, what, key. */
async function linksOf(catalog: Catalog): Promise<string[]> {
  return (await catalog.linkJobs(100)).flatMap(({ what, key }) => [what, key])
}

async function done(catalog: Catalog): Promise<void> {
  await catalog.write('linksWritten', { jobs: await catalog.linkJobs(100) })
}

function names(rows: readonly { name: string }[]): string[] {
  return rows.map(({ name }) => name)
}

/** Rows may come without a prototype. */
function plain<Value>(value: Value): Value {
  return structuredClone(value)
}
