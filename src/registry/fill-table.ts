import type { Digest } from '../oci/digest.ts'
import type { Asker } from './activity.ts'
import type { CachedRepository } from './cached-repository.ts'
import { Fill } from './fill-blob.ts'
import { PATIENCE, type Patience } from './fill-patience.ts'
import { FillSlots } from './fill-slots.ts'
import { type FillKey, FillStore, fillId } from './fill-store.ts'
import { PageMemory } from './fill-window.ts'
import type { Parts } from './parts.ts'
import { type SweptFill, sweepFills } from './sweep-fills.ts'

export type FillParts = Pick<Parts, 'catalog' | 'locks' | 'cache' | 'report' | 'now'>

export interface Wanted {
  readonly at: CachedRepository
  readonly digest: Digest
  /** Bytes, as a stored manifest has it. */
  readonly size: number | undefined
  readonly asker: Asker
}

/** What the clock has done to downloads. */
export type FillUpkeep = Pick<Fills, 'sweep'>

/** Who has a file, and when he lets go of it. */
type Holder = Pick<Fill, 'closing' | 'closed'>

/** The downloads that run: one for a blob of an upstream, whoever asks and however many, as long as they agree on its size. */
export class Fills implements AsyncDisposable {
  readonly patience: Patience
  readonly #parts: FillParts
  readonly #running = new Map<string, Set<Fill>>()
  /** Every download that is not closed. */
  readonly #all = new Set<Fill>()
  /** Who has a file open, by its id. */
  readonly #open = new Map<string, Holder>()
  readonly #memory = new PageMemory()
  readonly #slots: FillSlots
  #ended = false
  /** How many have ended: what was looked up before the last of them may have changed. */
  ended = 0

  constructor(parts: FillParts, { patience = PATIENCE, slots = new FillSlots() } = {}) {
    this.#parts = parts
    this.patience = patience
    this.#slots = slots
  }

  /** Joins the download of the blob, or begins it. */
  join(wanted: Wanted): Fill {
    const running = this.#fitting(wanted)
    if (running === undefined) return this.#begin(wanted)
    const { upstream, repository } = wanted.at
    running.repositories.add(repository)
    this.#parts.cache.activity.coalesced(upstream.name)
    return running
  }

  /** Whether a download runs that was begun for other repositories, which says nothing of that one. */
  isOfOthers(wanted: Pick<Wanted, 'at' | 'digest'>): boolean {
    return this.#fitting({ ...wanted, size: undefined })?.repositories.has(wanted.at.repository) === false
  }

  /** Takes away what was put down and has rested too long. */
  async *sweep(now: number): AsyncGenerator<SweptFill> {
    const { catalog, cache } = this.#parts
    yield* sweepFills({ catalog, fills: cache.fills }, { now, alone: (id, work) => this.#alone(id, work) })
  }

  /** Puts every download down, to be taken up after a restart. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true
    await Promise.all([...this.#all].map((fill) => fill.putDown()))
  }

  #fitting(wanted: Pick<Wanted, 'at' | 'digest' | 'size'>): Fill | undefined {
    const running = this.#running.get(keyOf(wanted)) ?? []
    return [...running].find((fill) => fill.open && fill.source.fits(wanted.size))
  }

  #begin(wanted: Wanted): Fill {
    if (this.#ended) throw new Error('The server ends')
    const key = keyOf(wanted)
    const fill = this.#make(wanted, true)
    const running = this.#running.get(key) ?? new Set()
    this.#running.set(key, running.add(fill))
    void fill.done.then(() => {
      this.ended += 1
      running.delete(fill)
      if (running.size === 0) this.#running.delete(key)
    })
    return fill
  }

  /** `stored`: it waits for its turn, and is kept. Else it is for one who cannot wait, and goes through. */
  #make(wanted: Wanted, stored: boolean): Fill {
    const { report, now, cache } = this.#parts
    const { at, digest, size, asker } = wanted
    const { upstream, repository, name: path } = at
    const fill = new Fill({
      ...{ from: upstream, path, repository, digest, size },
      ...{ peer: asker.peer, memory: this.#memory, patience: this.patience, report, now },
      ...{ monotonic: cache.monotonic, sleep: cache.sleep },
      ...(stored && { slots: this.#slots }),
      openStore: async () =>
        stored ? await this.#openStore({ upstream: upstream.name, digest, size }, () => fill) : undefined,
      another: () => this.#make(wanted, false),
      failedBehind: (failure) =>
        cache.activity.failedBehind(failure, { name: `${repository}@${digest}`, kind: 'blob' }),
    })
    this.#all.add(fill)
    void fill.closed.then(() => this.#all.delete(fill))
    return fill
  }

  /** Runs `work` while nobody has the file; false: somebody has. Who wants it meanwhile waits. */
  async #alone(id: string, work: () => Promise<void>): Promise<boolean> {
    if (this.#open.has(id)) return false
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    this.#open.set(id, { closing: true, closed })
    try {
      await work()
    } finally {
      this.#open.delete(id)
      resolve()
    }
    return true
  }

  async #openStore(key: FillKey, fill: () => Fill): Promise<FillStore | undefined> {
    const { catalog, locks, cache, report } = this.#parts
    const id = fillId(key)
    const before = this.#open.get(id)
    if (before?.closing === true) await before.closed
    // One that stores no more, and still has readers.
    if (this.#open.has(id)) return undefined
    this.#open.set(id, fill())
    void fill().closed.then(() => this.#open.delete(id))
    try {
      const { fills, boot } = cache
      return await FillStore.open({ catalog, fills, locks, ...(boot !== undefined && { boot }) }, key)
    } catch (error) {
      report('a blob from an upstream cannot be stored; it is passed on to who reads it', { digest: key.digest, error })
      return undefined
    }
  }
}

function keyOf({ at, digest }: Pick<Wanted, 'at' | 'digest'>): string {
  return `${at.upstream.name} ${digest}`
}
