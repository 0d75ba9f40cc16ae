import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Digest } from '../../src/oci/digest.ts'
import { type BlobDownload, type Running, type Upstream, UpstreamFailure } from '../../src/upstream/upstream.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { type Image, makeArtifact, makeImage, makeMultiPlatform } from '../helpers/images.ts'

export interface OpenedUpstream extends AsyncDisposable {
  readonly upstream: Upstream
}

/** Nothing has it. */
export const ABSENT = digestOf(Buffer.from('absent'))

/** What every `Upstream` must do. `open`: an upstream that holds images, by `repository:tag`, or a repository alone. */
export function upstreamContract(
  name: string,
  open: (images: Readonly<Record<string, Image>>) => Promise<OpenedUpstream>,
): void {
  describe(`${name} keeps the Upstream contract`, () => {
    const image = makeImage('contract')
    const images = { 'library/a:1': image }

    it('brings a manifest by tag and by digest, as it is', async () => {
      await using opened = await open(images)
      for (const reference of ['1', image.manifest.digest]) {
        const found = await opened.upstream.manifest('library/a', reference).value
        assert.equal(found.digest, image.manifest.digest)
        assert.deepEqual(Buffer.from(found.bytes), image.manifest.bytes)
        assert.equal(found.manifest.mediaType, image.manifest.mediaType)
      }
    })

    it('brings an index, and what it names', async () => {
      const index = makeMultiPlatform('contract')
      await using opened = await open({ 'library/a:1': index })
      const { manifest } = await opened.upstream.manifest('library/a', '1').value
      for (const { digest } of manifest.references) await opened.upstream.manifest('library/a', digest).value
      assert.equal(manifest.references.length, 2)
    })

    it('confirms a tag that has not moved, and says of every other that it changed', async () => {
      await using opened = await open(images)
      assert.equal(await opened.upstream.confirm('library/a', '1', image.manifest.digest).value, 'confirmed')
      assert.equal(await opened.upstream.confirm('library/a', '1', ABSENT).value, 'changed')
    })

    it('brings a blob whole, and from where a download broke off', async () => {
      await using opened = await open(images)
      for (const [digest, bytes] of image.blobs) {
        const whole = await opened.upstream.blob('library/a', digest).value
        assert.deepEqual([whole.at, whole.size], [0, bytes.length])
        assert.deepEqual(await bytesOf(whole), bytes)
        const rest = await opened.upstream.blob('library/a', digest, { at: 7, size: bytes.length }).value
        assert.deepEqual([rest.at, rest.size], [7, bytes.length])
        assert.deepEqual(await bytesOf(rest), bytes.subarray(7))
      }
    })

    it('takes it that a download is cancelled, at any time', async () => {
      await using opened = await open(images)
      const [digest] = image.blobs.keys()
      const unread = await opened.upstream.blob('library/a', digest as Digest).value
      unread.cancel()
      const read = await opened.upstream.blob('library/a', digest as Digest).value
      for await (const _ of read.body) break
      read.cancel()
      read.cancel()
    })

    it('knows whether a blob is there', async () => {
      await using opened = await open(images)
      const [[digest, bytes] = []] = image.blobs
      assert.deepEqual(await opened.upstream.hasBlob('library/a', digest as Digest).value, { size: bytes?.length })
    })

    it('pages through tags', async () => {
      const tags = Object.fromEntries(['1', '2', '3', 'b', 'c'].map((tag) => [`library/a:${tag}`, image]))
      await using opened = await open(tags)
      const pages: (readonly string[])[] = []
      let last: string | undefined
      for (let more = true; more; ) {
        const page = await opened.upstream.tags('library/a', { limit: 2, ...(last !== undefined && { last }) }).value
        pages.push(page.tags)
        more = page.more
        last = page.tags.at(-1)
      }
      assert.deepEqual(pages, [['1', '2'], ['3', 'b'], ['c']])
    })

    it('knows what refers to a manifest', async () => {
      const artifact = makeArtifact('contract', { subject: image })
      await using opened = await open({ ...images, 'library/a': artifact })
      const found = await opened.upstream.referrers('library/a', image.manifest.digest).value
      assert.deepEqual(
        found.map(({ digest }) => digest),
        [artifact.manifest.digest],
      )
      assert.equal(found[0]?.artifactType, 'application/vnd.example.note')
      assert.deepEqual(await opened.upstream.referrers('library/a', artifact.manifest.digest).value, [])
    })

    const absent: readonly [string, (upstream: Upstream) => Running<unknown>][] = [
      ['a tag', (upstream) => upstream.manifest('library/a', 'absent')],
      ['a digest', (upstream) => upstream.manifest('library/a', ABSENT)],
      ['a blob', (upstream) => upstream.blob('library/a', ABSENT)],
      ['a blob that is only asked about', (upstream) => upstream.hasBlob('library/a', ABSENT)],
      ['tags of a repository', (upstream) => upstream.tags('library/absent', { limit: 5 })],
    ]
    for (const [what, ask] of absent) {
      it(`fails where the registry says that ${what} is not there, and says so at once`, async () => {
        await using opened = await open(images)
        const running = ask(opened.upstream)
        await assert.rejects(running.value, (error) => {
          assert.ok(error instanceof UpstreamFailure)
          const { cause, upstream, route, status } = error.failure
          assert.deepEqual([cause, upstream, route, status], ['not-found', opened.upstream.name, 'direct', 404])
          return true
        })
        assert.equal(running.attempts.at(-1)?.cause, 'not-found')
        assert.equal(opened.upstream.state().failing, undefined)
      })
    }

    it('says at any time what it hangs at', async () => {
      await using opened = await open(images)
      const running = opened.upstream.manifest('library/a', '1')
      assert.equal(running.waiting().cause, 'timeout')
      assert.equal(running.waiting().upstream, opened.upstream.name)
      await running.value
    })

    it('tells of its routes', async () => {
      await using opened = await open(images)
      assert.deepEqual(
        opened.upstream.state().routes.map(({ name: route }) => route),
        ['direct'],
      )
    })
  })
}

async function bytesOf(download: BlobDownload): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of download.body) parts.push(part)
  return Buffer.concat(parts)
}
