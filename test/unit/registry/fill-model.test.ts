import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { failureOf } from '../../helpers/memory-upstream.ts'
import { seededBytes } from '../../helpers/seeded-bytes.ts'
import { pick, type Random, seededRandom } from '../../helpers/seeded-random.ts'
import { openTestFills, type TestFills } from '../../helpers/test-fills.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 12)
const MEBIBYTE = 1024 * 1024

/** What a reader got: the bytes from a place on, and whether it was broken. */
interface Got {
  readonly from: number
  readonly to: number
  readonly bytes: Buffer
  readonly broken: boolean
  readonly left: boolean
}

/**
 * Readers that come, leave, are slow, and read parts, of a download that is cut at random, restarted, and whose disk
 * fails: every byte is right, and who is not given all of them is broken.
 */
test('whatever happens to a download, every byte of it is right or its reader is broken', async (context) => {
  const seed = process.env['SEED'] ?? String(randomInt(2 ** 31))
  context.diagnostic(`SEED=${seed}`)
  for (let round = 0; round < ROUNDS; round += 1) {
    const random = seededRandom(`${seed}/${round}`)
    await using fills = await openTestFills({ patience: { retry: 1, held: 5, stalled: 2_000 } })
    await playRound(fills, random, `${seed}/${round}`).catch((error: unknown) => {
      throw new Error(`SEED=${seed} round ${round}`, { cause: error })
    })
  }
})

async function playRound(fills: TestFills, random: Random, seed: string): Promise<void> {
  const size = pick(random, [0, 1, 70_000, random(300_000), random(4 * MEBIBYTE), 12 * MEBIBYTE])
  const bytes = seededBytes(seed, size)
  const digest = fills.publish(bytes)
  const untold = random(4) === 0
  const cuts = random(2) === 0 ? random(8) : 0
  const fromStart = random(5) === 0
  const chunk = pick(random, [1_000, 16_384, 65_536, 300_000])
  let cutsLeft = cuts
  fills.upstream.blobScript = () => ({
    ...{ untold, chunk, fromStart: fromStart && cutsLeft < cuts },
    before: async () => {
      if (random(3) === 0) await nextTurn()
      if (cutsLeft === 0 || random(20) > 0) return
      cutsLeft -= 1
      throw failureOf('connection-refused', { hop: 'blob' })
    },
  })
  const fails = random(4) === 0 ? random(20) : Infinity
  let appends = 0
  fills.disk.append = () => {
    appends += 1
    if (appends > fails) throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
  }

  const told = untold && random(2) === 0 ? undefined : size
  const readers = Array.from({ length: 1 + random(6) }, async () => {
    for (let turns = random(200); turns > 0; turns -= 1) await nextTurn()
    return await readOne(fills, { digest, size, told }, random)
  })
  if (random(3) === 0) {
    for (let turns = random(100); turns > 0; turns -= 1) await nextTurn()
    await fills.restart(pick(random, ['one', 'two']))
  }
  for (const { from, to, bytes: got, broken, left } of await Promise.all(readers)) {
    assert.ok(got.equals(bytes.subarray(from, from + got.length)), `the bytes from ${from} on are wrong`)
    if (!broken && !left) assert.equal(got.length, Math.min(to, size) - from, 'it ended before its end')
  }

  // Whoever comes now gets all of it, whatever was left behind.
  const last = await readOne(fills, { digest, size, told }, random, true)
  assert.ok(last.bytes.equals(bytes))
  if (fails === Infinity) assert.equal((await fills.blobs.stat(digest))?.size, size)
}

async function readOne(
  fills: TestFills,
  { digest, size, told }: { digest: ReturnType<TestFills['publish']>; size: number; told: number | undefined },
  random: Random,
  steady = false,
): Promise<Got> {
  const stored = (await fills.blobs.stat(digest))?.size === size ? await fills.blobs.open(digest) : undefined
  const from = steady || random(3) > 0 ? 0 : random(size + 1)
  const to = steady || random(3) > 0 ? Infinity : from + random(size - from + 1)
  const most = pick(random, [1_000_000, 100_000, 7_000])
  const leavesAt = steady || random(4) > 0 ? Infinity : random(size + 1)
  const slow = random(4) === 0
  const got: Buffer[] = []
  let broken = false
  let left = false
  try {
    const fill = stored === undefined ? fills.join(digest, told === undefined ? {} : { size: told }) : undefined
    const reader = stored ?? fill?.read(from, to)
    assert.ok(reader)
    const part = async () => {
      for (let at = from; at < to; ) {
        if (at >= leavesAt) {
          left = true
          return
        }
        if (slow) for (let turns = random(20); turns > 0; turns -= 1) await nextTurn()
        const buffer = Buffer.alloc(Math.min(most, to - at))
        const length = await reader.read(buffer, at)
        if (length === 0) return
        got.push(buffer.subarray(0, length))
        at += length
      }
    }
    try {
      await part()
    } finally {
      await reader.close()
    }
    if (steady) await fill?.done
  } catch (error) {
    if (steady) throw error
    assert.equal((error as Error).name === 'AssertionError', false, String(error))
    broken = true
  }
  return { from, to, bytes: Buffer.concat(got), broken, left }
}
