import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { contentRange, multipart, parseContentRange, parseRange, receivedRange } from '../../src/http/range.ts'

const sizes = fc.oneof(fc.nat(20), fc.nat())
const one = fc.oneof(
  fc.tuple(fc.nat(25), fc.nat(25)).map(([first, last]) => `${first}-${last}`),
  fc.nat(25).map((first) => `${first}-`),
  fc.nat(25).map((last) => `-${last}`),
)
const spaced = fc.tuple(fc.constantFrom('', ' ', '\t'), one, fc.constantFrom('', ' ')).map((pieces) => pieces.join(''))
const sets = fc.array(spaced, { minLength: 1, maxLength: 5 }).map((list) => `bytes=${list.join(',')}`)
const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('bytes', '=', '-', ',', ' ', '0', '5', '99999999999999999999', 'x', '*', '/', '\0'), {
      maxLength: 20,
    })
    .map((pieces) => pieces.join('')),
)

test('Range: whatever is asked, what is sent lies within the blob, and is never more than all of it', () => {
  fc.assert(
    fc.property(fc.oneof(sets, anything), sizes, (header, size) => {
      const range = parseRange(header, size)
      if (typeof range === 'string') return assert.ok(['whole', 'unsatisfiable', 'too-many'].includes(range))
      assert.ok(range.length > 0)
      for (const { start, end } of range) assert.ok(Number.isInteger(start) && 0 <= start && start < end && end <= size)
      assert.ok(range.reduce((sum, { start, end }) => sum + end - start, 0) <= size)
    }),
    { numRuns: 1500 },
  )
})

/** The bytes of each part, one by one: a last byte that is not there is left out, a part without bytes too. */
function naive(set: string, size: number): number[][] | 'unsatisfiable' {
  const parts = set
    .slice('bytes='.length)
    .split(',')
    .map((text) => text.trim())
  const bytes: number[][] = []
  for (const part of parts) {
    const [first = '', last = ''] = part.split('-')
    if (first !== '' && last !== '' && Number(last) < Number(first)) return 'unsatisfiable'
    const all = Array.from({ length: size }, (_, at) => at)
    if (first === '') bytes.push(Number(last) === 0 ? [] : all.slice(-Number(last)))
    else bytes.push(all.filter((at) => at >= Number(first) && (last === '' || at <= Number(last))))
  }
  const there = bytes.filter((list) => list.length > 0)
  return there.length === 0 ? 'unsatisfiable' : there
}

test('Range: a set of ranges is what counting byte by byte says', () => {
  fc.assert(
    fc.property(sets, fc.nat(20), (header, size) => {
      const expected = naive(header, size)
      const found = parseRange(header, size)
      if (expected === 'unsatisfiable') return assert.equal(found, 'unsatisfiable')
      // More than everything is everything, once: a client cannot make us send a blob a thousand times.
      if (expected.flat().length > size) return assert.equal(found, 'whole')
      assert.ok(typeof found !== 'string')
      assert.deepEqual(
        found.map(({ start, end }) => Array.from({ length: end - start }, (_, index) => start + index)),
        expected,
      )
    }),
    { numRuns: 1000 },
  )
})

test('Range: the answer to one range asks, as a request, for the same', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), fc.nat(1000), (start, length, more) => {
      const span = { start, end: start + length + 1 }
      const size = span.end + more
      const header = contentRange(span, size)
      assert.deepEqual(parseRange(header.replace(/ (\d+-\d+)\/\d+$/, '=$1'), size), [span])
      assert.deepEqual(parseContentRange(header), { start, length: length + 1 })
    }),
  )
})

test('Content-Range: it is read in each of its spellings, or not at all', () => {
  const spellings = fc.constantFrom('%', 'bytes %', 'bytes=%', 'bytes %/*', 'bytes %/99', 'Bytes %', ' % ')
  fc.assert(
    fc.property(fc.nat(), fc.nat(), spellings, (start, length, spelling) => {
      const header = spelling.replace('%', `${start}-${start + length}`)
      assert.deepEqual(parseContentRange(header), { start, length: length + 1 })
    }),
  )
  fc.assert(
    fc.property(anything, (header) => {
      const found = parseContentRange(header)
      if (found === undefined) return
      assert.ok(
        Number.isSafeInteger(found.start) && Number.isSafeInteger(found.length) && found.length > 0 && found.start >= 0,
      )
    }),
    { numRuns: 1000 },
  )
})

test('Range of an upload: the number of bytes comes back, but that none looks like one', () => {
  fc.assert(
    fc.property(fc.nat(), (received) => {
      assert.equal(parseContentRange(receivedRange(received))?.length, Math.max(received, 1))
    }),
  )
})

test('multipart: the parts are as long as they say, and no byte is sent twice for nothing', () => {
  const spans = fc.array(
    fc.tuple(fc.nat(50), fc.nat(50)).map(([start, length]) => ({ start, end: start + length + 1 })),
    { minLength: 1, maxLength: 5 },
  )
  fc.assert(
    fc.property(spans, (list) => {
      const { parts, contentType } = multipart(list, { size: 200, boundary: 'b' })
      assert.equal(contentType, 'multipart/byteranges; boundary=b')
      assert.deepEqual(
        parts.filter((part) => typeof part !== 'string'),
        list,
      )
      const text = parts.map((part) => (typeof part === 'string' ? part : '*')).join('')
      assert.equal(text.split('\r\n--b').length, list.length + 1)
      assert.ok(text.endsWith('\r\n--b--\r\n'))
    }),
  )
})
