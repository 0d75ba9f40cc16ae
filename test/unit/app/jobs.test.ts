import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Job, startJobs } from '../../../src/app/jobs.ts'

const MINUTE = 60_000

test('jobs: one runs first when it says, and then each interval', async () => {
  using clock = frozen()
  let runs = 0
  await using _ = startJobs([job(async () => void runs++)], assert.fail)
  await clock.tick(MINUTE - 1)
  assert.equal(runs, 0)
  await clock.tick(1)
  assert.equal(runs, 1)
  await clock.tick(10 * MINUTE)
  assert.equal(runs, 2)
})

test('jobs: one that is still running skips its turn', async () => {
  using clock = frozen()
  const hanging = Promise.withResolvers<void>()
  let runs = 0
  const run = () => {
    runs += 1
    return hanging.promise
  }
  const jobs = startJobs([job(run)], assert.fail)
  await clock.tick(MINUTE)
  await clock.tick(30 * MINUTE)
  assert.equal(runs, 1)
  hanging.resolve()
  await turn()
  await clock.tick(10 * MINUTE)
  assert.equal(runs, 2)
  await jobs[Symbol.asyncDispose]()
})

test('jobs: what a run throws is reported, and it runs again', async () => {
  using clock = frozen()
  const reports: unknown[] = []
  const run = () => Promise.reject(new Error('no room'))
  await using _ = startJobs([job(run)], (name, error) => reports.push([name, (error as Error).message]))
  await clock.tick(MINUTE)
  await clock.tick(10 * MINUTE)
  assert.deepEqual(reports, [
    ['a job', 'no room'],
    ['a job', 'no room'],
  ])
})

test('jobs: the end tells a run to end, waits for it, and starts no other', async () => {
  using clock = frozen()
  let ended = false
  let runs = 0
  const jobs = startJobs(
    [
      job(async (signal) => {
        runs += 1
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        await turn()
        ended = true
      }),
    ],
    assert.fail,
  )
  await clock.tick(MINUTE)
  await jobs[Symbol.asyncDispose]()
  assert.equal(ended, true)
  await clock.tick(100 * MINUTE)
  assert.equal(runs, 1)
})

test('jobs: an interval of months is no interval of a millisecond', async () => {
  using clock = frozen()
  let runs = 0
  await using _ = startJobs([{ ...job(async () => void runs++), interval: 90 * 24 * 60 * MINUTE }], assert.fail)
  await clock.tick(MINUTE)
  await clock.tick(MINUTE)
  assert.equal(runs, 1)
})

function job(run: Job['run']): Job {
  return { name: 'a job', first: MINUTE, interval: 10 * MINUTE, run }
}

function frozen() {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  return {
    async tick(milliseconds: number) {
      mock.timers.tick(milliseconds)
      await turn()
    },
    [Symbol.dispose]: () => mock.timers.reset(),
  }
}
