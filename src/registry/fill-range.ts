import { unlessAborted } from '../base/unless-aborted.ts'
import type { BlobReader } from '../blobs/blob-store.ts'
import type { Digest } from '../oci/digest.ts'
import { type BlobDownload, type Running, type Upstream, UpstreamFailure } from '../upstream/upstream.ts'

const MEBIBYTE = 1024 * 1024

/** A part that begins no further behind the head of a download is waited for. */
const NEAR = 8 * MEBIBYTE

/** What is passed by to reach the next part, where a new question would take as long. */
const PASSED_BY = MEBIBYTE

/** How often it is asked again for what broke off, or stood still, without a byte. */
const TRIES = 3

/**
 * Whether a part is asked of the upstream by itself: it is far from what the download has, and nobody takes it for the
 * whole. One that reaches the end waits for the hash.
 */
export function worthAsking({
  start,
  end,
  size,
  head,
}: {
  readonly start: number
  readonly end: number
  readonly size: number | undefined
  readonly head: number
}): boolean {
  return size !== undefined && end < size && start > head + NEAR
}

export interface RangedOptions {
  readonly from: Upstream
  readonly path: string
  readonly digest: Digest
  readonly size: number | undefined
  /** Milliseconds that are waited for a byte. */
  readonly stalled: number
  /** Rejects when the signal fires. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

/**
 * Reads a part of a blob straight from the upstream, beside its download: whoever mounts an image and reads a file of it
 * here and there does not wait for all that lies before. Nothing of it is kept, and its client checks the whole.
 */
export class RangedReader implements BlobReader {
  readonly #options: RangedOptions
  readonly #end: number
  #at: number
  #running: Running<BlobDownload> | undefined
  #download: BlobDownload | undefined
  #chunks: AsyncIterator<Uint8Array> | undefined
  /** What came and was not asked for yet. */
  #left: Uint8Array = new Uint8Array()
  readonly #closed = new AbortController()

  constructor(options: RangedOptions, { start, end }: { start: number; end: number }) {
    this.#options = options
    this.#at = start
    this.#end = end
  }

  get size(): number {
    return this.#options.size ?? Infinity
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    if (into.length === 0 || at >= this.#end) return 0
    for (let tried = 0; ; ) {
      const before = this.#at
      try {
        if (at < this.#at || at > this.#at + this.#left.length + PASSED_BY) this.#leave(at)
        while (this.#at + this.#left.length <= at) await this.#next(at)
        break
      } catch (error) {
        this.#leave(at)
        this.#closed.signal.throwIfAborted()
        tried = this.#at > before ? 0 : tried + 1
        if (tried >= TRIES) throw error
      }
    }
    const bytes = this.#left.subarray(at - this.#at).subarray(0, Math.min(into.length, this.#end - at))
    into.set(bytes)
    this.#left = this.#left.subarray(at - this.#at + bytes.length)
    this.#at = at + bytes.length
    return bytes.length
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('The reader was closed'))
    this.#leave(this.#at)
  }

  /** The next chunk becomes what is left. */
  async #next(at: number): Promise<void> {
    this.#at += this.#left.length
    this.#left = new Uint8Array()
    if (this.#chunks === undefined) {
      const { from, path, digest, size } = this.#options
      const running = from.blob(path, digest, { at, ...(size !== undefined && { size }) })
      this.#running = running
      const download = await this.#inTime(running.value, (late) => late.cancel())
      this.#download = download
      this.#chunks = download.body[Symbol.asyncIterator]()
      this.#at = download.at
    }
    const { done, value } = await this.#inTime(this.#chunks.next())
    if (done === true) throw new Error(`The blob of the upstream ends at byte ${this.#at}`)
    this.#left = value
  }

  /** Nobody else looks at the clock for it: a connection on which nothing comes would be waited for as long as its client does. */
  async #inTime<T>(work: Promise<T>, late?: (result: T) => void): Promise<T> {
    const { stalled, sleep } = this.#options
    const [done, silent] = [new AbortController(), new AbortController()]
    sleep(stalled, done.signal).then(
      () => silent.abort(this.#running && new UpstreamFailure(this.#running.waiting())),
      () => undefined,
    )
    try {
      return await unlessAborted(work, AbortSignal.any([this.#closed.signal, silent.signal]), late)
    } finally {
      done.abort()
    }
  }

  #leave(at: number): void {
    this.#download?.cancel()
    this.#download = undefined
    this.#chunks = undefined
    this.#left = new Uint8Array()
    this.#at = at
  }
}
