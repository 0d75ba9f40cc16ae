/** What feeds a body, and can be told to wait. */
export interface Feed {
  pause(): void
  resume(): void
  /** Ends the connection. */
  stop(): void
}

/** So much is held for a reader who is slow before the peer has to wait, in bytes; and from here it goes on. */
const FULL = 524_288
const LOW = 131_072

/** A body that is not read is read away up to here, so that the connection can be kept. */
const SHORT = 65_536

/** For so long, in milliseconds. */
const SHORT_TIME = 1_000

/**
 * A body as it comes: each chunk is handed on as it was read, without a copy.
 *
 * For one reader. Where he stops before its end, the connection is ended.
 */
export class AnswerBody implements AsyncIterableIterator<Uint8Array> {
  readonly #feed: Feed
  readonly #size: number | undefined
  readonly #chunks: Uint8Array[] = []
  #held = 0
  #received = 0
  #paused = false
  #discarding: NodeJS.Timeout | undefined
  #ended = false
  #error: unknown
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined

  /** `size` of the whole in bytes, if it is known. */
  constructor(feed: Feed, size: number | undefined) {
    this.#feed = feed
    this.#size = size
  }

  push(chunk: Uint8Array): void {
    this.#held += chunk.length
    this.#received += chunk.length
    if (this.#discarding !== undefined) {
      if (this.#held > SHORT) this.#feed.stop()
      return
    }
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      this.#held -= chunk.length
      waiting.resolve({ value: chunk, done: false })
      return
    }
    this.#chunks.push(chunk)
    if (this.#held < FULL || this.#paused) return
    this.#paused = true
    this.#feed.pause()
  }

  end(): void {
    this.#ended = true
    clearTimeout(this.#discarding)
    this.#waiting?.resolve({ value: undefined, done: true })
    this.#waiting = undefined
  }

  /** What was read before is still given out. */
  fail(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    // Nobody looks any more.
    if (this.#discarding === undefined) this.#error = error
    clearTimeout(this.#discarding)
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.#chunks.shift()
    if (value !== undefined) {
      this.#held -= value.length
      if (this.#paused && this.#held <= LOW) this.#resume()
      return Promise.resolve({ value, done: false })
    }
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#ended || this.#discarding !== undefined) return Promise.resolve({ value: undefined, done: true })
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.discard()
    return Promise.resolve({ value: undefined, done: true })
  }

  discard(): void {
    this.#chunks.length = 0
    this.#held = 0
    if (this.#ended || this.#discarding !== undefined) return
    this.#discarding = setTimeout(() => this.#feed.stop(), SHORT_TIME)
    if (this.#size !== undefined && this.#size - this.#received > SHORT) this.#feed.stop()
    else if (this.#paused) this.#resume()
  }

  #resume(): void {
    this.#paused = false
    this.#feed.resume()
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
