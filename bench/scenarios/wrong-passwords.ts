import { readFile } from 'node:fs/promises'
import { makeImage } from '../../test/helpers/images.ts'
import { RegistryClient } from '../../test/helpers/registry-client.ts'
import { clientOf } from '../kit/clients.ts'
import type { Contender } from '../kit/contender.ts'
import { median } from '../kit/measure.ts'
import type { Kit, Scenario } from '../kit/scenario.ts'

const PULLS = 200
const GUESSERS = 16

/** A known user pulls a manifest, one after the other, while others guess passwords as fast as they are answered. */
export const wrongPasswords: Scenario = {
  name: 'wrong-passwords',
  async run(kit) {
    await using homeport = await kit.start('homeport', { bcryptCost: 10 })
    using client = await clientOf(homeport, kit)
    await client.pushImage('bench/app', makeImage('bench'), 'latest')
    const quiet = await timesOf(client)
    const end = new AbortController()
    const guessing = Array.from({ length: GUESSERS }, (_, index) => guess(homeport, kit, { index, signal: end.signal }))
    const flooded = await timesOf(client)
    end.abort()
    await Promise.all(guessing)
    const added = median(flooded) - median(quiet)
    return [
      {
        work: `a known user's pull while ${GUESSERS} clients guess passwords: ms added`,
        bar: '≤ 20 ms',
        figures: `${added.toFixed(1)} ms (median ${median(quiet).toFixed(1)} to ${median(flooded).toFixed(1)}, worst of ${PULLS} ${Math.max(...flooded).toFixed(1)})`,
        met: added <= 20,
      },
    ]
  },
}

async function timesOf(client: RegistryClient): Promise<number[]> {
  const times: number[] = []
  for (let pull = 0; pull < PULLS; pull += 1) {
    const begun = performance.now()
    await client.pullManifest('bench/app', 'latest')
    times.push(performance.now() - begun)
  }
  return times
}

/** Half of them for the user's account, half for accounts that are not there. */
async function guess(
  { url }: Contender,
  { certificates }: Kit,
  { index, signal }: { index: number; signal: AbortSignal },
): Promise<void> {
  const ca = await readFile(certificates.ca, 'utf8')
  const user = index % 2 === 0 ? 'bench' : `nobody-${index}`
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    using client = new RegistryClient(url, { ca, credentials: { user, password: `guess ${index} ${attempt}` } })
    const { status } = await client.request('GET', '/v2/')
    if (status !== 401 && status !== 429) throw new Error(`A guessed password was answered ${status}`)
  }
}
