import type { Log } from '../base/log.ts'
import type { RepositoryKind } from '../catalog/commands.ts'
import { adopt } from '../registry/adopt.ts'
import { exportLinks } from '../registry/export-registry2.ts'
import { importAs, importLinks } from '../registry/import-registry2.ts'
import { hostedUnderUpstreams } from '../registry/locate.ts'
import type { Parts } from '../registry/parts.ts'
import type { VolumeContext, VolumeNews, VolumeSummary } from '../registry/read-volume.ts'
import { takeAdopted } from '../registry/take-adopted.ts'
import type { Operation, OperationContext } from './operations.ts'

/** How often the log says how far an adoption is, in milliseconds. */
const NEWS_MS = 2_000

interface Adoption extends Pick<VolumeContext, 'root' | 'signal'> {
  readonly parts: Parts
  readonly log: Log
}

/** Adopts a folder of registry:2 at the first start, before anybody is answered from it. */
export async function adoptAtStart({ log, ...context }: Adoption): Promise<void> {
  let said = Number.NEGATIVE_INFINITY
  const tell = (news: VolumeNews) => {
    if ('why' in news) {
      log.warn({ ...news }, 'something that registry:2 left cannot be used, and is left as it lies')
      return
    }
    if (performance.now() - said < NEWS_MS) return
    said = performance.now()
    log.info({ ...news }, 'adopting the folder of registry:2')
  }
  const summary = await adopt({ ...context, tell })
  if (summary !== undefined) log.info({ ...summary }, sentenceOf(summary))
  await giveToUpstream(context.parts, log)
}

/** What registry:2 cached is the default upstream's, and what looks like an upstream's is not. */
async function giveToUpstream(parts: Adoption['parts'], log: Log): Promise<void> {
  const taken: string[] = []
  for await (const { repository, as, done } of takeAdopted(parts)) {
    if (done) taken.push(as)
    else log.warn({ repository, as }, `what registry:2 cached as '${repository}' is left: '${as}' is hosted here`)
  }
  if (taken.length > 0) {
    const from = parts.cache.defaultUpstream
    log.info({ repositories: taken }, `${taken.length} repositories that registry:2 cached are now copies of ${from}`)
  }
  const hosted = await hostedUnderUpstreams(parts)
  if (hosted.length > 0) {
    const what =
      'hosted repositories have names of an upstream; they stay hosted, and that upstream is not asked for them'
    log.warn({ repositories: hosted }, `${hosted.length} ${what}`)
  }
}

export const importRegistry2: Operation<{ as?: RepositoryKind; names: readonly string[] }> = async (
  context,
  options,
) => {
  const volume = { ...context, tell: toldBy(context) }
  const { as: kind, names } = options
  const adopted = await adopt(volume)
  if (adopted !== undefined) context.tell({ note: sentenceOf(adopted) })
  if (kind !== undefined) {
    await importAs(volume, kind, names)
    for (const repository of names) context.tell({ row: { repository, kind } })
    return 0
  }
  const summary = await importLinks(volume)
  context.tell({ note: sentenceOf(summary) })
  return 0
}

/** 1: registry:2 would not serve from the folder all that is here, or has something that is not here. */
export const exportRegistry2: Operation<{ check: boolean }> = async (context, { check }) => {
  const { links, written, problems } = await exportLinks({ ...context, tell: toldBy(context) }, { check })
  const done = check ? 'do not say what the catalog says' : 'were written'
  context.tell({ note: `${links} links: ${written} ${done}; ${problems} problems` })
  return problems > 0 || (check && written > 0) ? 1 : 0
}

function toldBy({ tell }: Pick<OperationContext, 'tell'>): (news: VolumeNews) => void {
  return (news) => {
    if ('why' in news) tell({ row: { path: news.path, why: news.why } })
    else tell({ progress: { ...news, what: 'repositories' } })
  }
}

function sentenceOf({ hosted, cached, manifests, tags, blobs, problems }: VolumeSummary): string {
  return (
    `read from registry:2: ${manifests} manifests, ${tags} tags and ${blobs} blobs; ` +
    `${problems} problems; ${hosted.length} repositories are hosted, ${namesOf(cached)} cached`
  )
}

/** The cached ones are named: it is they that nobody can push to. */
function namesOf(cached: readonly string[]): string {
  return cached.length === 0 ? '0' : `${cached.length} (${cached.join(', ')})`
}
