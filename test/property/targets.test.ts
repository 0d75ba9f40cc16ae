import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressOf } from '../../src/http/address.ts'
import { withBindings } from '../../src/http/bound.ts'
import { componentsOf, matchPath, patternOf, splitTarget } from '../../src/http/match-route.ts'
import { formatQuery, parseQuery } from '../../src/http/query.ts'
import { routes } from '../../src/http/routes.ts'
import { isRepositoryName } from '../../src/oci/name.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { testRegistry } from '../helpers/test-registry.ts'
import { unlessRefused } from './total.ts'

const PATTERNS = routes({ uploads: {} } as Registry).map(({ path }) => ({ path, pattern: patternOf(path) }))
const HELLO = digestOf('hello')

/** What Node's parser lets through in a target. */
const targets = fc.oneof(
  fc.string({ unit: fc.constantFrom(...Array.from({ length: 94 }, (_, code) => String.fromCharCode(code + 33))) }),
  fc
    .array(
      fc.constantFrom(
        '/',
        'v2',
        'a',
        '..',
        '.',
        '%2f',
        '%2F',
        '%2e',
        '%00',
        '%',
        '%ff',
        ';',
        '//',
        '?',
        '&',
        '=',
        'http://',
        '\\',
        'blobs',
        'uploads',
        'manifests',
        'tags',
        'list',
        HELLO,
      ),
      { maxLength: 16 },
    )
    .map((pieces) => pieces.join('')),
)

test('query: what is written is read again, name by name', () => {
  const names = fc.string({ unit: 'grapheme', minLength: 1 })
  fc.assert(
    fc.property(fc.dictionary(names, fc.string({ unit: 'grapheme' }), { noNullPrototype: true }), (parameters) => {
      const query = parseQuery(
        formatQuery(
          Object.fromEntries(Object.entries(parameters).map(([name, value]) => [encodeURIComponent(name), value])),
        ),
      )
      for (const [name, value] of Object.entries(parameters)) {
        assert.equal(query.get(name), value)
        assert.deepEqual(query.all(name), [value])
      }
    }),
    { numRuns: 500 },
  )
})

test('query: whatever is sent is read or refused, and names of Object.prototype are not in it', () => {
  fc.assert(
    fc.property(targets, (text) => {
      const query = unlessRefused(() => parseQuery(text))
      if (query === undefined) return
      for (const name of ['__proto__', 'constructor', 'toString'])
        assert.equal(query.has(name), query.all(name).length > 0)
      const address = addressOf('/v2/a/tags/list', query, { last: query.get('last'), n: query.get('n') })
      assert.match(address, /^\/v2\/a\/tags\/list(\?[\x21-\x7e]*)?$/)
      assert.ok(!address.includes('>'), 'it would end a Link')
    }),
    { numRuns: 2000 },
  )
})

test('targets: path and query, put together again, are the target', () => {
  fc.assert(
    fc.property(targets, (target) => {
      const { path, query } = splitTarget(target)
      assert.ok(!path.includes('?'))
      assert.ok(target === path || target.endsWith(query === '' ? path : `${path}?${query}`) || target.endsWith('?'))
    }),
    { numRuns: 1000 },
  )
})

const UPSTREAMS = new Set(['docker.io', 'lab.lan:5000'])

/** Nobody asks for anything: what comes through is what the table of routes would be asked. */
async function throughBindings(
  target: string,
): Promise<{ readonly target: string; readonly bound?: string } | undefined> {
  let met: { readonly target: string; readonly bound?: string } | undefined
  const answer = withBindings(
    async (arrival) => {
      met = arrival
      return { reply: { status: 200, headers: {} }, account: '' }
    },
    { names: UPSTREAMS, hosts: new Map() },
  )
  const [body, signal] = [(async function* () {})(), new AbortController().signal]
  const { reply } = await answer({ id: '1', method: 'GET', peer: '', target, headers: {}, body, signal })
  assert.equal(reply.status, met === undefined ? 404 : 200)
  return met
}

