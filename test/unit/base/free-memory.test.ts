import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeMemory } from '../../../src/base/free-memory.ts'

test('memory is given back where a buffer has it alone', () => {
  const alone = Buffer.allocUnsafeSlow(16)
  freeMemory(alone)
  assert.equal(alone.length, 0)
  const whole = Buffer.allocUnsafeSlow(16)
  freeMemory(whole.subarray(1))
  assert.equal(whole.length, 16)
})

test('an empty buffer can be used on: it may be the only one that its owner has', () => {
  const empty = Buffer.alloc(0)
  freeMemory(empty)
  assert.equal(empty.buffer.detached, false)
  new Uint8Array(1).set(empty)
})
