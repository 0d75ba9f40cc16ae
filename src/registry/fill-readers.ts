import type { FillReader } from './fill-reader.ts'

/** A waiting reader is woken at once for so much; for less, when all is in that has come by now. */
const WORTH_WAKING = 256 * 1024

/** Who reads a download, where they are, and who of them waits. */
export class FillReaders {
  /** Since when nobody reads, by `monotonic`. */
  aloneSince: number | undefined
  readonly #all = new Set<FillReader>()
  readonly #monotonic: () => number
  /** Up to which place a reader may be given bytes. */
  readonly #endFor: (reader: FillReader) => number
  #wakesSoon = false

  constructor(monotonic: () => number, endFor: (reader: FillReader) => number) {
    this.#monotonic = monotonic
    this.#endFor = endFor
    this.aloneSince = monotonic()
  }

  get none(): boolean {
    return this.#all.size === 0
  }

  /** Before which place nobody reads any more. */
  get floor(): number {
    return Math.min(...[...this.#all].map(({ at }) => at))
  }

  /** Where the foremost is. */
  get foremost(): number | undefined {
    return this.none ? undefined : Math.max(...[...this.#all].map(({ at }) => at))
  }

  add(reader: FillReader): void {
    this.#all.add(reader)
    this.aloneSince = undefined
  }

  remove(reader: FillReader): void {
    if (this.#all.delete(reader) && this.none) this.aloneSince = this.#monotonic()
  }

  /** Breaks those who were given bytes: the bytes may be none of the blob's. */
  failTouched(error: Error): void {
    for (const reader of this.#all) {
      if (!reader.touched) continue
      reader.fail(error)
      this.remove(reader)
    }
  }

  /** Those at the floor, where there are others; they are no longer among them. */
  takeSlowest(): FillReader[] {
    const { floor } = this
    const slow = [...this.#all].filter(({ at }) => at === floor)
    if (slow.length === this.#all.size) return []
    for (const reader of slow) this.#all.delete(reader)
    return slow
  }

  /** Bytes came. */
  wake(): void {
    for (const reader of this.#all) {
      if (!reader.waits) continue
      const ready = this.#endFor(reader) - reader.at
      if (ready >= WORTH_WAKING) reader.wake()
      else if (ready > 0) this.#wakeSoon()
    }
  }

  wakeAll(): void {
    for (const reader of this.#all) reader.wake()
  }

  #wakeSoon(): void {
    if (this.#wakesSoon) return
    this.#wakesSoon = true
    setImmediate(() => {
      this.#wakesSoon = false
      this.wakeAll()
    })
  }
}
