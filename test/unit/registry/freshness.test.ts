import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshnessOf } from '../../../src/registry/freshness.ts'

const NOW = 10_000_000
const RULES = { now: NOW, revalidate: 60_000 }
const WITH_END = { ...RULES, maxstale: 3_600_000 }

// biome-ignore format: one case a line
const CASES = [
  ['just confirmed', { confirmedAt: NOW }, WITH_END, 'fresh'],
  ['within revalidate', { confirmedAt: NOW - 59_999 }, WITH_END, 'fresh'],
  ['at its end', { confirmedAt: NOW - 60_000 }, WITH_END, 'stale'],
  ['long ago', { confirmedAt: 0 }, RULES, 'stale'],
  ['within maxstale', { confirmedAt: NOW - 3_599_999 }, WITH_END, 'stale'],
  ['longer ago than maxstale', { confirmedAt: NOW - 3_600_000 }, WITH_END, 'expired'],
  ['in the future, by a clock that was set back', { confirmedAt: NOW + 1 }, WITH_END, 'stale'],
  ['never confirmed, as registry:2 left it', { movedAt: NOW - 1 }, WITH_END, 'stale'],
  ['never confirmed, and older than maxstale', { movedAt: NOW - 3_600_000 }, WITH_END, 'expired'],
  ['confirmed lately, though set long ago', { movedAt: 0, confirmedAt: NOW - 1 }, WITH_END, 'fresh'],
  ['revalidate is 0: never fresh', { confirmedAt: NOW }, { ...RULES, revalidate: 0 }, 'stale'],
] as const

for (const [name, times, rules, expected] of CASES) {
  test(`a cached tag, ${name}: ${expected}`, () => {
    assert.equal(freshnessOf({ movedAt: 0, ...times }, rules), expected)
  })
}
