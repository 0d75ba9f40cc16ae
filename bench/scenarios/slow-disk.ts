import { diskFaults } from '../../test/helpers/disk-faults.ts'
import { makeImage } from '../../test/helpers/images.ts'
import { seededBytes } from '../../test/helpers/seeded-bytes.ts'
import { clientOf, hammer } from '../kit/clients.ts'
import type { Contender } from '../kit/contender.ts'
import { median } from '../kit/measure.ts'
import type { Kit, Row, Scenario } from '../kit/scenario.ts'

const SYNC_MS = 100
const PUSHES = 8
const SECONDS = 5

/** Pulls of something small while eight pushes commit, one after the other each, to a disk whose sync takes 100 ms. */
export const slowDisk: Scenario = {
  name: 'slow-disk',
  async run(kit) {
    await using disk = await diskFaults()
    disk.set({ calls: ['fsync', 'fdatasync'], delay: SYNC_MS })
    await using homeport = await kit.start('homeport', { env: disk.env, bcryptCost: 5, data: disk.data })
    using client = await clientOf(homeport, kit)
    await client.pushImage('bench/app', makeImage('bench'), 'latest')
    const digest = await client.pushBlob('bench/app', seededBytes('64 KiB', 64 * 1024))

    const rows: Row[] = []
    for (const [what, path] of [
      ['manifest', 'manifests/latest'],
      ['64 KiB blob', `blobs/${digest}`],
    ] as const) {
      const pull = async () => {
        const url = `${homeport.url}/v2/bench/app/${path}`
        return (await hammer(url, { connections: 2, seconds: SECONDS })).p99
      }
      await pull()
      const [quiet, busy, pushed]: [number[], number[], number[]] = [[], [], []]
      for (let run = 0; run < kit.runs; run += 1) {
        quiet.push(await pull())
        const end = new AbortController()
        const pushing = pushAll(homeport, kit, { seed: `${what} ${run}`, signal: end.signal })
        busy.push(await pull())
        end.abort()
        pushed.push(await pushing)
      }
      const [without, beside] = [median(quiet), median(busy)]
      rows.push({
        work: `${what} pulls while ${PUSHES} pushes commit, a sync takes ${SYNC_MS} ms: p99`,
        bar: '≤ 2 × without pushes, ≤ 20 ms',
        figures: `${beside.toFixed(2)} ms, ${(beside / without).toFixed(1)} × ${without.toFixed(2)} ms without (${median(pushed).toFixed(0)} pushes)`,
        met: beside <= 2 * without && beside <= 20,
      })
    }
    return rows
  },
}

/** Pushes images one after the other, from so many clients, until it is told to end; resolves to how many. */
async function pushAll(
  homeport: Contender,
  kit: Kit,
  { seed, signal }: { readonly seed: string; readonly signal: AbortSignal },
): Promise<number> {
  const counts = Array.from({ length: PUSHES }, async (_, index) => {
    using client = await clientOf(homeport, kit)
    let count = 0
    for (; !signal.aborted; count += 1) {
      await client.pushImage(`bench/pushed-${index}`, makeImage(`${seed} ${index} ${count}`), `v${count}`)
    }
    return count
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}
