import { createHash, type Hash } from 'node:crypto'
import { type Algorithm, type Digest, digestFrom } from '../oci/digest.ts'
import type { FillStore } from './fill-store.ts'
import { FillWindow, PAGE, type PageMemory } from './fill-window.ts'

/** Hashed at once, where it comes in small pieces: a call costs as much as some kilobytes. */
const HASHED_AT_ONCE = 256 * 1024

/** How long the foremost reader is waited for, in milliseconds: at 50 MB/s and more he stays the foremost in memory. */
const WAITED_FOR_MS = 20

/** How long less than a page waits to be written, in milliseconds. */
const UNWRITTEN_MS = 250

export interface FillBytesOptions {
  readonly memory: PageMemory
  readonly algorithm: Algorithm
  /** Before which place nobody reads any more. Asked where there is no file to read from. */
  readonly floor: () => number
  /** Where the foremost reader is, if there is one. */
  readonly foremost: () => number | undefined
  /** The file takes nothing any more: what follows is passed through. */
  readonly lost: (error: unknown) => void
  readonly sleep: (ms: number) => Promise<void>
}

/**
 * What a download has so far: a file that grows a page or more at a time, the last pages in memory, and the hash.
 *
 * Three places follow the head: what is in the file, what is hashed, and the first byte of the window.
 *
 * Invariant: every byte from 0 to the head is in the file or in the window, as long as the file takes what comes. Where
 * it does not, so is every byte from the floor on, and the download waits for its readers.
 */
export class FillBytes {
  readonly #options: FillBytesOptions
  readonly #window: FillWindow
  readonly #store: FillStore | undefined
  #writable: boolean
  #hash: Hash
  #hashed = 0
  /** Runs while the hash is behind the window, in what was there before. */
  #catchingUp: Promise<void> | undefined
  #writing: Promise<void> | undefined
  #soon = false
  #moved = Promise.withResolvers<void>()
  #closed = false
  #waits = false
  #left = false

  constructor(store: FillStore | undefined, options: FillBytesOptions) {
    this.#options = options
    this.#store = store
    this.#writable = store !== undefined
    this.#hash = createHash(options.algorithm)
    this.#window = new FillWindow(options.memory, store?.size ?? 0)
    options.memory.enter()
    if (this.head > 0) this.#catchUp()
  }

  get head(): number {
    return this.#window.head
  }

  /** Whether what comes is written. */
  get stored(): boolean {
    return this.#writable
  }

  /** It takes nothing until the disk, or a reader, has got on. */
  get held(): boolean {
    return this.#waits
  }

