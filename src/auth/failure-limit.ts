/** Failures at once that are let pass, as after a change of a password that many clients know. */
const BURST = 10
/** Milliseconds after which one failure is forgiven. */
const FORGIVEN_MS = 1000

/**
 * How many wrong passwords each account may still get: ten at once, then one a second.
 *
 * Invariant: a clock that jumps back never makes anyone wait longer than the burst takes to be forgiven.
 */
export class FailureLimit {
  readonly #accounts = new Map<string, { failures: number; at: number }>()

  /** Seconds to wait before the next try; 0: none. */
  secondsToWait(account: string, now: number): number {
    const excess = this.#failures(account, now) - BURST + 1
    return excess > 0 ? Math.ceil((excess * FORGIVEN_MS) / 1000) : 0
  }

  noteFailure(account: string, now: number): void {
    this.#accounts.set(account, { failures: this.#failures(account, now) + 1, at: now })
  }

  #failures(account: string, now: number): number {
    const { failures, at } = this.#accounts.get(account) ?? { failures: 0, at: now }
    return Math.max(failures - Math.max(now - at, 0) / FORGIVEN_MS, 0)
  }
}
