import { makeImage } from '../../test/helpers/images.ts'
import { clientOf, hammer } from '../kit/clients.ts'
import type { Contender, ContenderName } from '../kit/contender.ts'
import { figure, inTurn, listed } from '../kit/measure.ts'
import type { Scenario } from '../kit/scenario.ts'

const SECONDS = 4

/** A manifest by its tag, with a password, on 16 connections. */
export const manifest: Scenario = {
  name: 'manifest',
  async run(kit) {
    await using stack = new AsyncDisposableStack()
    const start = async (name: ContenderName, bcryptCost: number) => {
      const contender = stack.use(await kit.start(name, { bcryptCost }))
      using client = await clientOf(contender, kit)
      await client.pushImage('bench/app', makeImage('bench'), 'latest')
      return contender
    }
    const cheap = [await start('homeport', 5), await start('registry2', 5), await start('registry3', 5)]
    const measured = await inTurn(cheap, kit.runs, measure)
    const dear = await inTurn([await start('homeport', 12)], kit.runs, measure)

    const times = figure(measured, 'homeport', 'rate') / figure(measured, 'registry2', 'rate')
    const kept = figure(dear, 'homeport', 'rate') / figure(measured, 'homeport', 'rate')
    return [
      {
        work: 'manifest by tag, bcrypt cost 5, 16 connections: requests/s',
        bar: '≥ 20 × registry2 (aim: 40 ×)',
        figures: `${times.toFixed(1)} × (${listed(measured, 'rate', { digits: 0 })})`,
        met: times >= 20,
      },
      {
        work: 'the same: CPU µs a request',
        bar: '',
        figures: listed(measured, 'cpu', { digits: 0 }),
        met: undefined,
      },
      {
        work: 'the same with cost 12',
        bar: 'as with cost 5 (± 10 %)',
        figures: `${kept.toFixed(2)} × (${listed(dear, 'rate', { digits: 0 })})`,
        met: kept >= 0.9,
      },
    ]
  },
}

async function measure(contender: Contender): Promise<{ rate: number; cpu: number }> {
  const before = await contender.cpuSeconds()
  const { requestsPerSecond } = await hammer(`${contender.url}/v2/bench/app/manifests/latest`, {
    ...{ connections: 16, seconds: SECONDS },
  })
  const cpu = (await contender.cpuSeconds()) - before
  return { rate: requestsPerSecond, cpu: (cpu / (requestsPerSecond * SECONDS)) * 1e6 }
}
