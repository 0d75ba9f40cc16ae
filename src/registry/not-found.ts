import type { Failure } from '../upstream/upstream.ts'

/** Milliseconds. Clients repeat a question five times in a moment; whoever has just pushed there should not wait long. */
const REMEMBERED_MS = 5_000

/** Names are a client's to choose. */
const MOST = 10_000

/** What upstreams have just said that they do not have. */
export class NotFound {
  /** In order of their end. */
  readonly #said = new Map<string, { readonly until: number; readonly failure: Failure }>()
  readonly #now: () => number

  /** `now`: milliseconds of a clock that never runs backwards. */
  constructor(now: () => number) {
    this.#now = now
  }

  remember(key: string, failure: Failure): void {
    this.#said.delete(key)
    this.#said.set(key, { until: this.#now() + REMEMBERED_MS, failure })
    for (const [oldest, { until }] of this.#said) {
      if (until > this.#now() && this.#said.size <= MOST) return
      this.#said.delete(oldest)
    }
  }

  /** What was said, if it still counts. */
  about(key: string): Failure | undefined {
    const said = this.#said.get(key)
    return said !== undefined && said.until > this.#now() ? said.failure : undefined
  }
}
