import { seededBytes } from './seeded-bytes.ts'

/** Whole numbers from 0 to below `below`, the same row of them for the same seed. */
export type Random = (below: number) => number

const BLOCK = 4_096

export function seededRandom(seed: string): Random {
  let block: Buffer = Buffer.alloc(0)
  let blocks = 0
  let at = 0
  return (below) => {
    if (at === block.length) {
      block = seededBytes(`${seed}/${blocks}`, BLOCK)
      blocks += 1
      at = 0
    }
    at += 4
    return block.readUInt32LE(at - 4) % below
  }
}

/** One of them; throws where there is none. */
export function pick<Value>(random: Random, values: readonly Value[]): Value {
  const value = values[random(values.length)]
  if (value === undefined) throw new Error('Nothing to choose from')
  return value
}
