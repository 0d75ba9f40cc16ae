import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import type { Answer } from '../helpers/registry-client.ts'
import { pick, seededRandom } from '../helpers/seeded-random.ts'
import { startServer } from '../helpers/server.ts'
import { Model } from './model.ts'

const SEED = process.env['SEED'] ?? String(randomInt(2 ** 31))
const OPERATIONS = 10_000
const CLIENTS = 6
/** Operations from one end of the server to the next, at most. */
const MOST_BETWEEN = 1_000

test(`${OPERATIONS} operations of ${CLIENTS} clients, with restarts and kills, answer as the model says`, async (context) => {
  context.diagnostic(`SEED=${SEED}`)
  await using server = await startServer()
  const model = new Model()
  const random = seededRandom(SEED)
  const ends = { kill: 0, restart: 0 }
  let operations = 0
  let endAt = 1 + random(MOST_BETWEEN)
  let back: Promise<void> | undefined

  /** Ends the server when it is time, and starts it again; all clients wait for it. */
  async function endServer(): Promise<void> {
    const how = pick(random, ['kill', 'restart'] as const)
    ends[how] += 1
    await server[how]()
    if (how === 'kill') await server.start()
    endAt = operations + 1 + random(MOST_BETWEEN)
    back = undefined
  }

  async function work(seed: string): Promise<void> {
    const own = seededRandom(seed)
    while (operations < OPERATIONS) {
      await back
      using client = await server.client()
      try {
        while (operations < OPERATIONS) {
          operations += 1
          if (operations >= endAt) back ??= endServer()
          await model.step({ request: (...asked) => unlessRefused(client.request(...asked)) }, own)
        }
      } catch (error) {
        if (back === undefined || error instanceof assert.AssertionError) throw error
      }
    }
  }

  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => work(`${SEED}/${index}`)))
  await back
  await server.kill()
  await server.start()
  using client = await server.client()
  await model.verify(client)
  context.diagnostic(JSON.stringify(ends))
  assert.ok(ends.kill > 0 && ends.restart > 0)
})

/** A server that is about to end may say so: then nobody knows what became of the request. */
async function unlessRefused(answer: Promise<Answer>): Promise<Answer> {
  if ((await answer).status === 503) throw new Error('The server answers 503')
  return await answer
}