test('paths: what stands before /v2 is an upstream by its name, letter by letter, or the path is left alone (T39)', async () => {
  const pieces = [
    '/',
    'v2',
    'V2',
    'docker.io',
    'Docker.IO',
    'lab.lan:5000',
    'quay.io',
    '%2f',
    '%2e',
    '..',
    ';',
    '?',
    'http://a',
    'a',
    '//',
  ]
  let bound = 0
  const names = fc.array(fc.constantFrom(...pieces), { maxLength: 10 }).map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        names,
        fc.tuple(fc.constantFrom(...pieces), names).map(([before, text]) => `/${before}/v2/${text}`),
        targets,
      ),
      async (target) => {
        const met = await throughBindings(target)
        if (met?.bound === undefined) return assert.ok(met === undefined || met.target === target)
        assert.ok(UPSTREAMS.has(met.bound))
        bound += 1
        const { path } = splitTarget(target)
        const [, before = '', second] = path.split('/')
        assert.deepEqual([before.toLowerCase(), second], [met.bound, 'v2'])
        assert.equal(splitTarget(target).path, `/${before}${splitTarget(met.target).path}`)
        assert.equal(splitTarget(target).query, splitTarget(met.target).query)
      },
    ),
    { numRuns: 2000 },
  )
  assert.ok(bound > 50, String(bound))
})

test('paths: at most one row of the table speaks for a path, the rows of one path apart (T39)', () => {
  fc.assert(
    fc.property(targets, (target) => {
      const { path } = splitTarget(target)
      for (const { pattern } of PATTERNS) {
        const params = unlessRefused(() => matchPath(pattern, componentsOf(path)))
        // What is decoded once is not decoded again further in.
        for (const value of Object.values(params ?? {})) assert.equal(typeof value, 'string')
      }
    }),
    { numRuns: 2000 },
  )
})

test('paths: a name and a digest that are written into a path are found again, however they are encoded (T39)', () => {
  const names = fc.array(fc.constantFrom('a', 'blobs', 'uploads', 'tags', 'list', 'manifests', 'b-c', 'referrers'), {
    minLength: 1,
    maxLength: 6,
  })
  const encode = (text: string, which: readonly boolean[]) =>
    [...text]
      .map((each, index) => (which[index] ? `%${each.charCodeAt(0).toString(16).padStart(2, '0')}` : each))
      .join('')
  fc.assert(
    fc.property(names, fc.array(fc.boolean(), { maxLength: 80 }), (components, which) => {
      const name = components.map((component) => encode(component, which)).join('/')
      const pattern = patternOf('/v2/:name+/blobs/:digest')
      const params = matchPath(pattern, componentsOf(`/v2/${name}/blobs/${encode(HELLO, which)}`))
      assert.deepEqual(params, { digest: HELLO, name: components.join('/') })
    }),
    { numRuns: 500 },
  )
})

test('requests: whatever the target, the answer is well formed and no fault; content is had by its own name only (T39)', async () => {
  await using registry = await testRegistry()
  await registry.rules.push('a/b', 'hello')
  const methods = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'BREW')
  await fc.assert(
    fc.asyncProperty(methods, targets, fc.boolean(), async (method, target, below) => {
      const whole = below ? `/v2/${target}/blobs/${HELLO}` : target
      // The helper checks what every answer must have; a fault would be 500.
      const answer = await registry.request(`${method} ${whole}`, { body: '' })
      assert.notEqual(answer.status, 500, answer.text)
      if (answer.text !== 'hello') return
      const { path } = splitTarget(whole)
      assert.equal(decodeURIComponent(path), `/v2/a/b/blobs/${HELLO}`)
      assert.ok(isRepositoryName('a/b') && path.split('/').length === 6)
    }),
    { numRuns: 1500 },
  )
})
