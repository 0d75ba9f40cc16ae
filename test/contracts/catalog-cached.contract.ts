import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Data } from '../../src/catalog/commands.ts'
import { digestOf } from '../helpers/digest-of.ts'

const REPOSITORY = 'docker.io/library/alpine'
const BARE = 'library/alpine'
const LAYER = digestOf('a layer')
const IMAGE_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const PAGE = { limit: 100 }

/** The part of the contract of a `Catalog` that is about copies of upstreams' repositories. */
export function cachedContract(name: string, open: () => Promise<Catalog>): void {
  describe(`${name} keeps the Catalog contract: cached repositories`, () => {
    it('takes a manifest with its tag, confirmed, and makes the repository, as cached', async () => {
      await using catalog = await open()
      const data = manifestOf('one', { tag: '3', at: 5 })
      assert.equal(await catalog.write('putCachedManifest', data), IMAGE_TYPE)
      assert.equal((await catalog.repository(REPOSITORY))?.kind, 'cached')
      const times = { movedAt: 5, confirmedAt: 5 }
      const stored = { digest: data.digest, mediaType: IMAGE_TYPE, bytes: new Uint8Array(data.bytes) }
      assert.deepEqual(await catalog.manifestByTag(REPOSITORY, '3'), { ...stored, kind: 'cached', ...times })
      assert.deepEqual(await catalog.tag(REPOSITORY, '3'), { name: '3', digest: data.digest, ...times })
      assert.deepEqual(await catalog.linkJobs(9), [])
      // What it names stays, and so does it.
      for (const digest of [LAYER, data.digest]) assert.equal(await catalog.write('markLeaving', { digest }), false)
    })

    it('takes one without a tag, and again', async () => {
      await using catalog = await open()
      const data = manifestOf('one', { at: 5 })
      for (const at of [5, 6]) await catalog.write('putCachedManifest', { ...data, at })
      assert.equal((await catalog.manifest(REPOSITORY, data.digest))?.mediaType, IMAGE_TYPE)
      assert.deepEqual(await catalog.tags(REPOSITORY, PAGE), [])
    })

    it('ends the removal of the bytes that came again', async () => {
      await using catalog = await open()
      const data = manifestOf('one', {})
      await catalog.write('commitBlob', { repository: 'apps/web', digest: data.digest, size: 3 })
      await catalog.write('markLeaving', { digest: data.digest })
      await catalog.write('putCachedManifest', data)
      assert.deepEqual(await catalog.leaving(), [])
    })

    it('moves a tag when it points elsewhere, and keeps the older manifest', async () => {
      await using catalog = await open()
      const [one, two] = [manifestOf('one', { tag: '3', at: 5 }), manifestOf('two', { tag: '3', at: 7 })]
      await catalog.write('putCachedManifest', one)
      await catalog.write('putCachedManifest', { ...one, at: 6 })
      assert.deepEqual(await catalog.tag(REPOSITORY, '3'), {
        name: '3',
        digest: one.digest,
        movedAt: 5,
        confirmedAt: 6,
      })
      await catalog.write('putCachedManifest', two)
      assert.deepEqual(await catalog.tag(REPOSITORY, '3'), {
        name: '3',
        digest: two.digest,
        movedAt: 7,
        confirmedAt: 7,
      })
      assert.notEqual(await catalog.manifest(REPOSITORY, one.digest), undefined)
    })

    it('answers with the type that a digest has here', async () => {
      await using catalog = await open()
      const data = manifestOf('one', {})
      await catalog.write('putCachedManifest', data)
      const other = { ...data, manifest: { ...data.manifest, mediaType: 'application/vnd.example+json' } }
      assert.equal(await catalog.write('putCachedManifest', other), IMAGE_TYPE)
    })

    it('writes nothing into a hosted repository', async () => {
      await using catalog = await open()
      await catalog.write('commitBlob', { repository: REPOSITORY, digest: LAYER, size: 1 })
      const data = manifestOf('one', { tag: '3' })
      assert.equal(await catalog.write('putCachedManifest', data), undefined)
      assert.equal(await catalog.manifest(REPOSITORY, data.digest), undefined)
      assert.equal(await catalog.tag(REPOSITORY, '3'), undefined)
    })

    it('confirms a tag where it points, marks it gone, and takes the mark back with the next word', async () => {
      await using catalog = await open()
      const { digest, ...data } = manifestOf('one', { tag: '3', at: 5 })
      await catalog.write('putCachedManifest', { ...data, digest })
      const at = (time: number, which = digest) => ({ repository: REPOSITORY, tag: '3', digest: which, at: time })
      const tag = { name: '3', digest, movedAt: 5 }

      assert.equal(await catalog.write('confirmTag', at(6)), true)
      assert.deepEqual(await catalog.tag(REPOSITORY, '3'), { ...tag, confirmedAt: 6 })
      assert.equal(await catalog.write('markTagGone', at(7)), true)
      assert.deepEqual(await catalog.tag(REPOSITORY, '3'), { ...tag, confirmedAt: 6, goneAt: 7 })
      assert.equal((await catalog.manifestByTag(REPOSITORY, '3'))?.goneAt, 7)
      assert.equal(await catalog.write('confirmTag', at(8)), true)
      assert.deepEqual(await catalog.tag(REPOSITORY, '3'), { ...tag, confirmedAt: 8 })

      await catalog.write('markTagGone', at(9))
      await catalog.write('putCachedManifest', { ...data, digest, at: 10 })
      assert.deepEqual(await catalog.tag(REPOSITORY, '3'), { ...tag, confirmedAt: 10 })
    })

    it('takes no word about a tag that points elsewhere, or is not there', async () => {
      await using catalog = await open()
      const { digest } = manifestOf('one', {})
      await catalog.write('putCachedManifest', manifestOf('one', { tag: '3', at: 5 }))
      for (const command of ['confirmTag', 'markTagGone'] as const) {
        for (const wrong of [{ digest: LAYER }, { tag: '4' }, { repository: 'no/such' }]) {
          const data = { repository: REPOSITORY, tag: '3', digest, at: 6, ...wrong }
          assert.equal(await catalog.write(command, data), false)
        }
      }
      assert.deepEqual(await catalog.tag(REPOSITORY, '3'), { name: '3', digest, movedAt: 5, confirmedAt: 5 })
    })
  })

  describe(`${name} keeps the Catalog contract: what a proxying registry:2 cached`, () => {
    const old = manifestOf('old', { at: 1 })
    const part: Data<'adopt'> = {
      ...{ repository: BARE, kind: 'cached', complete: true },
      blobs: [{ digest: LAYER, size: 7 }],
      manifests: [{ ...old, pinned: true }],
      tags: ['2', '3'].map((name) => ({ name, digest: old.digest, at: 1 })),
    }

    it('gets the name of an upstream’s, with all that it has', async () => {
      await using catalog = await open()
      await catalog.write('adopt', part)
      assert.equal(await catalog.write('takeForUpstream', { repository: BARE, as: REPOSITORY }), true)
      assert.equal(await catalog.repository(BARE), undefined)
      assert.equal((await catalog.repository(REPOSITORY))?.kind, 'cached')
      assert.equal((await catalog.manifestByTag(REPOSITORY, '2'))?.digest, old.digest)
      assert.equal(await catalog.blobSize(REPOSITORY, LAYER), 7)
      assert.deepEqual((await catalog.adoption()).repositories, new Set())
    })

    it('goes into what is cached under that name, whose tags win', async () => {
      await using catalog = await open()
      await catalog.write('adopt', part)
      const fresh = manifestOf('new', { tag: '3', at: 9 })
      await catalog.write('putCachedManifest', fresh)
      assert.equal(await catalog.write('takeForUpstream', { repository: BARE, as: REPOSITORY }), true)
      assert.equal(await catalog.repository(BARE), undefined)
      assert.deepEqual(
        (await catalog.tags(REPOSITORY, PAGE)).map(({ name, digest }) => [name, digest]),
        [
          ['2', old.digest],
          ['3', fresh.digest],
        ],
      )
      const pins = (await catalog.manifests(REPOSITORY, PAGE)).map(({ digest, pinned }) => [digest, pinned])
      assert.deepEqual(
        new Map(pins as [string, boolean][]),
        new Map([
          [old.digest, true],
          [fresh.digest, false],
        ]),
      )
      assert.equal(await catalog.blobSize(REPOSITORY, LAYER), 7)
      assert.equal((await catalog.manifestNaming(REPOSITORY, LAYER)) !== undefined, true)
      assert.equal(await catalog.write('markLeaving', { digest: LAYER }), false)
    })

    it('stays where it, or that name, is hosted, and where there is none', async () => {
      await using catalog = await open()
      const take = (repository: string, as: string) => catalog.write('takeForUpstream', { repository, as })
      await catalog.write('adopt', { ...part, repository: 'own/app', kind: 'hosted' })
      assert.equal(await take('own/app', REPOSITORY), false)
      assert.equal(await take('no/such', REPOSITORY), false)
      await catalog.write('adopt', part)
      await catalog.write('commitBlob', { repository: REPOSITORY, digest: LAYER, size: 7 })
      assert.equal(await take(BARE, REPOSITORY), false)
      assert.equal((await catalog.manifestByTag(BARE, '2'))?.digest, old.digest)
    })
  })
}

function manifestOf(text: string, more: { tag?: string; at?: number }): Data<'putCachedManifest'> {
  const bytes = Buffer.from(text)
  const references = [{ digest: LAYER, kind: 'layer', optional: false }] as const
  const manifest = { mediaType: IMAGE_TYPE, references }
  return { repository: REPOSITORY, digest: digestOf(bytes), bytes, manifest, at: 1, ...more }
}
