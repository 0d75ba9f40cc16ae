import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessInWords } from '../../../src/cli/access-words.ts'

test('rules are told in words', () => {
  const told = accessInWords({
    groups: { dev: ['ann', 'bob'], ops: [], qa: ['cleo'] },
    access: [
      { who: 'anonymous', from: ['192.168.0.0/16'], may: ['pull'] },
      { who: ['ci-user', 'group:dev'], may: ['pull', 'push', 'delete'], repositories: ['apps/**', 'tools'] },
      { who: ['group:ops', 'group:qa'], from: ['10.0.0.1', 'fd00::/8'], may: ['delete'], repositories: ['*'] },
    ],
  })
  assert.deepEqual(told, [
    'everybody from 192.168.0.0/16 may pull everywhere',
    'ci-user and ann and bob (dev) may pull, push and delete in apps/** and tools',
    'nobody of ops and cleo (qa) from 10.0.0.1 or fd00::/8 may delete in *',
    'nobody may do anything else',
  ])
})

test('no rules are told as such, and nothing is said without the section', () => {
  assert.deepEqual(accessInWords({ access: [], groups: undefined }), ['nobody may do anything'])
  assert.deepEqual(accessInWords({ access: undefined, groups: undefined }), [])
})
