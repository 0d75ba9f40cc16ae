import { setTimeout as sleep } from 'node:timers/promises'
import type { Catalog, LinkJob } from '../catalog/catalog.ts'
import { parseDigest } from '../oci/digest.ts'
import type { LinkFiles, LinkPlace } from './link-files.ts'
import { linkWanted } from './link-wanted.ts'
import type { Report } from './parts.ts'

/** Jobs that are read together. */
const BATCH = 200

/** How often the list of jobs is looked at (a read of microseconds), and how long failed ones rest, in milliseconds. */
const LOOK_MS = 400
const REST_MS = 5_000

/** How long a wake waits for others, so that a burst of pushes is followed in a few rounds, in milliseconds. */
const GATHER_MS = 20

interface Following {
  readonly catalog: Catalog
  readonly links: LinkFiles
}

/** Keeps registry:2's link files in line with the catalog, behind its commits. Closing it ends what is left. */
export class LinkFollower implements AsyncDisposable {
  readonly #following: Following
  readonly #report: Report
  readonly #see: () => Promise<void>
  readonly #closing = new AbortController()
  #waking = new AbortController()
  readonly #running: Promise<void>

  /** `see`: rejects while the volume is not where links are written. */
  constructor({
    report,
    see = async () => {},
    ...following
  }: Following & { report: Report; see?: () => Promise<void> }) {
    this.#following = following
    this.#report = report
    this.#see = see
    this.#running = this.#run()
  }

  /** There may be something to follow. Without a word it is found at the next look; sooner, less is lost with a catalog. */
  wake(): void {
    this.#waking.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#running
    await this.#drain()
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const well = await this.#drain()
      await pause(well ? GATHER_MS : REST_MS, signal)
      if (well) await pause(LOOK_MS - GATHER_MS, AbortSignal.any([signal, this.#waking.signal]))
      if (this.#waking.signal.aborted) this.#waking = new AbortController()
    }
  }

  /** Resolves to whether nothing went wrong. */
  async #drain(): Promise<boolean> {
    try {
      if ((await this.#following.catalog.linkJobs(1)).length === 0) return true
      await this.#see()
      const [error] = await drainLinks(this.#following)
      if (error === undefined) return true
      this.#report('a link file of registry:2 cannot be written; it is tried again, and no pull needs it', { error })
    } catch (error) {
      this.#report('the list of link files that must follow cannot be read or cut; it is tried again', { error })
    }
    return false
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal, ref: false }).catch(() => undefined)
}

/**
 * Brings every link that has a job in line with the catalog. Resolves to what went wrong; the jobs of that stay.
 *
 * A job says only that a link may lag; the catalog says what it should say. So a job may be done twice, and by two
 * at once: each looks at the catalog again after it has written.
 */
export async function drainLinks({ catalog, links }: Following): Promise<Error[]> {
  const failed = new Map<number, Error>()
  for (;;) {
    const oldest = await catalog.linkJobs(failed.size + BATCH)
    const jobs = oldest.filter(({ seq }) => !failed.has(seq))
    if (jobs.length === 0) return [...failed.values()]
    const done: LinkJob[] = []
    for (const job of jobs) {
      try {
        await bringInLine({ catalog, links }, placeOf(job))
        done.push(job)
      } catch (error) {
        failed.set(job.seq, error instanceof Error ? error : new Error('a link cannot be written', { cause: error }))
      }
    }
    await catalog.write('linksWritten', { jobs: done.map(({ seq }) => ({ seq })) })
  }
}

/** Makes the link say what the catalog says, also where that changes meanwhile. */
export async function bringInLine({ catalog, links }: Following, place: LinkPlace): Promise<void> {
  for (;;) {
    const wanted = await linkWanted(catalog, place)
    if (wanted === undefined) return
    if (wanted.digest === undefined) await links.remove(place)
    else await links.write(place, wanted.digest)
    if ((await linkWanted(catalog, place))?.digest === wanted.digest) return
  }
}

function placeOf({ repository, what, key }: LinkJob): LinkPlace {
  return what === 'tag' ? { repository, what, tag: key } : { repository, what, digest: parseDigest(key) }
}
