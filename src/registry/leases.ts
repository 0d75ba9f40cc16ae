import type { Digest } from '../oci/digest.ts'

/** How long a blob that a pusher was promised is left alone, in milliseconds. */
const LEASE_MS = 60 * 60 * 1000

/**
 * Promises that the collector leaves a blob alone for an hour. In memory: after a
 * start, nothing may be collected before one lease length has passed.
 *
 * Invariant: `give`, and the step of a removal that asks `has`, happen under the digest's lock.
 */
export class Leases {
  /** In order of their end: each new one ends last. */
  readonly #ends = new Map<Digest, number>()
  readonly #now: () => number

  /** `now`: milliseconds of a clock that never runs backwards. */
  constructor(now: () => number) {
    this.#now = now
  }

  give(digest: Digest): void {
    this.#ends.delete(digest)
    this.#ends.set(digest, this.#now() + LEASE_MS)
    this.#forgetEnded()
  }

  has(digest: Digest): boolean {
    return (this.#ends.get(digest) ?? Number.NEGATIVE_INFINITY) > this.#now()
  }

  /** How many there are. */
  get count(): number {
    this.#forgetEnded()
    return this.#ends.size
  }

  #forgetEnded(): void {
    for (const [digest, end] of this.#ends) {
      if (end > this.#now()) return
      this.#ends.delete(digest)
    }
  }
}
