import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRepositoryName, parseReference, parseRepositoryName, parseTag } from '../../../src/oci/name.ts'

// biome-ignore format: one case a line
const names: [text: string, valid: boolean][] = [
  ['app', true], ['team/app', true], ['a/b/c/d/e', true], ['a.b', true], ['a_b', true], ['a__b', true], ['a-b', true], ['a---b', true],
  ['blobs/uploads/manifests/tags/referrers', true], ['docker.io/library/alpine', true], ['0', true], ['a'.repeat(255), true],
  ['', false], ['/', false], ['a/', false], ['/a', false], ['a//b', false], ['A', false], ['a..b', false], ['a___b', false], ['-a', false],
  ['a-', false], ['.a', false], ['..', false], ['a/../b', false], ['_catalog', false], ['a b', false], ['a%2fb', false], ['a\0', false], ['a\n', false],
  ['é', false], ['a;b', false], ['host:5000/a', false], ['a'.repeat(256), false],
]

for (const [text, valid] of names) {
  test(`name: ${JSON.stringify(text.slice(0, 40))} is ${valid ? 'a' : 'no'} repository name`, () => {
    assert.equal(isRepositoryName(text), valid)
    if (valid) assert.equal(parseRepositoryName(text), text)
    else assert.throws(() => parseRepositoryName(text), { kind: 'name-invalid' })
  })
}

test('name: a hostile name is judged before the end of the world: an exponential pattern would hang here', () => {
  assert.equal(isRepositoryName(`${'a-'.repeat(120)}!`), false)
})

// biome-ignore format: one case a line
const tags: [text: string, valid: boolean][] = [
  ['latest', true], ['1.0', true], ['_x', true], ['V1', true], ['a'.repeat(128), true],
  ['', false], ['.a', false], ['-a', false], ['a'.repeat(129), false], ['a b', false], ['a/b', false], ['é', false], ['a\n', false],
]

for (const [text, valid] of tags) {
  test(`tag: ${JSON.stringify(text.slice(0, 40))} is ${valid ? 'a' : 'no'} tag`, () => {
    if (valid) assert.equal(parseTag(text), text)
    else assert.throws(() => parseTag(text), { kind: 'tag-invalid' })
  })
}

test('reference: what has a colon is a digest, the rest a tag', () => {
  const digest = `sha256:${'0'.repeat(64)}`
  assert.deepEqual(parseReference(digest), { digest })
  assert.deepEqual(parseReference('latest'), { tag: 'latest' })
  assert.deepEqual(parseReference(`sha256-${'0'.repeat(64)}`), { tag: `sha256-${'0'.repeat(64)}` })
  assert.throws(() => parseReference('sha256:baddigeststring'), { kind: 'digest-invalid' })
  assert.throws(() => parseReference('.INVALID'), { kind: 'tag-invalid' })
})
