import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../../../src/oci/refusal.ts'
import { type CheckKind, HealthBoard } from '../../../src/ops/health.ts'

const READS: CheckKind = { name: 'disk', stops: 'all', storage: true, threshold: 3, interval: 10_000 }
const WRITES: CheckKind = { name: 'disk-write', stops: 'writes', storage: true, threshold: 1, interval: 10_000 }
const OTHER: CheckKind = { name: 'tcp', stops: 'all', threshold: 0, interval: 200 }

test('a check without a round, and one that went well, stop nothing', () => {
  const board = new HealthBoard()
  board.add(READS)
  board.add(WRITES)(undefined)
  board.admit('read')
  board.admit('write')
  assert.deepEqual(board.failing(), {})
  assert.equal(board.readable, true)
  assert.equal(board.degraded, undefined)
})

test('a check fails once as many rounds in a row have failed as its threshold says, and one good round ends it', () => {
  const board = new HealthBoard()
  const report = board.add(READS)
  const problem = { message: 'the folder is not there' }
  for (const rounds of [[problem, problem], [undefined], [problem, problem]]) rounds.forEach(report)
  board.admit('write')
  assert.equal(board.readable, true)

  report(problem)
  assert.deepEqual(board.failing(), { disk: 'the folder is not there' })
  assert.equal(board.readable, false)
  assert.deepEqual(refusalOf(board, 'read'), ['unavailable', 'the folder is not there', 10])

  report(undefined)
  board.admit('read')
  assert.equal(board.readable, true)
})

test('a storage that cannot be written stops writes alone, and says whether it is full', () => {
  const board = new HealthBoard()
  board.add(READS)
  const report = board.add(WRITES)
  report({ message: 'no room', full: true })
  board.admit('read')
  assert.equal(board.readable, true)
  assert.equal(board.degraded, 'no room')
  assert.deepEqual(board.failing(), { 'disk-write': 'no room' })
  assert.deepEqual(refusalOf(board, 'write'), ['storage-full', 'no room', 10])

  report({ message: 'read-only' })
  assert.deepEqual(refusalOf(board, 'write'), ['unavailable', 'read-only', 10])
})

test('what stops everything is told before what stops writes', () => {
  const board = new HealthBoard()
  board.add(WRITES)({ message: 'no room', full: true })
  board.add(OTHER)({ message: 'not reached' })
  const said = 'a health check fails, and /debug/health says which'
  assert.deepEqual(refusalOf(board, 'write'), ['unavailable', said, 1], 'clients are not told what else is checked')
  assert.equal(board.failing()['tcp'], 'not reached')
  assert.equal(board.readable, true, 'a check of something else says nothing of the storage')
})

function refusalOf(board: HealthBoard, what: 'read' | 'write') {
  try {
    board.admit(what)
  } catch (error) {
    assert.ok(error instanceof Refusal)
    return [error.kind, error.facts.because, error.facts.retryAfter]
  }
  return undefined
}
