import type { Digest } from '../oci/digest.ts'

/**
 * One at a time under a digest: a commit, a promise that a blob is there, a removal.
 *
 * Invariant: whoever holds it never waits for the same digest again.
 */
export class DigestLock {
  readonly #last = new Map<Digest, Promise<unknown>>()

  async run<Result>(digest: Digest, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(digest)
    const mine = before === undefined ? work() : before.then(work, work)
    // What the one before did, and how it ended, is not the next one's business.
    const settled = mine.catch(() => undefined)
    this.#last.set(digest, settled)
    try {
      return await mine
    } finally {
      if (this.#last.get(digest) === settled) this.#last.delete(digest)
    }
  }
}
