import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identify } from '../../../src/http/guard.ts'

const NOBODY = { required: true, challenge: 'Basic realm="x"', callerFor: async () => undefined }
const DOOR = { signIn: NOBODY, tokenAddress: () => undefined }

for (const [name, headers, message] of [
  ['no password', {}, 'Credentials are required'],
  ['a wrong one', { authorization: 'Basic x' }, 'Credentials are required: those that came are not valid'],
] as const) {
  test(`who comes with ${name} is told so`, async () => {
    await assert.rejects(identify(DOOR, { access: 'signed-in', arrival: { headers, peer: '192.0.2.1' } }), {
      kind: 'unauthorized',
      message,
    })
  })
}
