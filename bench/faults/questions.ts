import { setTimeout as sleep } from 'node:timers/promises'
import type { MadeImage } from '../upstream/manners.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type Answered, ask, beginUpload, errorIn } from './answers.ts'
import type { Registry } from './registries.ts'
import { type Running, start } from './running.ts'

/** One line of the table: what is asked of each registry, and in a few words what came of it. */
export interface Question {
  readonly title: string
  readonly answer: (registry: Registry, upstream: Upstream) => Promise<string>
}

const MEBIBYTE = 1024 ** 2
const SIZE = 20 * MEBIBYTE
const CLIENTS = 10
const STATUSES = [401, 403, 407, 429, 500] as const

/** How long is waited for an answer, in seconds. */
const PATIENCE = 45

/** In the order of the table. The upstream is as a registry should be when a question begins. */
export const QUESTIONS: readonly Question[] = [
  { title: 'push beside the cache', answer: push },
  { title: `${CLIENTS} clients, one cold blob of 20 MiB: fetched`, answer: together },
  { title: 'cold blob: first byte to the client', answer: firstByte },
  { title: 'upstream cuts every 8 MiB', answer: cuts },
  { title: `upstream says ${STATUSES.join(', ')}`, answer: says },
  { title: 'upstream accepts and never answers, cached tag', answer: silence },
  { title: 'start with the upstream dead', answer: dead },
]

async function push(registry: Registry, upstream: Upstream): Promise<string> {
  await using running = await start(registry, upstream.url)
  const status = await beginUpload(`${running.url}/v2/mine/app/blobs/uploads/`)
  return status === 202 ? 'yes' : String(status)
}

async function together(registry: Registry, upstream: Upstream): Promise<string> {
  await using running = await start(registry, upstream.url)
  const image = await upstream.make(`together ${registry.name}`, SIZE)
  await upstream.countAtRest()
  await ask(tagOf(running, image))
  const answers = await Promise.all(Array.from({ length: CLIENTS }, () => ask(layerOf(running, image))))
  const failed = answers.filter(({ whole }) => !whole).length
  const { bytes } = await upstream.countAtRest()
  // Its config came with it, where the image came as a whole.
  const fetched = `${Math.round(bytes / MEBIBYTE)} MiB`
  return failed === 0 ? fetched : `${fetched}; ${failed} clients failed`
}

/** Over a line that takes four seconds for it. */
async function firstByte(registry: Registry, upstream: Upstream): Promise<string> {
  await using running = await start(registry, upstream.url)
  const image = await upstream.make(`first ${registry.name}`, SIZE)
  await upstream.behave({ bytesPerSecond: SIZE / 4 })
  const { seconds: manifest } = await ask(tagOf(running, image))
  const { seconds: layer, whole, ...told } = await ask(layerOf(running, image))
  if (!whole) return errorIn(told)
  const [first, all] = [manifest.all + layer.first, manifest.all + layer.all]
  return first < all / 4 ? 'at once' : `after ${first.toFixed(1)} s of ${all.toFixed(1)}`
}

async function cuts(registry: Registry, upstream: Upstream): Promise<string> {
  await using running = await start(registry, upstream.url)
  const image = await upstream.make(`cuts ${registry.name}`, SIZE)
  await upstream.behave({ cutEvery: 8 * MEBIBYTE })
  const manifest = await ask(tagOf(running, image))
  if (manifest.status !== 200) return `manifest: ${errorIn(manifest)}`
  const layer = await ask(layerOf(running, image))
  if (layer.whole && layer.bytes === image.size) return 'whole'
  return layer.status === 200 ? `short body: ${Math.floor(layer.bytes / MEBIBYTE)} MiB` : errorIn(layer)
}

async function says(registry: Registry, upstream: Upstream): Promise<string> {
  const told: string[] = []
  for (const status of STATUSES) {
    // One a status: that one failed is remembered.
    await using running = await start(registry, upstream.url)
    const image = await upstream.make(`says ${registry.name} ${status}`, 64)
    await upstream.behave({ status })
    told.push(errorIn(await ask(tagOf(running, image), { most: PATIENCE })))
    await upstream.behave({})
  }
  if (new Set(told).size === 1) return `all ${told[0]}`
  return told.map((what, index) => `${STATUSES[index]}: ${what}`).join('; ')
}

async function silence(registry: Registry, upstream: Upstream): Promise<string> {
  await using running = await start(registry, upstream.url)
  const image = await upstream.make(`silence ${registry.name}`, 64)
  const cached = await ask(tagOf(running, image))
  if (cached.status !== 200) return `not cached: ${errorIn(cached)}`
  await sleep(2_000)
  await upstream.behave({ silent: true })
  const [first, next] = [await asked(), await asked()]
  return `${first}, then ${next}`

  async function asked(): Promise<string> {
    return inSeconds(await ask(tagOf(running, image), { most: PATIENCE }))
  }
}

async function dead(registry: Registry): Promise<string> {
  // Nobody listens on the port of the discard protocol.
  await using running = await start(registry, 'http://127.0.0.1:9')
  return running.started ? 'yes' : 'does not start'
}

function inSeconds({ status, seconds: { all } }: Answered): string {
  if (status === 0) return `> ${PATIENCE} s`
  const time = all < 1 ? `${(all * 1000).toFixed(0)} ms` : `${all.toFixed(1)} s`
  return status === 200 ? time : `${status} after ${time}`
}

function tagOf({ url }: Running, { repository }: MadeImage): string {
  return `${url}/v2/${repository}/manifests/latest`
}

function layerOf({ url }: Running, { repository, layer }: MadeImage): string {
  return `${url}/v2/${repository}/blobs/${layer}`
}