  /** Adds bytes at the head: at once, or when there is room for them. They are the caller's again then. */
  take(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length <= this.#window.room) {
      this.#window.take(bytes)
      this.#follow()
      return undefined
    }
    return this.#takeSlowly(bytes)
  }

  /** Copies bytes from a place on, up to another that is not behind the head. Throws where they are gone. */
  async read(into: Uint8Array, at: number, to: number): Promise<number> {
    const wanted = into.subarray(0, to - at)
    if (at >= this.#window.start) return this.#window.read(wanted, at)
    if (this.#store === undefined || at >= this.#store.size) throw new Error(`Byte ${at} is kept no longer`)
    return await this.#store.read(wanted, at)
  }

  /** Somebody has read, or reads no more. */
  floorMoved(): void {
    this.#moved.resolve()
  }

  /** Writes what has come. Resolves when it is in the file, or the file takes nothing any more, or is closed. */
  async flush(): Promise<void> {
    while (this.#writable && !this.#closed && this.#unwritten > 0) await this.#write()
  }

  /** What all that has come hashes to. */
  async digest(): Promise<Digest> {
    await this.#catchingUp
    this.#hashOn()
    return digestFrom(this.#options.algorithm, this.#hash.copy().digest('hex'))
  }

  /** Begins anew with nothing. */
  async restart(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#catchingUp])
    this.#window.restart(0)
    this.#hash = createHash(this.#options.algorithm)
    this.#hashed = 0
    if (this.#writable) await this.#store?.restart()
  }

  /** Ties the file to repositories, after `flush`. False: there is none that has everything. */
  async commit(found: Digest, repositories: () => readonly string[]): Promise<boolean> {
    if (!this.#writable || this.#store === undefined) return false
    await this.#store.commit(found, repositories)
    this.#leaveMemory()
    return true
  }

  /** Lets go of everything, once. Nobody reads any more. `keep`: the file, for another time, if it took all there was. */
  async close(keep: boolean): Promise<void> {
    if (keep) await this.flush()
    this.#closed = true
    this.#moved.resolve()
    await Promise.allSettled([this.#writing, this.#catchingUp])
    this.#leaveMemory()
    await (keep && this.#writable ? this.#store?.close() : this.#store?.drop())
  }

  #leaveMemory(): void {
    if (this.#left) return
    this.#left = true
    this.#window.restart(this.head)
    this.#options.memory.leave()
  }

  get #unwritten(): number {
    return this.head - (this.#store?.size ?? this.head)
  }

  async #takeSlowly(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      if (this.#window.room === 0) await this.#makeRoom()
      rest = rest.subarray(this.#window.take(rest))
      this.#follow()
    }
  }

  #follow(): void {
    if (this.#catchingUp === undefined && this.head - this.#hashed >= HASHED_AT_ONCE) this.#hashOn()
    if (!this.#writable || this.#writing !== undefined) return
    if (this.#unwritten >= PAGE) void this.#write()
    else if (!this.#soon) void this.#writeSoon()
  }

  async #writeSoon(): Promise<void> {
    this.#soon = true
    await this.#options.sleep(UNWRITTEN_MS).catch(() => undefined)
    this.#soon = false
    if (!this.#closed) await this.flush()
  }

  async #makeRoom(): Promise<void> {
    this.#waits = true
    try {
      await this.#findRoom()
    } finally {
      this.#waits = false
    }
  }

  async #findRoom(): Promise<void> {
    for (;;) {
      if (this.#closed) throw new Error('The download was closed')
      if (this.#catchingUp === undefined) this.#hashOn()
      await this.#waitForForemost()
      this.#window.drop({ before: this.#droppable(), keep: this.#options.memory.allowance - 1 })
      if (this.#window.pages < this.#options.memory.allowance) return this.#window.grow()
      if (this.#writable) await this.#write()
      else {
        this.#moved = Promise.withResolvers()
        await this.#moved.promise
      }
    }
  }

  /**
   * For a moment, where the next page to go is the one that the foremost reader is at: what he then finds in memory is
   * not read from the file, at a third of the cost of all. Who is slower than that is left behind once, and waited for
   * no more; who is slower than another is not waited for at all.
   */
  async #waitForForemost(): Promise<void> {
    const { start, pages } = this.#window
    if (!this.#writable || pages < this.#options.memory.allowance) return
    const at = this.#options.foremost() ?? Infinity
    if (at < start || at >= start + PAGE) return
    const moved = Promise.withResolvers<void>()
    this.#moved = moved
    const timer = setTimeout(moved.resolve, WAITED_FOR_MS)
    await moved.promise
    clearTimeout(timer)
  }

  #droppable(): number {
    const written = this.#store?.size ?? 0
    if (this.#writable) return this.#catchingUp === undefined ? Math.min(written, this.#hashed) : written
    return Math.max(written, Math.min(this.#options.floor(), this.#hashed))
  }

  /** At once, whatever is there: a slow disk then has few and large writes. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async #writeAll(): Promise<void> {
    do {
      if (this.#store === undefined || !this.#writable || this.#closed) return
      try {
        await this.#store.append(this.#window.slices(this.#store.size, this.head))
      } catch (error) {
        this.#writable = false
        this.#options.lost(error)
      }
    } while (this.#unwritten >= PAGE)
  }

  #hashOn(): void {
    for (const part of this.#window.slices(this.#hashed, this.head)) this.#hash.update(part)
    this.#hashed = this.head
  }

  #catchUp(): void {
    this.#catchingUp = this.#readBehind().then(() => {
      this.#catchingUp = undefined
    })
    // Whoever wants the digest is told.
    this.#catchingUp.catch(() => undefined)
  }

  async #readBehind(): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(PAGE)
    while (this.#hashed < this.#window.start && !this.#closed) {
      const length = await this.read(buffer, this.#hashed, this.#window.start)
      this.#hash.update(buffer.subarray(0, length))
      this.#hashed += length
    }
    if (!this.#closed) this.#hashOn()
  }
}
