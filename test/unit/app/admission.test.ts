import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admission } from '../../../src/app/admission.ts'

test('admission: what puts something is asked for as a write, and what lets go of something is not', () => {
  const asked: string[] = []
  const admit = admission({ admit: (what) => void asked.push(what) })
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) admit(method)
  assert.deepEqual(asked, ['read', 'read', 'write', 'write', 'write', 'read'])
})
