import { link, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { download } from '../kit/clients.ts'
import type { Contender, ContenderName } from '../kit/contender.ts'
import { linkIntoFolder, makeLargeBlob } from '../kit/large-blob.ts'
import { costOf, figure, inTurn, listed } from '../kit/measure.ts'
import type { Row, Scenario } from '../kit/scenario.ts'

/** A stored blob of 1 GiB over TLS, once and four times at once. */
export const pullBlob: Scenario = {
  name: 'pull-blob',
  async run(kit) {
    await using stack = new AsyncDisposableStack()
    const blob = await makeLargeBlob(kit.folder.at('pulled'), 'a blob to pull')
    const contenders: Contender[] = []
    for (const name of ['homeport', 'registry2', 'registry3'] as const) {
      const fill = (data: string) => linkIntoFolder(blob, data, 'bench/large')
      contenders.push(stack.use(await kit.start(name, { fill })))
    }
    const fill = async (data: string) => {
      await mkdir(data, { recursive: true })
      await link(blob.path, join(data, 'large'))
    }
    contenders.push(stack.use(await kit.start('nginx', { fill })))
    const pathOn = (name: ContenderName) => (name === 'nginx' ? 'large' : `v2/bench/large/blobs/${blob.digest}`)

    const rows: Row[] = []
    for (const streams of [1, 4]) {
      const measured = await inTurn(contenders, kit.runs, async (contender) => {
        const { cpu, wall } = await costOf(contender, () =>
          download(`${contender.url}/${pathOn(contender.name)}`, kit, streams),
        )
        return { cpu: cpu / streams, rate: (streams * 1024) / wall }
      })
      const best = (which: 'cpu' | 'rate') => figure(measured, 'homeport', which)
      const others = ['registry2', 'registry3'] as const
      rows.push({
        work: `pull 1 GiB, ${streams} at once: CPU s a GiB`,
        bar: '≤ nginx, < both registries',
        figures: listed(measured, 'cpu'),
        met:
          best('cpu') <= figure(measured, 'nginx', 'cpu') &&
          others.every((name) => best('cpu') < figure(measured, name, 'cpu')),
      })
      if (streams > 1) continue
      rows.push({
        work: 'pull 1 GiB: MiB/s',
        bar: '≥ nginx, > both registries',
        figures: listed(measured, 'rate', { digits: 0 }),
        met:
          best('rate') >= figure(measured, 'nginx', 'rate') &&
          others.every((name) => best('rate') > figure(measured, name, 'rate')),
      })
    }
    return rows
  },
}
