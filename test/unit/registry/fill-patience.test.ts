import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayRecover, PATIENCE, patienceWith, type Standing } from '../../../src/registry/fill-patience.ts'
import { CAUSES } from '../../../src/upstream/upstream.ts'
import { failureOf } from '../../helpers/memory-upstream.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

for (const [what, standing, expected] of [
  ['bytes come', { now: 5 * MINUTE, lastByte: 5 * MINUTE, connection: 5 * MINUTE }, 'wait'],
  ['a connection is quiet for 19 s', { now: 19 * SECOND, lastByte: 0, connection: 0 }, 'wait'],
  ['a connection is quiet for 20 s', { now: 20 * SECOND, lastByte: 0, connection: 0 }, 'reconnect'],
  ['a new connection is quiet, behind an old one', { now: 30 * SECOND, lastByte: 0, connection: 20 * SECOND }, 'wait'],
  ['there is no connection', { now: 59 * SECOND, lastByte: 0 }, 'wait'],
  ['nothing came for 60 s', { now: MINUTE, lastByte: 0 }, 'give up'],
  ['what comes is what was there already', { now: MINUTE, lastByte: 0, connection: 59 * SECOND }, 'give up'],
  ['nobody reads, for nine minutes', { now: 9 * MINUTE, lastByte: 9 * MINUTE, aloneSince: 0 }, 'wait'],
  ['nobody reads, for ten minutes', { now: 10 * MINUTE, lastByte: 10 * MINUTE, aloneSince: 0 }, 'put down'],
  ['nobody reads, and nothing comes', { now: MINUTE, lastByte: 0, aloneSince: 0 }, 'put down'],
  ['it waits for its turn, or for a reader', { now: 9 * MINUTE, lastByte: 0, connection: 0, held: true }, 'wait'],
  ['it waits, and nobody reads', { now: 10 * MINUTE, lastByte: 0, aloneSince: 0, held: true }, 'put down'],
] as const satisfies readonly (readonly [string, Partial<Standing> & { now: number; lastByte: number }, string])[]) {
  test(`a download where ${what}: ${expected} (D-12)`, () => {
    assert.equal(patienceWith({ held: false, ...standing }, PATIENCE), expected)
  })
}

test('what the registry says of itself is the end of a download, and trouble on the way is not', () => {
  const final = CAUSES.filter((cause) => !mayRecover(failureOf(cause).failure))
  assert.deepEqual(final, ['credentials-rejected', 'denied', 'not-found'])
})
