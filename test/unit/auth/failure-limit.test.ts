import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailureLimit } from '../../../src/auth/failure-limit.ts'

// biome-ignore format: one case a line
const cases: [name: string, failuresAt: number[], asked: number, seconds: number][] = [
  ['no failure', [], 0, 0],
  ['nine at once', Array(9).fill(0), 0, 0],
  ['ten at once', Array(10).fill(0), 0, 1],
  ['ten at once, a second later', Array(10).fill(0), 1000, 0],
  ['ten at once, half a second later', Array(10).fill(0), 500, 1],
  ['fifteen at once', Array(15).fill(0), 0, 6],
  ['one a second, for long', Array.from({ length: 100 }, (_, second) => second * 1000), 100_000, 0],
  ['ten at once, after a clock that jumped back', Array(10).fill(5000), 0, 1],
  ['ten, then a clock that jumps back and one more, then forward', [...Array(10).fill(100_000), 0], 2000, 0],
]

for (const [name, failuresAt, asked, seconds] of cases) {
  test(`failures: after ${name}, the next try waits ${seconds} s`, () => {
    const limit = new FailureLimit()
    for (const at of failuresAt) limit.noteFailure('ann', at)
    assert.equal(limit.secondsToWait('ann', asked), seconds)
    assert.equal(limit.secondsToWait('bob', asked), 0)
  })
}

test('failures: what is forgiven takes no memory', () => {
  const limit = new FailureLimit()
  for (let second = 0; second < 1000; second += 1) limit.noteFailure(`account ${second}`, second * 1000)
  assert.ok(limit.size <= 2, `${limit.size} are remembered`)
})
