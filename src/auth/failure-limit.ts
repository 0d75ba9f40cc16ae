/** Failures at once that are let pass, as after a change of a password that many clients know. */
const BURST = 10
/** Milliseconds after which one failure is forgiven. */
const FORGIVEN_MS = 1000

/**
 * How many wrong passwords may still come under a key: ten at once, then one a second.
 *
 * Invariant: a clock that jumps back never makes anyone wait longer than the burst takes to be forgiven. What is
 * forgiven takes no memory.
 */
export class FailureLimit {
  /** The one that failed last is the last. */
  readonly #failed = new Map<string, { failures: number; at: number }>()

  /** Keys that are remembered now. */
  get size(): number {
    return this.#failed.size
  }

  /** Seconds to wait before the next try; 0: none. */
  secondsToWait(key: string, now: number): number {
    const excess = this.#failures(key, now) - BURST + 1
    return excess > 0 ? Math.ceil((excess * FORGIVEN_MS) / 1000) : 0
  }

  noteFailure(key: string, now: number): void {
    const failures = this.#failures(key, now) + 1
    this.#failed.delete(key)
    this.#failed.set(key, { failures, at: now })
    for (const [oldest] of this.#failed) {
      if (this.#failures(oldest, now) > 0) return
      this.#failed.delete(oldest)
    }
  }

  #failures(key: string, now: number): number {
    const { failures, at } = this.#failed.get(key) ?? { failures: 0, at: now }
    return Math.max(failures - Math.max(now - at, 0) / FORGIVEN_MS, 0)
  }
}
