import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { digestOfStream } from '../helpers/digest-of.ts'
import { seededRandom } from '../helpers/seeded-random.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'
import { Flight } from './flight.ts'
import { Pusher, type Shelf } from './pusher.ts'

const SEED = process.env['SEED'] ?? String(randomInt(2 ** 31))
const KILLS = Number(process.env['KILLS'] ?? 200)
/** So many of them must come while a request is under way. */
const IN_FLIGHT = (KILLS * 3) / 4
/** Servers beside each other, each with a volume of its own. */
const LANES = 2
const CLIENTS = 4
/** The kill comes after at most so many requests and pieces of bodies, and then so many milliseconds. */
const MOST_EVENTS = 120
const MOST_MS = 10

test(`of ${KILLS} servers that kill -9 ends amid pushes, each one keeps what it promised, shows nothing by halves, and goes on with uploads`, async (context) => {
  context.diagnostic(`SEED=${SEED}`)
  await using cache = await temporaryFolder()
  const lanes = await Promise.all(
    Array.from({ length: LANES }, (_, lane) => killAgainAndAgain(`${SEED}/${lane}`, cache.path)),
  )
  const inFlight = lanes.reduce((sum, lane) => sum + lane.inFlight, 0)
  const promises = lanes.reduce((sum, lane) => sum + lane.promises, 0)
  context.diagnostic(`${inFlight} of ${KILLS} with a request under way; ${promises} promises kept`)
  assert.ok(inFlight >= IN_FLIGHT, `only ${inFlight} of ${KILLS} came while a request was under way`)
  assert.ok(promises >= KILLS, `only ${promises} promises were put to the test`)
})

async function killAgainAndAgain(seed: string, cache: string): Promise<{ inFlight: number; promises: number }> {
  const random = seededRandom(seed)
  const flight = new Flight()
  const shelf: Shelf = []
  const pushers = Array.from({ length: CLIENTS }, (_, index) => new Pusher(`team/${index}`, seed, { flight, shelf }))
  const whole = new Set<string>()
  let inFlight = 0
  // The program is compiled once, not at each of the many starts: what it compiled is kept when it ends in good order.
  await using server = await startServer({ env: { NODE_COMPILE_CACHE: cache } })
  await server.restart()
  for (let round = 0; round < KILLS / LANES; round += 1) {
    const reached = new Promise<void>((resolve) => flight.after(1 + random(MOST_EVENTS), resolve))
    const pushing = Promise.all(pushers.map((pusher) => withClient(server, (client) => pusher.push(client))))
    await Promise.race([reached, pushing])
    await delay(random(MOST_MS))
    if (flight.open > 0) inFlight += 1
    await server.kill()
    await pushing

    await server.start()
    await assertOnlyWholeBlobs(server, whole)
    await Promise.all(pushers.map((pusher) => withClient(server, (client) => pusher.verify(client))))
  }
  await Promise.all(pushers.map((pusher) => withClient(server, (client) => pusher.verify(client, { all: true }))))
  return { inFlight, promises: pushers.reduce((sum, pusher) => sum + pusher.promises, 0) }
}

async function withClient(
  server: Server,
  work: (client: Awaited<ReturnType<Server['client']>>) => Promise<void>,
): Promise<void> {
  using client = await server.client()
  await work(client)
}

/** Whatever lies under a digest hashes to it. `whole`: what was read before, and is never written again. */
async function assertOnlyWholeBlobs(server: Server, whole: Set<string>): Promise<void> {
  const blobs = join(server.data, 'docker/registry/v2/blobs')
  const files = await readdir(blobs, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const file of files) {
    const path = join(file.parentPath, file.name)
    if (!file.isFile() || whole.has(path)) continue
    const { digest } = await digestOfStream(createReadStream(path))
    assert.ok(file.parentPath.endsWith(digest.slice('sha256:'.length)), `${path} holds ${digest}`)
    whole.add(path)
  }
}
