import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

/** A room may import from itself and from rooms on lower floors. Ground floor first. */
const FLOORS = [
  ['base'], //
  ['oci', 'config'],
  ['egress'],
  ['blobs', 'catalog', 'upstream', 'tls'],
  ['registry', 'auth'],
  ['ops'],
  ['http'],
  ['app'],
  ['cli'],
]

/** Doors narrower than a floor: what only these files may import, and why. */
const DOORS = [
  {
    what: /^(node:)?(https?|http2|net|tls|dns|dns\/promises|dgram)$|^(undici|socks)\b/,
    open: ['egress/', 'http/server', 'app/control', 'tls/file-certificate', 'base/address-range', 'http/request-body'],
    why: 'one way in and one way out: proxy, CA, timeouts and limits are set there (the control socket is a file, a certificate that is tried out goes nowhere, and addresses are only compared)',
  },
  {
    what: /^(node:)?fs\b/,
    open: [
      'blobs/',
      'catalog/',
      'config/',
      'auth/htpasswd',
      'registry/link-files',
      'tls/',
      'base/durable-file',
      'base/watched-files',
      'app/backup',
      'app/catalog-files',
      'app/control',
      'app/file-limit',
      'app/health',
      'app/rebuild',
      'app/cache',
      'app/upstream-settings',
      'app/volume',
      'http/server-listen',
    ],
    why: 'a file written elsewhere is state that a backup does not know of',
  },
  {
    what: /^base\/durable-file/,
    open: ['app/writer-thread', 'app/backup-thread', 'auth/htpasswd-write'],
    why: 'a sync on the main thread of the server stalls every blob read',
  },
  { what: /sqlite$|^pg$/, open: ['catalog/'], why: 'SQL stays in the catalog' },
  {
    what: /^config\//,
    open: ['config/', 'app/', 'cli/'],
    why: 'parts get the options they need, not the whole config',
  },
  {
    what: /^blobs\/(?!blob-store)/,
    open: ['blobs/', 'app/'],
    why: 'everyone else uses the contract; only app/ picks what stands behind it',
  },
  {
    what: /^upstream\/(?!upstream\.ts)/,
    open: ['upstream/', 'app/'],
    why: 'everyone else uses the contract; only app/ picks what stands behind it',
  },
  {
    what: /^catalog\/(?!catalog|commands)/,
    open: ['catalog/', 'app/'],
    why: 'everyone else uses the contract; only app/ picks what stands behind it',
  },
]

/** Lines of a file: a longer one is split by noun. */
const LONGEST = 300
const LONGEST_MEDIAN = 90

const SOURCE = join(import.meta.dirname, '../src')
const roomOf = (path: string) => path.split('/')[0] ?? ''
const floorOf = new Map(FLOORS.flatMap((rooms, floor) => rooms.map((room) => [room, floor] as const)))

const sources = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(SOURCE, file), 'utf8') }))
const files = sources.map(({ file }) => file)
const imports = sources.flatMap(({ file, text }) =>
  [...text.matchAll(/\b(?:from|import) ?\(?'([^']+)'/g)].map(([, target = '']) => ({
    file,
    target: target.startsWith('.') ? relative(SOURCE, join(SOURCE, dirname(file), target)) : target,
  })),
)

test('every room has a floor, and every floor its rooms', () => {
  const rooms = new Set(files.filter((file) => file.includes('/')).map(roomOf))
  assert.deepEqual([...rooms].sort(), [...floorOf.keys()].sort())
})

test('imports only go down', () => {
  const wrong = imports.filter(({ file, target }) => {
    const [from, to] = [floorOf.get(roomOf(file)), floorOf.get(roomOf(target))]
    return from !== undefined && to !== undefined && roomOf(file) !== roomOf(target) && to >= from
  })
  assert.deepEqual(wrong, [])
})

for (const { what, open, why } of DOORS) {
  test(`only ${open.join(', ')} may import ${what.source}: ${why}`, () => {
    const wrong = imports.filter(({ file, target }) => what.test(target) && !open.some((path) => file.startsWith(path)))
    assert.deepEqual(wrong, [])
    const unused = open.filter((path) => !files.some((file) => file.startsWith(path)))
    assert.deepEqual(unused, [])
  })
}

test('no module has state: a second instance would trip over it', () => {
  const wrong = sources.filter(({ text }) => /^(export )?(let|var) /m.test(text)).map(({ file }) => file)
  assert.deepEqual(wrong, [])
})

test(`no file has more than ${LONGEST} lines, and half of them fewer than ${LONGEST_MEDIAN}`, () => {
  const lengths = sources.map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }))
  assert.deepEqual(
    lengths.filter(({ lines }) => lines > LONGEST),
    [],
  )
  const median = lengths.map(({ lines }) => lines).sort((a, b) => a - b)[Math.floor(lengths.length / 2)] ?? 0
  assert.ok(median < LONGEST_MEDIAN, `the median is ${median}`)
})
