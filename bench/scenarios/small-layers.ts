import { makeImage } from '../../test/helpers/images.ts'
import { writeLayout } from '../../test/helpers/oci-layout.ts'
import { run } from '../../test/helpers/processes.ts'
import { program } from '../../test/helpers/programs.ts'
import { seededBytes } from '../../test/helpers/seeded-bytes.ts'
import { ACCOUNT } from '../kit/account.ts'
import type { Contender } from '../kit/contender.ts'
import { costOf, figure, inTurn, listed } from '../kit/measure.ts'
import type { Kit, Scenario } from '../kit/scenario.ts'

const LAYERS = 200

/** An image of 200 small layers, pushed by skopeo with a password. New layers each time. */
export const smallLayers: Scenario = {
  name: 'small-layers',
  async run(kit) {
    await using stack = new AsyncDisposableStack()
    const contenders = [
      stack.use(await kit.start('homeport', { bcryptCost: 5 })),
      stack.use(await kit.start('registry2', { bcryptCost: 5 })),
    ]
    const measured = await inTurn(contenders, kit.runs, async (contender, round) => {
      const layout = kit.folder.at(`layout-${contender.name}-${round}`)
      await writeLayout(layout, { latest: imageOf(`${contender.name} ${round}`) })
      await run(program('sync'), [])
      return await costOf(contender, () => push(contender, layout, kit))
    })
    const ratio = figure(measured, 'homeport', 'wall') / figure(measured, 'registry2', 'wall')
    return [
      {
        work: `skopeo pushes ${LAYERS} small layers: time, s`,
        bar: '≤ 0.7 × registry2',
        figures: `${ratio.toFixed(2)} × (${listed(measured, 'wall')}; CPU s ${listed(measured, 'cpu')})`,
        met: ratio <= 0.7,
      },
    ]
  },
}

function imageOf(seed: string) {
  const layers = Array.from({ length: LAYERS }, (_, index) => {
    return [{ path: `file-${index}`, bytes: seededBytes(`${seed} ${index}`, 1024) }]
  })
  return makeImage(seed, { layers })
}

async function push({ url }: Contender, layout: string, { folder, certificates }: Kit): Promise<void> {
  const { user, password } = ACCOUNT
  await run(
    program('skopeo'),
    [
      ...['--insecure-policy', 'copy', '--quiet', '--dest-creds', `${user}:${password}`, `oci:${layout}:latest`],
      `docker://${new URL(url).host}/bench/layers:latest`,
    ],
    // A home of its own: skopeo remembers there which registry has which layer.
    { env: { SSL_CERT_FILE: certificates.ca, HOME: folder.path, XDG_DATA_HOME: folder.path, TMPDIR: folder.path } },
  )
}
