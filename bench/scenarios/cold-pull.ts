import type { Contender, ContenderName } from '../kit/contender.ts'
import { costOf, figure, inTurn, listed, median } from '../kit/measure.ts'
import { firstByte, forget, layerUrl, pull, pullTag } from '../kit/pulls.ts'
import type { Kit, Row, Scenario } from '../kit/scenario.ts'
import type { MadeImage } from '../upstream/manners.ts'
import { startUpstream, type Upstream } from '../upstream/upstream.ts'

const GIBIBYTE = 1024 ** 3
const MEBIBYTE = 1024 ** 2
const GIGABIT = 125_000_000
const NAMES = ['homeport', 'registry2', 'registry3'] as const

interface Cached {
  readonly kit: Kit
  readonly upstream: Upstream
  readonly contenders: readonly Contender[]
  readonly dataOf: (name: ContenderName) => string
}

/** A blob of 1 GiB that nobody has, over TLS from here, and plainly from the upstream. */
export const coldPull: Scenario = {
  name: 'cold-pull',
  async run(kit) {
    await using stack = new AsyncDisposableStack()
    const upstream = stack.use(await startUpstream())
    const contenders: Contender[] = []
    const dataOf = (name: ContenderName) => kit.folder.at(`cold-pull-${name}`)
    for (const name of NAMES) {
      contenders.push(stack.use(await kit.start(name, { data: dataOf(name), upstream: { url: upstream.url } })))
    }
    const cached = { kit, upstream, contenders, dataOf }
    return [...(await onLine(cached)), ...(await unlimited(cached))]
  },
}

async function onLine({ kit, upstream, contenders, dataOf }: Cached): Promise<Row[]> {
  await upstream.behave({ bytesPerSecond: GIGABIT })
  const straight: number[] = []
  const measured = await inTurn(contenders, kit.runs, async (contender, run) => {
    const image = await upstream.make(`line ${contender.name} ${run}`, Math.floor(GIBIBYTE / kit.shrink))
    if (contender.name === 'homeport') straight.push((await pull(layerUrl(upstream, image), kit)).seconds)
    await pullTag(contender, image, kit)
    const { seconds } = await pullWhole(contender, image, kit)
    await upstream.countAtRest()
    await forget(dataOf(contender.name), image)
    const small = await upstream.make(`start ${contender.name} ${run}`, 8 * MEBIBYTE)
    const nearest = await firstByte(layerUrl(upstream, small), kit)
    await upstream.countAtRest()
    await pullTag(contender, small, kit)
    const begin = await firstByte(layerUrl(contender, small), kit)
    await upstream.countAtRest()
    return { seconds, later: begin - nearest }
  })
  const curl = median(straight.slice(1))
  const times = figure(measured, 'homeport', 'seconds') / curl
  const later = figure(measured, 'homeport', 'later')
  return [
    {
      work: 'cold pull of 1 GiB, upstream limited to 1 Gbit/s: time, s',
      bar: '≤ 1.03 × curl straight from the upstream',
      figures: `${times.toFixed(3)} × (curl ${curl.toFixed(2)}, ${listed(measured, 'seconds')})`,
      met: times <= 1.03,
    },
    {
      work: 'the same: first byte of the blob, ms later than straight from the upstream',
      bar: '≤ 30 ms',
      figures: listed(measured, 'later', { digits: 0 }),
      met: later <= 30,
    },
  ]
}

async function unlimited({ kit, upstream, contenders, dataOf }: Cached): Promise<Row[]> {
  await upstream.behave({})
  const measured = await inTurn(contenders, kit.runs, async (contender, run) => {
    const image = await upstream.make(`unlimited ${contender.name} ${run}`, Math.floor(GIBIBYTE / kit.shrink))
    await pullTag(contender, image, kit)
    await upstream.countAtRest()
    let seconds = 0
    const { cpu } = await costOf(contender, async () => {
      seconds = (await pullWhole(contender, image, kit)).seconds
      // What is fetched for the cache alone is part of the cost, as is the commit.
      await upstream.countAtRest()
    })
    await forget(dataOf(contender.name), image)
    return { cpu, seconds }
  })
  const ratio = (which: 'cpu' | 'seconds') => figure(measured, 'homeport', which) / figure(measured, 'registry2', which)
  return [
    {
      work: 'cold pull of 1 GiB, upstream unlimited: CPU s',
      bar: '≤ 0.7 × registry2',
      figures: `${ratio('cpu').toFixed(2)} × (${listed(measured, 'cpu')})`,
      met: ratio('cpu') <= 0.7,
    },
    {
      work: 'the same: time, s',
      bar: '≤ 1.6 × registry2',
      figures: `${ratio('seconds').toFixed(2)} × (${listed(measured, 'seconds')})`,
      met: ratio('seconds') <= 1.6,
    },
  ]
}

async function pullWhole(contender: Contender, image: MadeImage, kit: Kit): Promise<{ readonly seconds: number }> {
  const found = await pull(layerUrl(contender, image), kit)
  if (!found.whole || found.bytes !== image.size) throw new Error(`${contender.name} gave ${found.bytes} bytes`)
  return found
}
