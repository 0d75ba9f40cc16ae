/** Time, handed in so that tests move it. */
export interface Clock {
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Milliseconds, of a clock that no time server sets. */
  readonly monotonic: () => number
  /** Rejects when the signal fires. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}
