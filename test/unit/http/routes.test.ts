import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes } from '../../../src/http/routes.ts'
import type { Registry } from '../../../src/registry/registry.ts'

const TABLE = routes({ uploads: {} } as Registry)

test('only the root and the place of tokens are open: everything else wants somebody, where users are configured', () => {
  const open = TABLE.filter(({ access }) => access === 'open').map(({ path }) => path)
  assert.deepEqual(open, ['/', '/token', '/token'])
})

test('what reads wants no more than pull, what writes wants push, and only deleting content wants delete', () => {
  for (const { methods, path, access } of TABLE.filter((route) => route.path.includes(':name+'))) {
    const upload = path.includes('/uploads/')
    for (const method of methods) {
      const wanted = upload ? 'push' : method === 'DELETE' ? 'delete' : method === 'PUT' ? 'push' : 'pull'
      assert.equal(access, wanted, `${method} ${path}`)
    }
  }
})

test('no method of a path is in the table twice', () => {
  const seen = TABLE.flatMap(({ methods, path }) => methods.map((method) => `${method} ${path}`))
  assert.deepEqual(seen, [...new Set(seen)])
})
