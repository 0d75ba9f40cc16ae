import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { algorithmOf, digestFrom, hexOf, isDigest, parseDigest } from '../../src/oci/digest.ts'
import { isMediaType, shapeOf, withoutParameters } from '../../src/oci/media-type.ts'
import { isRepositoryName, isTag, parseReference, parseRepositoryName, parseTag } from '../../src/oci/name.ts'
import { unlessRefused } from './total.ts'

/** Words of the specification, and what is nearly one. */
const PIECES = [
  'a',
  'b0',
  'Z',
  '.',
  '-',
  '_',
  '__',
  '/',
  '//',
  '..',
  ':',
  '+',
  '%2f',
  ' ',
  '\0',
  '\n',
  '~',
  '@',
  '\u0661',
  '\u{1f600}',
]
const words = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom(...PIECES, 'sha256:', 'sha512:'), { maxLength: 40 }).map((pieces) => pieces.join('')),
)
const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
const digests = fc.oneof(
  hex(64).map((digits) => `sha256:${digits}`),
  hex(128).map((digits) => `sha512:${digits}`),
)
/** One character of it put in place of another, taken out, or added. */
const damaged = (texts: fc.Arbitrary<string>) =>
  fc.tuple(texts, fc.nat(), fc.constantFrom(...PIECES, ''), fc.boolean()).map(([text, at, piece, keep]) => {
    const place = at % (text.length + 1)
    return text.slice(0, place) + piece + text.slice(keep ? place : place + 1)
  })

test('a digest is what a character by character reading says, and nothing else (T28)', () => {
  fc.assert(
    fc.property(fc.oneof(words, digests, damaged(digests)), (text) => {
      const [algorithm = '', digits = '', ...more] = text.split(':')
      const length = algorithm === 'sha256' ? 64 : algorithm === 'sha512' ? 128 : -1
      const expected =
        more.length === 0 &&
        digits.length === length &&
        [...digits].every((digit) => '0123456789abcdef'.includes(digit))
      assert.equal(isDigest(text), expected)
      assert.equal(
        unlessRefused(() => parseDigest(text)),
        expected ? text : undefined,
      )
    }),
    { numRuns: 1000 },
  )
})

test('a digest is put together from what it is taken apart into', () => {
  fc.assert(
    fc.property(digests, (text) => {
      const digest = parseDigest(text)
      assert.equal(digestFrom(algorithmOf(digest), hexOf(digest)), text)
      assert.doesNotMatch(hexOf(digest), /[^0-9a-f]/)
    }),
  )
})

/** As the specification's grammar says it, state by state. */
function naiveComponent(text: string): boolean {
  const runs = text.split(/[a-z0-9]+/)
  const letters = text.split(/[^a-z0-9]+/).filter((run) => run !== '')
  return (
    letters.length > 0 &&
    runs.at(0) === '' &&
    runs.at(-1) === '' &&
    runs.slice(1, -1).every((run) => run === '.' || run === '_' || run === '__' || /^-+$/.test(run))
  )
}

test('a repository name is what a naive reading of the grammar says', () => {
  const names = fc
    .array(fc.constantFrom('a', 'b0', '.', '-', '_', '__', '/', 'A', '%'), { maxLength: 30 })
    .map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(fc.oneof(words, names, damaged(names)), (text) => {
      const expected = text.length <= 255 && text.split('/').every(naiveComponent)
      assert.equal(isRepositoryName(text), expected)
      assert.equal(
        unlessRefused(() => parseRepositoryName(text)),
        expected ? text : undefined,
      )
    }),
    { numRuns: 1000 },
  )
})

test('a repository name is a path below where it is put, in any case of the file system', () => {
  fc.assert(
    fc.property(words.filter(isRepositoryName), (name) => {
      for (const component of name.split('/')) {
        assert.ok(component !== '' && component !== '.' && component !== '..' && !component.startsWith('_'))
      }
    }),
    { numRuns: 200 },
  )
})

test('a tag is up to 128 of its characters, and never a digest', () => {
  fc.assert(
    fc.property(fc.oneof(words, digests), (text) => {
      const expected =
        text.length > 0 &&
        text.length <= 128 &&
        [...text].every((each) => /[a-zA-Z0-9_.-]/.test(each)) &&
        !'.-'.includes(text.charAt(0))
      assert.equal(isTag(text), expected)
      assert.equal(
        unlessRefused(() => parseTag(text)),
        expected ? text : undefined,
      )
      const reference = unlessRefused(() => parseReference(text))
      assert.deepEqual(reference, isDigest(text) ? { digest: text } : expected ? { tag: text } : undefined)
    }),
    { numRuns: 1000 },
  )
})

test('a media type that is taken can be sent as a header, and has a shape', () => {
  const types = fc
    .array(fc.constantFrom('application', 'text', '/', 'vnd.oci', '+json', ';', 'charset=x', ' ', '\r\n', '"', '\0'), {
      maxLength: 8,
    })
    .map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(fc.oneof(words, types), (text) => {
      assert.equal(typeof shapeOf(text), 'string')
      if (isMediaType(text)) {
        assert.match(text, /^[\x21-\x7e]+$/)
        assert.equal(text.split('/').length, 2)
      }
      const bare = withoutParameters(text)
      assert.equal(withoutParameters(bare), bare)
    }),
    { numRuns: 1000 },
  )
})

test('names of Object.prototype are no algorithms and no known types', () => {
  for (const name of Object.getOwnPropertyNames(Object.prototype)) {
    assert.equal(isDigest(`${name}:${'a'.repeat(64)}`), false)
    assert.equal(shapeOf(name), 'opaque')
  }
})
