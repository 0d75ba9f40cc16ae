import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changedKeys } from '../../../src/app/reload.ts'
import { Secret } from '../../../src/base/secret.ts'

// biome-ignore format: one case a line
const cases: [name: string, before: unknown, after: unknown, keys: string[]][] = [
  ['nothing', { a: { b: 1, c: [1, { d: 2 }] } }, { a: { b: 1, c: [1, { d: 2 }] } }, []],
  ['a value', { a: { b: 1 }, c: 2 }, { a: { b: 2 }, c: 2 }, ['a.b']],
  ['a section that came', {}, { a: { b: 1 } }, ['a']],
  ['a section that went', { a: { b: 1 } }, { a: undefined }, ['a']],
  ['an item of a list', { a: [1, 2] }, { a: [1, 3] }, ['a']],
  ['the length of a list', { a: [1, 2] }, { a: [1] }, ['a']],
  ['a key in an item of a list', { a: [{ b: 1 }] }, { a: [{ b: 2 }] }, ['a']],
  ['a pattern', { a: /x/ }, { a: /y/ }, ['a']],
  ['an equal pattern', { a: /x/ }, { a: /x/ }, []],
  ['a secret', { a: new Secret('x') }, { a: new Secret('y') }, ['a']],
  ['an equal secret', { a: new Secret('x') }, { a: new Secret('x') }, []],
  ['a secret in a list', { a: [{ b: new Secret('x') }] }, { a: [{ b: new Secret('y') }] }, ['a']],
]

for (const [name, before, after, keys] of cases) {
  test(`a change of ${name} is ${keys.length === 0 ? 'none' : 'seen'}`, () => {
    assert.deepEqual(changedKeys(before, after), keys)
  })
}
