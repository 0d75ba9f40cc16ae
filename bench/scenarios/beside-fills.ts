import { hammer } from '../kit/clients.ts'
import type { Contender } from '../kit/contender.ts'
import { median } from '../kit/measure.ts'
import { forget, layerUrl, pull, pullTag } from '../kit/pulls.ts'
import type { Kit, Scenario } from '../kit/scenario.ts'
import type { MadeImage } from '../upstream/manners.ts'
import { startUpstream, type Upstream } from '../upstream/upstream.ts'

const SIZE = 512 * 1024 ** 2
const NAMES = ['homeport', 'registry2', 'registry3'] as const
const FILLS = 4
const BLOBS_OF_EACH = 4
const SECONDS = 5

/** Manifests are pulled while four clients pull cold blobs, one after the other each, as fast as they come. */
export const besideFills: Scenario = {
  name: 'beside-fills',
  async run(kit) {
    await using stack = new AsyncDisposableStack()
    const upstream = stack.use(await startUpstream())
    const found: { readonly name: string; readonly quiet: number; readonly busy: number }[] = []
    for (const name of NAMES) {
      const data = kit.folder.at(`beside-fills-${name}`)
      const contender = stack.use(await kit.start(name, { upstream: { url: upstream.url }, data }))
      found.push({ name, ...(await measure(contender, { data, upstream, kit })) })
    }
    const busy = found.find(({ name }) => name === 'homeport')?.busy ?? Infinity
    return [
      {
        work: `manifest pulls while ${FILLS} fills run at full speed: p99`,
        bar: '≤ 20 ms',
        figures: found
          .map((each) => `${each.name} ${each.busy.toFixed(1)} ms, ${each.quiet.toFixed(1)} ms without`)
          .join('; '),
        met: busy <= 20,
      },
    ]
  },
}

interface Scene {
  readonly data: string
  readonly upstream: Upstream
  readonly kit: Kit
}

async function measure(contender: Contender, scene: Scene): Promise<{ quiet: number; busy: number }> {
  const { upstream, kit } = scene
  const small = await upstream.make(`beside ${contender.name}`, 1024)
  await pullTag(contender, small, kit)
  const url = `${contender.url}/v2/${small.repository}/manifests/${small.manifest}`
  const ask = async () => (await hammer(url, { connections: 2, seconds: SECONDS })).p99
  await ask()
  const [quiet, busy]: [number[], number[]] = [[], []]
  for (let run = 0; run < kit.runs; run += 1) {
    quiet.push(await ask())
    const images = await makeAll(String(run), contender, scene)
    const end = new AbortController()
    const filling = images.map((some) => fill(some, { contender, scene, signal: end.signal }))
    busy.push(await ask())
    end.abort()
    await Promise.all(filling)
    await upstream.countAtRest()
  }
  return { quiet: median(quiet), busy: median(busy) }
}

/** For each client what he pulls. */
async function makeAll(run: string, { name }: Contender, { upstream, kit }: Scene): Promise<MadeImage[][]> {
  const all: MadeImage[][] = []
  for (let client = 0; client < FILLS; client += 1) {
    const images: MadeImage[] = []
    for (let index = 0; index < BLOBS_OF_EACH; index += 1) {
      images.push(await upstream.make(`fills ${name} ${run} ${client} ${index}`, Math.floor(SIZE / kit.shrink)))
    }
    all.push(images)
  }
  return all
}

async function fill(
  images: readonly MadeImage[],
  { contender, scene, signal }: { readonly contender: Contender; readonly scene: Scene; readonly signal: AbortSignal },
): Promise<void> {
  for (const image of images) {
    if (signal.aborted) return
    await pullTag(contender, image, scene.kit)
    const { whole } = await pull(layerUrl(contender, image), scene.kit)
    if (!whole) throw new Error(`${contender.name} failed a fill`)
    await forget(scene.data, image)
  }
}
