import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NotFound } from '../../../src/registry/not-found.ts'
import { failureOf } from '../../helpers/memory-upstream.ts'

const { failure } = failureOf('not-found')

test('what was not found is remembered for 5 s', () => {
  let now = 0
  const said = new NotFound(() => now)
  said.remember('a', failure)
  now = 4_999
  assert.equal(said.about('a'), failure)
  assert.equal(said.about('b'), undefined)
  now = 5_000
  assert.equal(said.about('a'), undefined)
})

test('said again, it is remembered from then on', () => {
  let now = 0
  const said = new NotFound(() => now)
  said.remember('a', failure)
  now = 4_000
  said.remember('a', failure)
  now = 8_999
  assert.equal(said.about('a'), failure)
})

test('names are anybody’s to make up: only so many are kept, the newest', () => {
  const said = new NotFound(() => 0)
  for (let name = 0; name < 10_001; name += 1) said.remember(String(name), failure)
  assert.deepEqual([said.about('0'), said.about('1'), said.about('10000')], [undefined, failure, failure])
})
