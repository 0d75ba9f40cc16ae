import { run } from '../../test/helpers/processes.ts'
import { program } from '../../test/helpers/programs.ts'
import { appendFile, clientOf } from '../kit/clients.ts'
import type { Contender } from '../kit/contender.ts'
import { changeLargeBlob, type LargeBlob, makeLargeBlob } from '../kit/large-blob.ts'
import { costOf, figure, inTurn, listed } from '../kit/measure.ts'
import type { Kit, Scenario } from '../kit/scenario.ts'

/** A new blob of 1 GiB over TLS: POST, PATCH, PUT. */
export const pushBlob: Scenario = {
  name: 'push-blob',
  async run(kit) {
    await using stack = new AsyncDisposableStack()
    const contenders: Contender[] = []
    for (const name of ['homeport', 'registry2', 'registry3'] as const) {
      contenders.push(stack.use(await kit.start(name)))
    }
    let blob = await makeLargeBlob(kit.folder.at('pushed'), 'a blob to push')
    const measured = await inTurn(contenders, kit.runs, async (contender, round) => {
      blob = await changeLargeBlob(blob, `${contender.name} ${round}`)
      // What others have written is not what this one's syncs wait for.
      await run(program('sync'), [])
      return await costOf(contender, () => push(contender, blob, kit))
    })
    const ratio = (name: 'registry2' | 'registry3', which: 'cpu' | 'wall') =>
      figure(measured, 'homeport', which) / figure(measured, name, which)
    return (['cpu', 'wall'] as const).map((which) => ({
      work: `push 1 GiB: ${which === 'cpu' ? 'CPU s' : 'time, s'}`,
      bar: '≤ 0.55 × registry2, ≤ registry3',
      figures: `${ratio('registry2', which).toFixed(2)} × registry2, ${ratio('registry3', which).toFixed(2)} × registry3 (${listed(measured, which)})`,
      met: ratio('registry2', which) <= 0.55 && ratio('registry3', which) <= 1,
    }))
  },
}

async function push(contender: Contender, { path, digest }: LargeBlob, kit: Kit): Promise<void> {
  using client = await clientOf(contender, kit)
  const begun = await client.request('POST', '/v2/bench/pushed/blobs/uploads/')
  const location = await appendFile(new URL(begun.headers.location ?? '', contender.url).href, path, kit)
  const end = new URL(location)
  end.searchParams.set('digest', digest)
  const { status, text } = await client.request('PUT', `${end.pathname}${end.search}`)
  if (status !== 201) throw new Error(`${contender.name} answered ${status} to the end of a push: ${text}`)
}
