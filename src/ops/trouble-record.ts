import type { Catalog, Trace } from '../catalog/catalog.ts'
import type { Troubles } from './troubles.ts'

/** Milliseconds that something waits for more to be written with it. A crash loses no more than that. */
const BATCH = 200
/** As many as are kept: of more, the older ones would be removed by the same write. */
const MOST_WAITING = 1_000

export interface TroubleRecordOptions {
  readonly catalog: Pick<Catalog, 'write'>
  readonly troubles: Troubles
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Told once of a write that fails, until one works again. */
  readonly report: (what: string, facts: object) => void
}

/** Writes down what went wrong, in batches. Closing it writes what waits. */
export class TroubleRecord implements AsyncDisposable {
  readonly #options: TroubleRecordOptions
  readonly #closing = new AbortController()
  #traces: Trace[] = []
  #isPausing = false
  #writing: Promise<void> = Promise.resolve()
  #failing = false

  constructor(options: TroubleRecordOptions) {
    this.#options = options
  }

  /** `undefined`: only `troubles` have changed. */
  note(trace?: Trace): void {
    if (trace !== undefined) {
      this.#traces.push(trace)
      if (this.#traces.length > MOST_WAITING) this.#traces.shift()
    }
    if (!this.#isPausing) void this.#afterPause()
  }

  /** Resolves when all that was noted is written, or cannot be. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.flush()
  }

  async #afterPause(): Promise<void> {
    this.#isPausing = true
    await this.#options.sleep(BATCH, this.#closing.signal).catch(() => undefined)
    this.#isPausing = false
    await this.flush()
  }

  async #write(): Promise<void> {
    const { catalog, troubles, report } = this.#options
    const [traces, failures] = [this.#traces, troubles.takeChanged()]
    this.#traces = []
    if (traces.length === 0 && failures.length === 0) return
    try {
      await catalog.write('noteTroubles', { failures, traces })
      this.#failing = false
    } catch (error) {
      if (!this.#failing)
        report('what upstreams failed with cannot be written down, and `why` will not know it', { error })
      this.#failing = true
    }
  }
}
