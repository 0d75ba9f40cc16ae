import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { componentsOf, matchPath, patternOf, splitTarget } from '../../../src/http/match-route.ts'
import { routes } from '../../../src/http/routes.ts'
import { isRepositoryName } from '../../../src/oci/name.ts'
import type { Registry } from '../../../src/registry/registry.ts'

const BLOB = '/v2/:name+/blobs/:digest'
const UPLOADS = '/v2/:name+/blobs/uploads/'
const UPLOAD = '/v2/:name+/blobs/uploads/:id'

for (const [path, target, params] of [
  ['/', '/', {}],
  ['/v2/', '/v2/', {}],
  ['/v2/', '/v2', {}],
  ['/v2/', '/v2//', undefined],
  ['/v2/', '/v2/x', undefined],
  [BLOB, '/v2/a/blobs/x', { name: 'a', digest: 'x' }],
  [BLOB, '/v2/a/b/c/blobs/x%3Ay', { name: 'a/b/c', digest: 'x:y' }],
  [BLOB, '/v2/a/blobs/b/blobs/x', { name: 'a/blobs/b', digest: 'x' }],
  [BLOB, '/v2/a/blobs/', undefined],
  [BLOB, '/v2/blobs/x', undefined],
  [BLOB, '/v2/a/blobs/x/', undefined],
  [BLOB, '/v3/a/blobs/x', undefined],
  [BLOB, '/v2/a/blobs/%2578', { name: 'a', digest: '%78' }],
  [UPLOADS, '/v2/a/blobs/uploads', { name: 'a' }],
  [UPLOADS, '/v2/a/blobs/uploads/', { name: 'a' }],
  [UPLOADS, '/v2/a/blobs/uploads//', undefined],
  [UPLOADS, '/v2/blobs/uploads/blobs/uploads/', { name: 'blobs/uploads' }],
  [UPLOAD, '/v2/a/blobs/uploads/1', { name: 'a', id: '1' }],
  [UPLOAD, '/v2/a/blobs/uploads/', undefined],
] as const) {
  test(`${target} on ${path} is ${JSON.stringify(params)}`, () => {
    assert.deepEqual(matchPath(patternOf(path), componentsOf(target)), params)
  })
}

for (const [target, path, query] of [
  ['/v2/?n=1', '/v2/', 'n=1'],
  ['/v2/?a?b', '/v2/', 'a?b'],
  ['http://reg.home:5000/v2/?n=1', '/v2/', 'n=1'],
  ['HTTPS://reg.home', '', ''],
  ['http://a/b?http://c/d', '/b', 'http://c/d'],
  ['*', '*', ''],
] as const) {
  test(`${target} has the path ${path} and the query ${query}`, () => {
    assert.deepEqual(splitTarget(target), { path, query })
  })
}

test('whatever is sent, a repository is reached only by its own name, written out (T39)', () => {
  const patterns = routes({ uploads: {} } as Registry).map(({ path }) => patternOf(path))
  const piece = fc.constantFrom(
    'a',
    'B',
    'blobs',
    'uploads',
    'manifests',
    'tags',
    'list',
    '.',
    '..',
    '%2f',
    '%2e',
    ';',
    '',
    '%',
    'x:y',
    '\\',
  )
  const component = fc.array(piece, { maxLength: 3 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(fc.array(component, { maxLength: 8 }), (components) => {
      const path = `/v2/${components.join('/')}`
      for (const pattern of patterns) {
        const name = nameIn(() => matchPath(pattern, componentsOf(path)))
        if (name === undefined || !isRepositoryName(name)) continue
        assert.ok(decodeURIComponent(path).startsWith(`/v2/${name}/`), path)
        assert.ok(path.split('/').length >= name.split('/').length + 3, path)
      }
    }),
    { numRuns: 2000 },
  )
})

/** Refused is no name, too. */
function nameIn(match: () => Record<string, string> | undefined): string | undefined {
  try {
    return match()?.['name']
  } catch {
    return undefined
  }
}
