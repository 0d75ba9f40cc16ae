import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { warningHeaders } from '../../../src/http/warning.ts'

for (const [text, header] of [
  ['stale', '299 - "stale"'],
  ['say "hello"', '299 - "say \\"hello\\""'],
  ['a \\ b', '299 - "a \\\\ b"'],
  ['two\r\nlines', '299 - "two??lines"'],
  ['grüße 🐳', '299 - "gr??e ?"'],
  ['', '299 - ""'],
] as const) {
  test(`a warning ${JSON.stringify(text)} is ${header}`, () => assert.deepEqual(warningHeaders([text]), [header]))
}

test('each warning is a header of its own', () => {
  assert.deepEqual(warningHeaders(['a', 'b']), ['299 - "a"', '299 - "b"'])
})

test('whatever is said, it is at most 4096 bytes that a header may have, properly quoted', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 3000, size: 'max' }), { maxLength: 4 }), (texts) => {
      const headers = warningHeaders(texts)
      assert.ok(headers.join('').length <= 4096)
      for (const header of headers) assert.match(header, /^299 - "([ !#-[\]-~]|\\["\\])*"$/)
    }),
    { numRuns: 50 },
  )
})

test('what does not fit is cut, and shows it', () => {
  const [first, second] = warningHeaders(['"'.repeat(5000), 'no room'])
  assert.ok((first?.length ?? 0) > 4000)
  assert.match(first ?? '', /\.\.\."$/)
  assert.equal(second, undefined)
})
