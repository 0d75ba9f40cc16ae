import { freeMemory } from '../base/free-memory.ts'
import { unlessAborted } from '../base/unless-aborted.ts'
import type { Digest } from '../oci/digest.ts'
import type { AttemptMade, BlobDownload, Failure, FailureFacts, Running, Upstream } from '../upstream/upstream.ts'
import { UpstreamFailure } from '../upstream/upstream.ts'
import { mayRecover, type Patience } from './fill-patience.ts'

export interface FillSourceOptions {
  readonly from: Upstream
  /** The upstream's name of the repository. */
  readonly path: string
  readonly digest: Digest
  /** Bytes of the whole, if they are known. */
  readonly size: number | undefined
  readonly patience: Pick<Patience, 'retry'>
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Ends it, with the reason that is thrown. */
  readonly signal: AbortSignal
}

/** Where what is fetched goes to. */
export interface FillTarget {
  /** Bytes that it has. */
  readonly head: number
  /** The bytes that follow. They are the caller's again when it is done. */
  take(bytes: Uint8Array): Promise<void> | undefined
}

/** The bytes of a blob, over as many downloads as it takes: each goes on where the one before broke off. */
export class FillSource {
  /** Resolves when the first headers are in. */
  readonly begun: Promise<void>
  /** How often it was taken up again. */
  resumes = 0
  readonly attempts: AttemptMade[] = []
  size: number | undefined
  /** When the connection was asked for, or brought its last byte, by `monotonic`. Left out: there is none. */
  heard: number | undefined
  readonly #options: FillSourceOptions
  readonly #begun = Promise.withResolvers<void>()
  #running: Running<unknown> | undefined
  #route: string | undefined
  #leave: (() => void) | undefined
  #broken: UpstreamFailure | undefined
  /** The size is the upstream's own word, and no manifest's alone. */
  #told = false
  /** Told that there is nothing behind what we have: whether that is so, only the whole shows. */
  #fromStart = false

  constructor(options: FillSourceOptions) {
    this.#options = options
    this.size = options.size
    this.begun = this.#begun.promise
    this.begun.catch(() => undefined)
  }

  /**
   * Whether it is the download of who has such a size, if any, from a manifest. Anybody may write a wrong one: that it
   * is wrong is told to who has the same, and disturbs nobody else.
   */
  fits(size: number | undefined): boolean {
    if (size === this.#options.size) return true
    return this.#told && (size ?? this.size) === this.size
  }

  /** What it hangs at. */
  waiting(): Failure {
    return this.#running?.waiting() ?? this.#failure('timeout')
  }

  /** What came is not what was asked for. */
  broken(wrong: NonNullable<FailureFacts['wrong']>): UpstreamFailure {
    this.#broken = new UpstreamFailure(this.#failure('upstream-broken', { wrong }))
    return this.#broken
  }

  /**
   * Fetches what the target has not, to the end. Rejects with an `UpstreamFailure` where the first question is not
   * answered, or a later one in a way that asking again would not change.
   */
  async fetch(target: FillTarget): Promise<void> {
    try {
      for (;;) {
        if (target.head === this.size) return this.#begun.resolve()
        const [askedAt, head] = [this.#options.monotonic(), target.head]
        const download = await this.#ask(head)
        if (download !== undefined && (await this.#receive(download, target))) return
        if (target.head === head) await this.#rest(askedAt)
      }
    } catch (error) {
      this.abandon(error)
      throw error
    }
  }

  /** Nothing will come: told to who waits for the headers. */
  abandon(error: unknown): void {
    this.#begun.reject(error)
  }

  /** Leaves the connection, and asks anew. */
  reconnect(): void {
    this.#leave?.()
  }

  /** `undefined`: not this time. */
  async #ask(head: number): Promise<BlobDownload | undefined> {
    const { from, path, digest, signal } = this.#options
    signal.throwIfAborted()
    const size = this.size === undefined ? {} : { size: this.size }
    const running = from.blob(path, digest, head === 0 || this.#fromStart ? undefined : { at: head, ...size })
    this.#running = running
    try {
      const download = await unlessAborted(running.value, signal, (late) => late.cancel())
      this.#check(download, head)
      if (this.#route !== undefined) this.resumes += 1
      this.#route = download.route
      this.#begun.resolve()
      return download
    } catch (error) {
      if (!(error instanceof UpstreamFailure) || error === this.#broken) throw error
      if (error.failure.status === 416 && head > 0 && !this.#fromStart) this.#fromStart = true
      else if (this.#route === undefined || !mayRecover(error.failure)) throw error
      return undefined
    } finally {
      this.attempts.push(...running.attempts)
      this.#running = undefined
    }
  }

  #check(download: BlobDownload, head: number): void {
    const { size, at } = download
    const otherSize = size !== undefined && this.size !== undefined && size !== this.size
    if (otherSize || (at !== head && at !== 0)) {
      download.cancel()
      throw this.broken('length')
    }
    this.size ??= size
    this.#told ||= size !== undefined
  }

  /** Resolves to whether that was the end; false: it broke off. */
  async #receive(download: BlobDownload, target: FillTarget): Promise<boolean> {
    const { signal, monotonic } = this.#options
    const outcome = Promise.withResolvers<boolean>()
    const leave = () => outcome.resolve(false)
    this.#leave = leave
    this.heard = monotonic()
    signal.addEventListener('abort', leave, { once: true })
    // It may have fired while the headers came.
    if (signal.aborted) leave()
    const taking = this.#take(download, target, () => this.#leave !== leave)
    taking.then(() => outcome.resolve(this.size === undefined || target.head === this.size), outcome.reject)
    try {
      const ended = await outcome.promise
      signal.throwIfAborted()
      if (!ended) download.cancel()
      return ended
    } catch (error) {
      download.cancel()
      if (error instanceof UpstreamFailure && error !== this.#broken) return false
      throw error
    } finally {
      this.heard = undefined
      this.#leave = undefined
      signal.removeEventListener('abort', leave)
    }
  }

  async #take({ body, at }: BlobDownload, target: FillTarget, isOver: () => boolean): Promise<void> {
    // Where the whole came again, what is there is passed by.
    let place = at
    for await (const chunk of body) {
      if (isOver()) return
      this.heard = this.#options.monotonic()
      const known = Math.min(chunk.length, target.head - place)
      place += chunk.length
      if (this.size !== undefined && place > this.size) throw this.broken('length')
      if (known < chunk.length) await target.take(known === 0 ? chunk : chunk.subarray(known))
      freeMemory(chunk)
      if (isOver()) return
    }
  }

  async #rest(since: number): Promise<void> {
    const { monotonic, sleep, patience, signal } = this.#options
    const left = since + patience.retry - monotonic()
    if (left > 0) await unlessAborted(sleep(left, signal), signal)
  }

  #failure(cause: Failure['cause'], facts: FailureFacts = {}): Failure {
    const { from, now } = this.#options
    const { name } = from
    return { cause, hop: 'blob', upstream: name, route: this.#route ?? 'direct', host: name, at: now(), facts }
  }
}
