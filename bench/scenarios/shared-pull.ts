import type { Contender, ContenderName } from '../kit/contender.ts'
import { layerUrl, pull, pullTag } from '../kit/pulls.ts'
import type { Kit, Row, Scenario } from '../kit/scenario.ts'
import type { MadeImage } from '../upstream/manners.ts'
import { startUpstream, type Upstream } from '../upstream/upstream.ts'

const MEBIBYTE = 1024 ** 2
const MEGABYTE = 1e6
const SIZE = 200 * MEBIBYTE
const NAMES = ['homeport', 'registry2', 'registry3'] as const

/** Many clients at once pull what nobody has yet: one blob, and ten. */
export const sharedPull: Scenario = {
  name: 'shared-pull',
  async run(kit) {
    await using upstream = await startUpstream()
    const rows: Row[] = []
    for (const clients of [10, 50]) rows.push(await oneBlob(clients, { kit, upstream }))
    rows.push(await tenBlobs(50, { kit, upstream }))
    return rows
  },
}

interface Scene {
  readonly kit: Kit
  readonly upstream: Upstream
}

async function oneBlob(clients: number, { kit, upstream }: Scene): Promise<Row> {
  const times = new Map<ContenderName, number>()
  for (const name of NAMES) {
    await using contender = await kit.start(name, { upstream: { url: upstream.url } })
    const image = await upstream.make(`${clients} at once ${name}`, Math.floor(SIZE / kit.shrink))
    await pullTag(contender, image, kit)
    await upstream.countAtRest()
    await pullAll(contender, Array<MadeImage>(clients).fill(image), kit)
    times.set(name, (await upstream.countAtRest()).bytes / image.size)
  }
  return {
    work: `${clients} clients pull one cold blob of 200 MiB at once: bytes fetched from the upstream`,
    bar: '1.00 × the blob',
    figures: [...times].map(([name, factor]) => `${name} ${factor.toFixed(2)} ×`).join(', '),
    met: (times.get('homeport') ?? Infinity) < 1.005,
  }
}

async function tenBlobs(clients: number, { kit, upstream }: Scene): Promise<Row> {
  const figures: string[] = []
  let most = Infinity
  for (const name of NAMES) {
    await using contender = await kit.start(name, { upstream: { url: upstream.url } })
    const images: MadeImage[] = []
    for (let index = 0; index < 10; index += 1) {
      const image = await upstream.make(`ten blobs ${index} ${name}`, Math.floor(SIZE / kit.shrink))
      await pullTag(contender, image, kit)
      images.push(image)
    }
    await pullAll(
      contender,
      Array.from({ length: clients }, (_, index) => imageFor(index, images)),
      kit,
    )
    const peak = await contender.memoryPeak()
    if (name === 'homeport') most = peak
    figures.push(`${name} ${(peak / MEGABYTE).toFixed(0)} MB`)
  }
  return {
    work: `${clients} clients pull 10 cold blobs of 200 MiB, five each: memory at most`,
    bar: '≤ 300 MB',
    figures: figures.join(', '),
    met: most <= 300 * MEGABYTE,
  }
}

function imageFor(client: number, images: readonly MadeImage[]): MadeImage {
  const image = images[client % images.length]
  if (image === undefined) throw new Error('There are no images')
  return image
}

async function pullAll(contender: Contender, images: readonly MadeImage[], kit: Kit): Promise<void> {
  const pulls = await Promise.all(images.map((image) => pull(layerUrl(contender, image), kit)))
  const failed = pulls.filter(({ whole }) => !whole).length
  if (failed > 0) throw new Error(`${contender.name} failed ${failed} of ${pulls.length} clients`)
}
