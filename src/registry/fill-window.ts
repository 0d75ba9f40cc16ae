import { freeMemory } from '../base/free-memory.ts'

const MEBIBYTE = 1024 * 1024

/** Bytes of a page. */
export const PAGE = MEBIBYTE

/** Pages of all downloads together, and of one. Two are the least that one can work with: one is written while one grows. */
const BUDGET = 32
const MOST = 8
const LEAST = 2
const SPARE = 8

/**
 * The memory of downloads. However many there are, each gets on.
 *
 * Pages are used again and not left to the collector, which does not see how much memory there is behind a buffer: a
 * download of a gigabyte a second would run far ahead of it.
 */
export class PageMemory {
  readonly #spare: Buffer[] = []
  #users = 0

  enter(): void {
    this.#users += 1
  }

  leave(): void {
    this.#users -= 1
    if (this.#users === 0) this.#spare.length = 0
  }

  /** Pages that each user may hold now. */
  get allowance(): number {
    return Math.min(MOST, Math.max(LEAST, Math.floor(BUDGET / Math.max(1, this.#users))))
  }

  lend(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(PAGE)
  }

  giveBack(page: Buffer): void {
    if (this.#users > 0 && this.#spare.length < SPARE) this.#spare.push(page)
    else freeMemory(page)
  }
}

/** The bytes at the head of a download, in pages: all but the last are full. */
export class FillWindow {
  readonly #memory: PageMemory
  readonly #pages: Buffer[] = []
  #start: number
  #head: number

  constructor(memory: PageMemory, at: number) {
    this.#memory = memory
    this.#start = at
    this.#head = at
  }

  /** Place in the blob of the first byte that is here. */
  get start(): number {
    return this.#start
  }

  /** Place of the next byte to come. */
  get head(): number {
    return this.#head
  }

  get pages(): number {
    return this.#pages.length
  }

  /** Bytes that `take` takes. */
  get room(): number {
    return this.#start + this.#pages.length * PAGE - this.#head
  }

  grow(): void {
    this.#pages.push(this.#memory.lend())
  }

  /** Copies what there is room for, and returns how many bytes that is. */
  take(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.room)
    const offset = this.#head - this.#start
    let done = 0
    while (done < taken.length) {
      const [page, at] = this.#place(offset + done)
      const part = taken.subarray(done, done + PAGE - at)
      page.set(part, at)
      done += part.length
    }
    this.#head += done
    return done
  }

  /** The bytes from one place up to another, where they lie. */
  slices(from: number, to: number): Uint8Array[] {
    const found: Uint8Array[] = []
    for (let at = from - this.#start; at < to - this.#start; ) {
      const [page, inPage] = this.#place(at)
      const part = page.subarray(inPage, Math.min(PAGE, inPage + to - this.#start - at))
      found.push(part)
      at += part.length
    }
    return found
  }

  /** Copies bytes from a place on, up to the head, and returns how many. */
  read(into: Uint8Array, at: number): number {
    let done = 0
    for (const part of this.slices(at, Math.min(this.#head, at + into.length))) {
      into.set(part, done)
      done += part.length
    }
    return done
  }

  /** Lets go of full pages at the front that lie before a place, until so many are left. */
  drop({ before, keep }: { before: number; keep: number }): void {
    while (this.#pages.length > keep && this.#start + PAGE <= before) {
      const page = this.#pages.shift()
      if (page !== undefined) this.#memory.giveBack(page)
      this.#start += PAGE
    }
  }

  /** Lets go of everything, and goes on from a place. */
  restart(at: number): void {
    for (const page of this.#pages) this.#memory.giveBack(page)
    this.#pages.length = 0
    this.#start = at
    this.#head = at
  }

  #place(offset: number): [page: Buffer, at: number] {
    const page = this.#pages[Math.floor(offset / PAGE)]
    if (page === undefined) throw new Error(`Byte ${this.#start + offset} is not in the window`)
    return [page, offset % PAGE]
  }
}
