import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestFrom } from '../../../src/oci/digest.ts'
import { Leases } from '../../../src/registry/leases.ts'

const A = digestFrom('sha256', 'a'.repeat(64))
const B = digestFrom('sha256', 'b'.repeat(64))
const HOUR = 3_600_000

test('lease: holds for an hour, and no longer', () => {
  let now = 1000
  const leases = new Leases(() => now)
  assert.equal(leases.has(A), false)
  leases.give(A)
  now += HOUR - 1
  assert.equal(leases.has(A), true)
  now += 1
  assert.equal(leases.has(A), false)
})

test('lease: giving it again begins the hour anew', () => {
  let now = 0
  const leases = new Leases(() => now)
  leases.give(A)
  now = HOUR - 1
  leases.give(A)
  leases.give(B)
  now = 2 * HOUR - 2
  assert.equal(leases.has(A), true)
  assert.equal(leases.has(B), true)
})
