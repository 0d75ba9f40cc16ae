import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { Secret } from '../../../src/base/secret.ts'

const secret = new Secret('canary')

// biome-ignore format: one case a line
const ways: [string, () => string][] = [
  ['a template', () => `${secret}`],
  ['String()', () => String(secret)],
  ['JSON', () => JSON.stringify({ secret })],
  ['inspect', () => inspect({ secret }, { depth: 9, showHidden: true })],
  ['console.log of an object', () => format('%o', { secret })],
  ['console.log with %s', () => format('%s', secret)],
  ['its keys', () => JSON.stringify(Object.entries(secret))],
]

for (const [way, print] of ways) {
  test(`a secret does not print by ${way}`, () => assert.doesNotMatch(print(), /canary/))
}

test('a secret is given out on demand', () => assert.equal(secret.reveal(), 'canary'))
