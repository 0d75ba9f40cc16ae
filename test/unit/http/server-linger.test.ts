import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { hearOut, linger } from '../../../src/http/server-linger.ts'

/** How long a body is read on, to which something happens every so many milliseconds. */
interface LingerCase {
  readonly name: string
  readonly ms: number
  /** Default: never. */
  readonly everyMs?: number
  /** Default: some of it comes. */
  readonly happens?: 'end' | 'leave'
  /** Of what comes. Default: 1. */
  readonly mebibytes?: number
  readonly hurried?: true
}

const CASES: readonly LingerCase[] = [
  { name: 'nothing comes', ms: 3_000 },
  { name: 'it is more than 64 MiB', everyMs: 500, mebibytes: 16, ms: 5_000 },
  { name: 'it goes on for ever', everyMs: 1_000, ms: 30_000 },
  { name: 'it is too slow', everyMs: 4_000, ms: 3_000 },
  { name: 'it goes on, and there is no time', everyMs: 1_000, hurried: true, ms: 3_000 },
  { name: 'it ends', everyMs: 1_000, happens: 'end', ms: 1_000 },
  { name: 'the client leaves', everyMs: 1_000, happens: 'leave', ms: 1_000 },
]

for (const { name, ms, everyMs = Number.POSITIVE_INFINITY, happens, ...how } of CASES) {
  const { mebibytes = 1, hurried = false } = how
  test(`a refused body is read on for ${ms} ms where ${name}`, async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
    const body = new PassThrough()
    const gone = new AbortController()
    let over = false
    void linger(asRequest(body), { gone: gone.signal, hurried: () => hurried }).then(() => (over = true))
    let passed = 0
    while (!over && passed < 60_000) {
      t.mock.timers.tick(500)
      passed += 500
      if (passed % everyMs === 0) {
        if (happens === 'end') body.end()
        else if (happens === 'leave') gone.abort()
        else body.write(Buffer.alloc(mebibytes * 1024 * 1024))
      }
      await new Promise(setImmediate)
    }
    assert.equal(passed, ms)
    assert.equal(body.listenerCount('data'), 0)
  })
}

test('before a refusal a body is heard out to its end, for three seconds, or until it is silent for a moment', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  for (const { silentAt = 10_000, endsAt = 10_000, hurried = false, ms } of [
    { ms: 3_000 },
    { hurried: true, ms: 200 },
    { silentAt: 0, ms: 200 },
    { silentAt: 1_000, ms: 1_100 },
    { endsAt: 500, ms: 500 },
  ]) {
    const body = new PassThrough()
    let heard: number | undefined
    const { signal } = new AbortController()
    void hearOut(asRequest(body), { gone: signal, hurried: () => hurried }).then((bytes) => (heard = bytes))
    let passed = 0
    while (heard === undefined && passed < 60_000) {
      t.mock.timers.tick(50)
      passed += 50
      if (passed === endsAt) body.end()
      else if (passed < silentAt && passed % 100 === 0) body.write('x')
      await new Promise(setImmediate)
    }
    assert.equal(passed, ms)
    assert.equal(heard === 0, silentAt === 0)
  }
})

/** As much of one as is looked at. */
function asRequest(body: PassThrough): IncomingMessage {
  return Object.assign(body, { complete: false }) as unknown as IncomingMessage
}
