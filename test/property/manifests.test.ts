import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isDigest } from '../../src/oci/digest.ts'
import { type Manifest, parseManifest, parseStoredManifest } from '../../src/oci/manifest.ts'
import { strictObjectFrom } from '../../src/oci/manifest-json.ts'
import { isMediaType } from '../../src/oci/media-type.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { unlessRefused } from './total.ts'

const OCI = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'

const KEYS = [
  'schemaVersion',
  'mediaType',
  'config',
  'layers',
  'manifests',
  'blobs',
  'subject',
  'annotations',
  'artifactType',
  'digest',
  'size',
  'urls',
  'data',
  'platform',
  'fsLayers',
  'blobSum',
  '__proto__',
  'Layers',
]
const leaves = fc.oneof(
  fc.constantFrom(OCI, INDEX, 'a/b', digestOf('a'), 'sha256:x', '', 1, 2, 5, -1, 1e300, null, true),
  fc.string({ unit: 'binary' }),
)
/** JSON that is made of a manifest's words. */
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaves,
    fc.dictionary(
      fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...KEYS) }, { weight: 1, arbitrary: fc.string() }),
      tie('json'),
      { maxKeys: 8 },
    ),
    fc.array(tie('json'), { maxLength: 4 }),
  ),
}))
const texts = json.map((value) => JSON.stringify(value))
/** Bytes that are nearly JSON. */
const damaged = fc
  .tuple(texts, fc.nat(), fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '0', '\0', ''))
  .map(([text, at, piece]) => {
    const place = at % (text.length + 1)
    return text.slice(0, place) + piece + text.slice(place + 1)
  })
const bytes = fc.oneof(
  texts.map((text) => Buffer.from(text)),
  damaged.map((text) => Buffer.from(text)),
  fc.uint8Array().map((each) => Buffer.from(each)),
)

function assertSound({ mediaType, references, subject, annotations }: Manifest): void {
  assert.ok(isMediaType(mediaType), mediaType)
  for (const { digest, kind } of references) {
    assert.ok(isDigest(digest))
    assert.ok(['config', 'layer', 'child'].includes(kind))
  }
  if (subject !== undefined) assert.ok(isDigest(subject))
  for (const value of Object.values(annotations ?? {})) assert.equal(typeof value, 'string')
}

test('manifests: whatever is pushed is read or refused, and every digest that comes out is one (T28, T35)', () => {
  fc.assert(
    fc.property(
      bytes,
      fc.option(fc.constantFrom(OCI, INDEX, 'a/b', 'no type', ''), { nil: undefined }),
      (pushed, type) => {
        const manifest = unlessRefused(() => parseManifest(pushed, type))
        if (manifest !== undefined) assertSound(manifest)
      },
    ),
    { numRuns: 400 },
  )
})

test('manifests: what registry:2 stored is read or refused, and says no less than a push of it would', () => {
  fc.assert(
    fc.property(bytes, (stored) => {
      const [read, pushed] = [
        unlessRefused(() => parseStoredManifest(stored)),
        unlessRefused(() => parseManifest(stored)),
      ]
      if (read !== undefined) assertSound(read)
      if (pushed !== undefined) assert.deepEqual(read, pushed)
    }),
    { numRuns: 500 },
  )
})

test('manifests: bytes have one meaning, whoever sends them how often', () => {
  fc.assert(
    fc.property(bytes, (pushed) => {
      const first = unlessRefused(() => parseManifest(pushed))
      if (first === undefined) return
      assert.deepEqual(parseManifest(pushed), first)
      assert.deepEqual(parseManifest(pushed, first.mediaType), first)
      assert.equal(
        unlessRefused(() => parseManifest(pushed, `${first.mediaType}x`))?.mediaType === first.mediaType,
        false,
      )
    }),
    { numRuns: 500 },
  )
})

test('manifest JSON: what is taken is what JSON.parse says of it, and its text says it once', () => {
  fc.assert(
    fc.property(bytes, (pushed) => {
      const read = unlessRefused(() => strictObjectFrom(pushed))
      if (read === undefined) return
      assert.deepEqual(read, JSON.parse(pushed.toString()))
      assert.equal(pairsOf(read), pairsIn(pushed.toString()))
    }),
    { numRuns: 600 },
  )
})

test('manifest JSON: a key that is written twice is never taken, wherever it is and however it is spelt', () => {
  const keys = fc.string({ unit: 'binary' })
  const spelt = (key: string, coded: boolean) =>
    coded
      ? `"${[...Array(key.length).keys()].map((at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
      : JSON.stringify(key)
  fc.assert(
    fc.property(keys, texts, texts, fc.boolean(), fc.nat(10), (key, one, other, coded, depth) => {
      const twice = `{${spelt(key, false)}:${one},${spelt(key, coded)}:${other}}`
      const text = `${'{"a":['.repeat(depth)}${twice}${']}'.repeat(depth)}`
      assert.equal(
        unlessRefused(() => strictObjectFrom(Buffer.from(text))),
        undefined,
      )
    }),
    { numRuns: 400 },
  )
})

/** How many keys a value has, at all depths. */
function pairsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const below = Object.values(value).reduce((sum: number, each) => sum + pairsOf(each), 0)
  return Array.isArray(value) ? below : below + Object.keys(value).length
}

/** How many colons stand outside of texts. */
function pairsIn(text: string): number {
  return text.replace(/"(?:[^"\\]|\\.)*"/gs, '').split(':').length - 1
}
