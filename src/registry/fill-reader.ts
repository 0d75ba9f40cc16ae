import type { BlobReader } from '../blobs/blob-store.ts'

/** What a reader follows. */
export interface Followed {
  /** Bytes of the whole, once that is known. */
  readonly size: number | undefined
  /** Copies bytes; `undefined`: there are none yet. 0: that was all. Throws where they will not come. */
  give(reader: FillReader, into: Uint8Array, at: number): Promise<number> | undefined
  /** The reader has come further, or has left. */
  moved(): void
  left(reader: FillReader): void
}

/** For so much they are woken. Fifty of them with more would hold 100 MiB, and none be faster (measured). */
const AT_ONCE = 256 * 1024

/** Follows a download at its own pace, and waits for bytes that are not there yet. */
export class FillReader implements BlobReader {
  readonly atOnce = AT_ONCE
  /** Place that it is at. */
  at: number
  /** It was given bytes. */
  touched = false
  /** Where it ends, if that is before the end of the blob: nobody takes it for whole, and the hash is not waited for. */
  readonly innerEnd: number | undefined
  #followed: Followed
  #waiting: (() => void) | undefined
  #reading: Promise<number> | undefined
  #failed: Error | undefined
  #closed = false

  constructor(followed: Followed, { at, innerEnd }: { at: number; innerEnd: number | undefined }) {
    this.#followed = followed
    this.at = at
    this.innerEnd = innerEnd
  }

  get size(): number {
    return this.#followed.size ?? Infinity
  }

  get waits(): boolean {
    return this.#waiting !== undefined
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    if (at !== this.at) {
      this.at = at
      this.#followed.moved()
    }
    if (into.length === 0) return 0
    for (;;) {
      if (this.#closed) throw new Error('The reader of a download was closed')
      if (this.#failed !== undefined) throw this.#failed
      this.#reading = this.#followed.give(this, into, at)
      if (this.#reading !== undefined) {
        const length = await this.#reading
        if (length > 0) this.touched = true
        return length
      }
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  /** There is something new to look at. */
  wake(): void {
    const wake = this.#waiting
    this.#waiting = undefined
    wake?.()
  }

  /** What it was given is not part of the blob. */
  fail(error: Error): void {
    this.#failed = error
    this.wake()
  }

  /** Goes on with another download of the same blob. */
  follow(other: Followed): void {
    this.#followed = other
    this.wake()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.wake()
    await this.#reading?.catch(() => undefined)
    this.#followed.left(this)
  }
}
