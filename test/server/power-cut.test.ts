import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DiskCall, LoggedCall } from '../helpers/disk-faults.ts'
import { unsyncedBytes } from './power-cut.ts'

function call(name: DiskCall, offset = 0, bytes = 0, error = 0, path = '/a'): LoggedCall {
  return { call: name, inode: '7', offset, bytes, error, path }
}

// biome-ignore format: one case a line
const CASES: readonly (readonly [what: string, log: readonly LoggedCall[], lost: readonly (readonly [number, number])[]])[] = [
  ['what was written and not synced', [call('write', 0, 10)], [[0, 10]]],
  ['nothing of what was synced', [call('write', 0, 10), call('fdatasync')], []],
  ['only what came after the sync', [call('write', 0, 10), call('fsync'), call('write', 5, 10)], [[5, 15]]],
  ['what a failed sync let go of, though a second one went well', [call('write', 0, 10), call('fsync', 0, 0, 5), call('fsync')], [[0, 10]]],
  ['nothing of what was written again after a failed sync', [call('write', 0, 10), call('fsync', 0, 0, 5), call('write', 0, 10), call('fsync')], []],
  ['the part that was not written again', [call('write', 0, 10), call('fsync', 0, 0, 5), call('write', 2, 6), call('fsync')], [[0, 2], [8, 10]]],
  ['nothing behind the end', [call('write', 0, 10), call('truncate', 4)], [[0, 4]]],
  ['nothing of an older file of that number', [call('write', 0, 10), call('create', 0, 0, 0, '/b')], []],
  ['nothing that a failed write did not write', [call('write', 0, 0, 28)], []],
]

for (const [what, log, lost] of CASES) {
  test(`a power cut takes ${what}`, () => {
    const spans = unsyncedBytes(log).get('7') ?? []
    assert.deepEqual(
      spans.map(({ from, to }) => [from, to]),
      lost,
    )
  })
}
