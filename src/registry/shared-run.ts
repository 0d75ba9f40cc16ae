import type { AttemptMade, Failure, Running } from '../upstream/upstream.ts'
import type { Cache } from './cache.ts'

/** Milliseconds until a client is told what is known: of 10 s and 2 s, a little is left for the answer itself. */
export const IN_TIME = { nothingCached: 9_800, cached: 1_900 } as const

/** Questions to an upstream, one after the other, for everybody who wants the same answer. Goes on when they have left. */
export class SharedRun<Result> {
  readonly value: Promise<Result>
  /** Milliseconds of `Cache.monotonic`. */
  readonly begunAt: number
  readonly #steps: Running<unknown>[] = []
  #waiting = 0

  /** `work` asks its first question at once. */
  constructor(begunAt: number, work: (run: SharedRun<Result>) => Promise<Result>) {
    this.begunAt = begunAt
    this.value = work(this)
  }

  async ask<Answer>(question: Running<Answer>): Promise<Answer> {
    this.#steps.push(question)
    return await question.value
  }

  /** What it hangs at. */
  waiting(): Failure {
    const at = this.#steps.at(-1)
    if (at === undefined) throw new Error('Nothing was asked yet')
    return at.waiting()
  }

  get attempts(): readonly AttemptMade[] {
    return this.#steps.flatMap(({ attempts }) => attempts)
  }

  /** Whether anybody waits for it. */
  get awaited(): boolean {
    return this.#waiting > 0
  }

  /** Its answer, or, after so many milliseconds, what it hangs at. Throws what it fails with, and the reason of `signal`. */
  async within(
    ms: number,
    { signal, sleep }: { signal: AbortSignal; sleep: Cache['sleep'] },
  ): Promise<{ readonly value: Result } | { readonly late: Failure }> {
    signal.throwIfAborted()
    if (ms <= 0) return { late: this.waiting() }
    const done = new AbortController()
    const limit = sleep(ms, AbortSignal.any([signal, done.signal])).then(
      () => ({ late: this.waiting() }),
      () => Promise.reject(signal.reason),
    )
    this.#waiting += 1
    try {
      return await Promise.race([this.value.then((value) => ({ value })), limit])
    } finally {
      this.#waiting -= 1
      done.abort()
    }
  }
}

/** Runs by what they find out; one for each at a time. */
export class SharedRuns<Result> {
  readonly #running = new Map<string, SharedRun<Result>>()
  readonly #now: Cache['monotonic']

  constructor(now: Cache['monotonic']) {
    this.#now = now
  }

  /**
   * The run under that key; `first`: it was begun by this. `unwatched` is told of its failure when nobody waits for it.
   */
  join(
    key: string,
    work: (run: SharedRun<Result>) => Promise<Result>,
    unwatched: (error: unknown) => void,
  ): { readonly run: SharedRun<Result>; readonly first: boolean } {
    const running = this.#running.get(key)
    if (running !== undefined) return { run: running, first: false }
    const run = new SharedRun<Result>(this.#now(), work)
    this.#running.set(key, run)
    run.value
      .catch((error: unknown) => {
        if (!run.awaited) unwatched(error)
      })
      .finally(() => this.#running.delete(key))
    return { run, first: true }
  }
}
