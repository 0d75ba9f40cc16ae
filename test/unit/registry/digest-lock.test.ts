import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestFrom } from '../../../src/oci/digest.ts'
import { DigestLock } from '../../../src/registry/digest-lock.ts'

const A = digestFrom('sha256', 'a'.repeat(64))
const B = digestFrom('sha256', 'b'.repeat(64))

test('digest lock: one at a time under a digest, in the order of asking', async () => {
  const lock = new DigestLock()
  const order: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = lock.run(A, async () => {
    order.push('first in')
    await gate.promise
    order.push('first out')
  })
  const second = lock.run(A, async () => void order.push('second'))
  const third = lock.run(A, async () => void order.push('third'))
  await lock.run(B, async () => void order.push('another digest'))
  gate.resolve()
  await Promise.all([first, second, third])
  assert.deepEqual(order, ['first in', 'another digest', 'first out', 'second', 'third'])
})

test('digest lock: a failure is told to its own caller alone, and lets the next one in', async () => {
  const lock = new DigestLock()
  const failing = lock.run(A, () => Promise.reject(new Error('mine')))
  const next = lock.run(A, async () => 'next')
  await assert.rejects(failing, /mine/)
  assert.equal(await next, 'next')
})
