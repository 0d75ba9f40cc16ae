import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { makeImage } from '../../test/helpers/images.ts'
import type { RegistryClient } from '../../test/helpers/registry-client.ts'
import { Registry2Folder } from '../../test/helpers/registry2-folder.ts'
import { clientOf } from '../kit/clients.ts'
import type { Contender } from '../kit/contender.ts'
import { costOf, figure, inTurn, listed } from '../kit/measure.ts'
import type { Scenario } from '../kit/scenario.ts'

const REPOSITORIES = 10_000
const PAGE = 100

/** All names of 10,000 repositories, in pages of 100. */
export const catalog: Scenario = {
  name: 'catalog',
  async run(kit) {
    await using stack = new AsyncDisposableStack()
    const contenders = [
      stack.use(await kit.start('homeport', { fill: fillFolder })),
      stack.use(await kit.start('registry2', { fill: fillFolder })),
    ]
    const measured = await inTurn(contenders, kit.runs, async (contender) => {
      using client = await clientOf(contender, kit)
      return await costOf(contender, () => walk(contender, client))
    })
    const ratio = figure(measured, 'homeport', 'wall') / figure(measured, 'registry2', 'wall')
    return [
      {
        work: 'catalog of 10,000 repositories by pages of 100: time, s',
        bar: '≤ 0.03 × registry2',
        figures: `${ratio.toFixed(3)} × (${listed(measured, 'wall', { digits: 3 })}; CPU s ${listed(measured, 'cpu')})`,
        met: ratio <= 0.03,
      },
    ]
  },
}

/** A hundred groups of a hundred, as registry:2 lays them out: no file names its own repository, so one is copied. */
async function fillFolder(data: string): Promise<void> {
  await new Registry2Folder(data).addImage('group-00/app-00', makeImage('one for all'), 'latest')
  const repositories = join(data, 'docker/registry/v2/repositories')
  for (const number of numbers())
    cpSync(join(repositories, 'group-00/app-00'), join(repositories, `group-00/app-${number}`), WHOLE)
  for (const number of numbers()) cpSync(join(repositories, 'group-00'), join(repositories, `group-${number}`), WHOLE)
}

const WHOLE = { recursive: true }

/** `01` to `99`. */
function numbers(): string[] {
  return Array.from({ length: REPOSITORIES / PAGE - 1 }, (_, index) => String(index + 1).padStart(2, '0'))
}

async function walk({ name, url }: Contender, client: RegistryClient): Promise<void> {
  let path: string | undefined = `/v2/_catalog?n=${PAGE}`
  let found = 0
  while (path !== undefined) {
    const { status, headers, text } = await client.request('GET', path)
    if (status !== 200) throw new Error(`${name} answered ${status} to ${path}: ${text}`)
    found += (JSON.parse(text) as { repositories: string[] }).repositories.length
    const next = /<([^>]+)>; *rel="next"/.exec(String(headers['link'] ?? ''))?.[1]
    const target: URL | undefined = next === undefined ? undefined : new URL(next, url)
    path = target && `${target.pathname}${target.search}`
  }
  if (found !== REPOSITORIES) throw new Error(`${name} listed ${found} of ${REPOSITORIES} repositories`)
}
