import { makeImage } from '../../test/helpers/images.ts'
import { clientOf, hammer } from '../kit/clients.ts'
import { median } from '../kit/measure.ts'
import { pullTag, tagUrl } from '../kit/pulls.ts'
import type { Scenario } from '../kit/scenario.ts'
import { startUpstream } from '../upstream/upstream.ts'

const SECONDS = 4

/** A tag that the upstream has confirmed a moment ago, beside one that was pushed. */
export const cachedTag: Scenario = {
  name: 'cached-tag',
  async run(kit) {
    await using upstream = await startUpstream()
    // Longer than it is asked for here.
    await using homeport = await kit.start('homeport', { upstream: { url: upstream.url, revalidate: '1h' } })
    using client = await clientOf(homeport, kit)
    await client.pushImage('bench/hosted', makeImage('bench'), 'latest')
    const image = await upstream.make('a cached tag', 1024)
    await pullTag(homeport, image, kit)
    const ask = async (url: string) => (await hammer(url, { connections: 16, seconds: SECONDS })).requestsPerSecond
    const [hostedUrl, cachedUrl] = [`${homeport.url}/v2/bench/hosted/manifests/latest`, tagUrl(homeport, image)]
    const [hosted, cached]: [number[], number[]] = [[], []]
    await upstream.countAtRest()
    for (let run = 0; run <= kit.runs; run += 1) {
      const rates = [await ask(hostedUrl), await ask(cachedUrl)] as const
      if (run === 0) continue
      hosted.push(rates[0])
      cached.push(rates[1])
    }
    const { requests } = await upstream.countAtRest()
    const ratio = median(cached) / median(hosted)
    return [
      {
        work: 'cached tag within `revalidate`, 16 connections: requests/s',
        bar: 'as a hosted tag (± 10 %), no request to the upstream',
        figures: `${ratio.toFixed(2)} × (cached ${median(cached).toFixed(0)}, hosted ${median(hosted).toFixed(0)}), ${requests} to the upstream`,
        met: ratio >= 0.9 && requests === 0,
      },
    ]
  },
}
