import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answersIn, lostByPowerCut } from './push-order.ts'
import { parseTrace } from './strace.ts'

const BLOBS = '/data/docker/registry/v2/blobs/sha256'

/** A push as it should be; each step has a name by which it can be left out or moved. */
const STEPS = {
  before: '1 write(9<TCP:[a->b]>, "HTTP/1.1 202 Accepted"..., 99) = 99',
  bytes: '2 writev(20</data/homeport/uploads/u1>, [{iov_base="x", iov_len=1}], 1) = 1',
  file: '3 fsync(21</data/homeport/uploads/u1>) = 0',
  makeAa: `3 mkdir("${BLOBS}/aa", 0777) = 0`,
  makeHex: `3 mkdir("${BLOBS}/aa/aabb", 0777) = 0`,
  rename: `3 rename("/data/homeport/uploads/u1", "${BLOBS}/aa/aabb/data") = 0`,
  hex: `3 fsync(21<${BLOBS}/aa/aabb>) = 0`,
  aa: `3 fsync(21<${BLOBS}/aa>) = 0`,
  sha256: `3 fsync(21<${BLOBS}>) = 0`,
  log: '3 pwrite64(22</data/homeport/catalog.db-wal>, "x"..., 4096, 32) = 4096',
  logSync: '3 fdatasync(22</data/homeport/catalog.db-wal>) = 0',
  answer: '1 write(9<TCP:[a->b]>, "HTTP/1.1 201 Created"..., 99) = 99',
}
type Step = keyof typeof STEPS

function lost(lines: readonly string[], hex?: string): string[] {
  const [, push] = answersIn(parseTrace(lines.join('\n')))
  assert.equal(push?.status, 201)
  return lostByPowerCut(push, hex)
}

function without(step: Step): string[] {
  return Object.entries(STEPS).flatMap(([name, line]) => (name === step ? [] : [line]))
}

/** One step moved to just before another. */
function moved(step: Step, before: Step): string[] {
  return Object.entries(STEPS).flatMap(([name, line]) =>
    name === step ? [] : name === before ? [STEPS[step], line] : [line],
  )
}

test('a push in its order loses nothing', () => {
  assert.deepEqual(lost(Object.values(STEPS), 'aabb'), [])
})

test('a mount needs the commit only', () => {
  assert.deepEqual(lost([STEPS.before, STEPS.log, STEPS.logSync, STEPS.answer]), [])
})

for (const step of ['file', 'rename', 'hex', 'aa', 'sha256', 'log', 'logSync'] as const) {
  test(`a push without its step '${step}' is noticed`, () => {
    assert.notDeepEqual(lost(without(step), 'aabb'), [])
  })

  test(`a push whose step '${step}' failed is noticed`, () => {
    const lines = Object.entries(STEPS).map(([name, line]) =>
      name === step ? line.replace(/= \d+$/, '= -1 EIO (I/O)') : line,
    )
    assert.notDeepEqual(lost(lines, 'aabb'), [])
  })
}

for (const [step, before] of [
  ['file', 'bytes'],
  ['rename', 'file'],
  ['hex', 'rename'],
  ['aa', 'makeHex'],
  ['sha256', 'makeAa'],
  ['log', 'hex'],
  ['log', 'sha256'],
  ['logSync', 'log'],
] as const) {
  test(`a push whose step '${step}' comes before '${before}' is noticed`, () => {
    assert.notDeepEqual(lost(moved(step, before), 'aabb'), [])
  })
}

test('an answer that does not wait for the sync of the log is noticed', () => {
  assert.notDeepEqual(lost(moved('answer', 'logSync'), 'aabb'), [])
  const started = [...without('logSync').slice(0, -1), '3 fdatasync(22</data/homeport/catalog.db-wal> <unfinished ...>']
  assert.notDeepEqual(lost([...started, STEPS.answer, '3 <... fdatasync resumed>) = 0'], 'aabb'), [])
})
