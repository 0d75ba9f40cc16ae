import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admission } from '../../../src/app/admission.ts'

const CHANGES = ['POST', 'PUT', 'PATCH', 'DELETE']
const sound = { admit: () => undefined }

test('admission: for maintenance nothing is changed, and everything is read', () => {
  const admit = admission({ health: sound, readonly: true })
  for (const method of CHANGES) assert.throws(() => admit('push', method), { kind: 'unsupported' })
  for (const method of ['GET', 'HEAD']) admit('pull', method)
  const usual = admission({ health: sound, readonly: false })
  for (const method of CHANGES) usual('push', method)
})

test('admission: what puts something is asked for as a write, and what lets go of something is not', () => {
  const asked: string[] = []
  const admit = admission({ health: { admit: (what) => void asked.push(what) }, readonly: false })
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) admit('push', method)
  assert.deepEqual(asked, ['read', 'read', 'write', 'write', 'write', 'read'])
})
