import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatScope, parseScope } from '../../../src/auth/scope.ts'

// biome-ignore format: one case a line
const SCOPES: readonly (readonly [text: string, type: string, name: string, actions: readonly string[]])[] = [
  ['repository:team/app:pull', 'repository', 'team/app', ['pull']],
  ['repository:team/app:pull,push', 'repository', 'team/app', ['pull', 'push']],
  ['repository:host:5000/a/b:pull', 'repository', 'host:5000/a/b', ['pull']],
  ['repository(plugin):team/app:pull', 'repository', 'team/app', ['pull']],
  ['repository:team/app:*', 'repository', 'team/app', ['*']],
  ['registry:catalog:*', 'registry', 'catalog', ['*']],
  ['repository:a:pull,', 'repository', 'a', ['pull']],
]
for (const [text, type, name, actions] of SCOPES) {
  test(`${text} is ${actions.join(' and ')} of ${name} (S23)`, () => {
    assert.deepEqual(parseScope(text), { type, name, actions })
  })
}

for (const text of [
  '',
  ':',
  '::',
  'repository',
  'repository:a',
  'repository::pull',
  'repository:a:',
  'repository:a:PULL',
  'repository:a b:pull',
  'x y:a:pull',
]) {
  test(`${JSON.stringify(text)} is no scope (S21)`, () => assert.equal(parseScope(text), undefined))
}

test('a scope is written as it is read', () => {
  assert.equal(
    formatScope({ type: 'repository', name: 'host:5000/a', actions: ['pull', 'push'] }),
    'repository:host:5000/a:pull,push',
  )
})
