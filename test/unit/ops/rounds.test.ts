import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { startRounds } from '../../../src/ops/rounds.ts'
import type { Problem } from '../../../src/ops/standing.ts'

const INTERVAL = 10_000
const LATE = { message: 'late' }

test('rounds: one at once, and one each interval, until it ends', async () => {
  using clock = frozen()
  const { reports, look } = scripted([undefined, { message: 'wrong' }, undefined])
  {
    using _ = startRounds({ interval: INTERVAL, look, late: LATE, report: (problem) => reports.push(problem) })
    await turn()
    assert.deepEqual(reports, [undefined])
    await clock.next()
    assert.deepEqual(reports, [undefined, { message: 'wrong' }])
  }
  await clock.next()
  assert.equal(reports.length, 2, 'no round after the end')
})

test('rounds: a look that does not come back fails each round, and no second one is begun', async () => {
  using clock = frozen()
  const reports: (Problem | undefined)[] = []
  const hanging = Promise.withResolvers<undefined>()
  let looks = 0
  const look = () => {
    looks += 1
    return hanging.promise
  }
  using _ = startRounds({ interval: INTERVAL, look, late: LATE, report: (problem) => reports.push(problem) })
  await clock.next()
  await clock.next()
  assert.deepEqual(reports, [LATE, LATE])
  assert.equal(looks, 1)

  hanging.resolve(undefined)
  await turn()
  assert.deepEqual(reports, [LATE, LATE, undefined], 'it came back, and all is well')
  await clock.next()
  assert.equal(looks, 2)
})

test('rounds: a look that throws has failed, and what comes back after the end is not reported', async () => {
  using clock = frozen()
  const reports: (Problem | undefined)[] = []
  const hanging = Promise.withResolvers<undefined>()
  const looks = [async () => Promise.reject(new Error('broken')), () => hanging.promise]
  {
    const look = () => (looks.shift() ?? assert.fail)()
    using _ = startRounds({ interval: INTERVAL, look, late: LATE, report: (problem) => reports.push(problem) })
    await clock.next()
  }
  hanging.resolve(undefined)
  await turn()
  assert.deepEqual(reports, [{ message: 'the check itself failed: broken' }])
})

function scripted(results: (Problem | undefined)[]) {
  const reports: (Problem | undefined)[] = []
  return { reports, look: async () => results.shift() }
}

function frozen() {
  mock.timers.enable({ apis: ['setInterval'] })
  return {
    async next() {
      await turn()
      mock.timers.tick(INTERVAL)
      await turn()
    },
    [Symbol.dispose]: () => mock.timers.reset(),
  }
}
