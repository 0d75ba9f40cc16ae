import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { unlessAborted } from '../../../src/base/unless-aborted.ts'

const GONE = new Error('gone')

for (const [when, before] of [
  ['before it is asked', true],
  ['while it waits', false],
] as const) {
  test(`work that is given up ${when} and fails later ends nothing, and what it brings later is let go of`, async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    try {
      const dropped: string[] = []
      for (const fails of [true, false]) {
        const leaving = new AbortController()
        const work = Promise.withResolvers<string>()
        if (before) leaving.abort(GONE)
        const outcome = assert.rejects(
          unlessAborted(work.promise, leaving.signal, (late) => dropped.push(late)),
          GONE,
        )
        if (!before) leaving.abort(GONE)
        await outcome
        if (fails) work.reject(new Error('the work failed'))
        else work.resolve('late')
        await nextTurn()
      }
      assert.deepEqual([unhandled, dropped], [[], ['late']])
    } finally {
      process.off('unhandledRejection', note)
    }
  })
}

test('work that ends in time is what it is, and its failure too', async () => {
  const { signal } = new AbortController()
  assert.equal(await unlessAborted(Promise.resolve('done'), signal), 'done')
  await assert.rejects(unlessAborted(Promise.reject(GONE), signal), GONE)
})
