import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from '../kit/contender.ts'
import { layerUrl, pull, pullTag, tagUrl } from '../kit/pulls.ts'
import type { Kit, Row, Scenario } from '../kit/scenario.ts'
import { startUpstream, type Upstream } from '../upstream/upstream.ts'

const MEBIBYTE = 1024 ** 2
const NAMES = ['homeport', 'registry2', 'registry3'] as const

/** How long is waited for an answer, in seconds. */
const PATIENCE = 45

interface Scene {
  readonly kit: Kit
  readonly upstream: Upstream
}

/** An upstream that cuts its answers short, and one that takes requests and answers nothing. */
export const badUpstream: Scenario = {
  name: 'bad-upstream',
  async run(kit) {
    await using upstream = await startUpstream()
    return [await cut({ kit, upstream }), ...(await silent({ kit, upstream }))]
  },
}

async function cut({ kit, upstream }: Scene): Promise<Row> {
  const figures: string[] = []
  let met = false
  for (const name of NAMES) {
    await using contender = await kit.start(name, { upstream: { url: upstream.url } })
    const image = await upstream.make(`cut ${name}`, 100 * MEBIBYTE)
    await pullTag(contender, image, kit)
    await upstream.countAtRest()
    await upstream.behave({ cutEvery: 8 * MEBIBYTE })
    const found = await pull(layerUrl(contender, image), kit, { most: PATIENCE })
    const times = (await upstream.countAtRest()).bytes / image.size
    await upstream.behave({})
    if (name === 'homeport') met = found.whole && found.bytes === image.size && times <= 1.05
    figures.push(
      `${name} ${found.whole ? 'whole' : `${(found.bytes / MEBIBYTE).toFixed(0)} MiB of it`}, fetched ${times.toFixed(2)} ×`,
    )
  }
  return {
    work: 'upstream cuts every 8 MiB of a blob of 100 MiB: what one request gets, bytes fetched',
    bar: 'every byte; ≤ 1.05 × the blob',
    figures: figures.join('; '),
    met,
  }
}

async function silent({ kit, upstream }: Scene): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const contenders: Contender[] = []
  for (const name of NAMES) {
    contenders.push(stack.use(await kit.start(name, { upstream: { url: upstream.url, revalidate: '1s' } })))
  }
  const image = await upstream.make('silent', 1024)
  for (const contender of contenders) await pullTag(contender, image, kit)
  await upstream.countAtRest()
  await sleep(1_500)
  await upstream.behave({ silent: true })
  const found = await Promise.all(
    contenders.map(async (contender) => {
      const ask = () => pull(tagUrl(contender, image), kit, { most: PATIENCE })
      return { name: contender.name, first: await ask(), next: await ask() }
    }),
  )
  await upstream.behave({})
  const own = found.find(({ name }) => name === 'homeport')
  const row = (which: 'first' | 'next', work: string, most: number): Row => ({
    work: `cached tag, upstream accepts and never answers: ${work}, ms`,
    bar: `≤ ${most} ms`,
    figures: found.map((each) => `${each.name} ${told(each[which])}`).join(', '),
    met: own?.[which].whole === true && own[which].seconds * 1000 <= most,
  })
  return [row('first', 'the first time', 2200), row('next', 'the next time', 50)]
}

function told({ whole, seconds }: { readonly whole: boolean; readonly seconds: number }): string {
  if (whole) return (seconds * 1000).toFixed(0)
  return seconds >= PATIENCE ? `none in ${PATIENCE * 1000}` : `failed after ${(seconds * 1000).toFixed(0)}`
}
