import { freeMemory } from '../base/free-memory.ts'

const LARGE = 1024 * 1024
const SMALL = 256 * 1024
const BUDGET = 64 * LARGE
const SPARE = 4

/**
 * Buffers for what goes out: large ones while the budget lasts, small ones beyond.
 * A few that came back are kept; the rest is the system's again.
 *
 * Invariant: a buffer is lent again only after `giveBack`. One that the socket may
 * still read is dropped instead, and belongs to nobody.
 */
export class BufferPool {
  readonly #spare: Buffer[] = []
  #lent = 0

  /** Bytes that are lent now. */
  get lent(): number {
    return this.#lent
  }

  /** A buffer of up to `wanted` bytes, and at least one. */
  lend(wanted: number): Buffer {
    const large = wanted > SMALL && this.#lent + LARGE <= BUDGET
    const spare = large ? this.#spare.pop() : undefined
    const buffer = spare ?? Buffer.allocUnsafeSlow(large ? LARGE : Math.max(1, Math.min(wanted, SMALL)))
    this.#lent += buffer.length
    return buffer
  }

  giveBack(buffer: Buffer): void {
    this.drop(buffer)
    if (buffer.length === LARGE && this.#spare.length < SPARE) this.#spare.push(buffer)
    else freeMemory(buffer)
  }

  drop(buffer: Buffer): void {
    this.#lent -= buffer.length
  }
}
