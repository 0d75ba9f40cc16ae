import assert from 'node:assert/strict'
import { test } from 'node:test'
import { algorithmOf, hexOf, isDigest, parseDigest } from '../../../src/oci/digest.ts'

const SHA256 = `sha256:${'a1'.repeat(32)}`
const SHA512 = `sha512:${'b2'.repeat(64)}`

// biome-ignore format: one case a line
const cases: [name: string, text: string, valid: boolean][] = [
  ['sha256 with 64 lower-case hex digits', SHA256, true],
  ['sha512 with 128', SHA512, true],
  ['upper-case hex', SHA256.toUpperCase().replace('SHA256', 'sha256'), false],
  ['63 digits', SHA256.slice(0, -1), false],
  ['65 digits', `${SHA256}0`, false],
  ['sha512 with the length of sha256', `sha512:${'a1'.repeat(32)}`, false],
  ['no digits at all', 'sha256:', false],
  ['a path in place of digits', `sha256:../../${'a'.repeat(58)}`, false],
  ['percent-encoded dots', 'sha256:%2e%2e', false],
  ['a NUL at the end', `${SHA256.slice(0, -1)}\0`, false],
  ['a line break at the end', `${SHA256}\n`, false],
  ['an algorithm that we do not store', `sha384:${'a'.repeat(96)}`, false],
  ['a name of Object.prototype as algorithm', `constructor:${'a'.repeat(64)}`, false],
  ['a multi-algorithm form', `sha256+b64u:${'a'.repeat(43)}`, false],
  ['a megabyte', `sha256:${'a'.repeat(1 << 20)}`, false],
  ['nothing', '', false],
]

for (const [name, text, valid] of cases) {
  test(`digest: ${name} is ${valid ? 'one' : 'none'} (T28)`, () => {
    assert.equal(isDigest(text), valid)
    if (valid) assert.equal(parseDigest(text), text)
    else assert.throws(() => parseDigest(text), { name: 'Refusal', kind: 'digest-invalid' })
  })
}

test('digest: a refusal quotes no more than the beginning of a megabyte', () => {
  assert.throws(
    () => parseDigest(`sha256:${'a'.repeat(1 << 20)}`),
    (error: Error) => error.message.length < 500,
  )
})

test('digest: a refusal tells an unknown algorithm from a malformed digest', () => {
  assert.throws(() => parseDigest(`sha384:${'a'.repeat(96)}`), /algorithm that this registry does not store/)
  assert.throws(() => parseDigest('sha256:abc'), /64 lower-case hex digits/)
})

test('digest: algorithm and hex are told apart', () => {
  assert.equal(algorithmOf(parseDigest(SHA512)), 'sha512')
  assert.equal(hexOf(parseDigest(SHA256)), 'a1'.repeat(32))
})
