import { unlessAborted } from '../base/unless-aborted.ts'
import type { BlobReader } from '../blobs/blob-store.ts'
import { algorithmOf, type Digest } from '../oci/digest.ts'
import { type Failure, UpstreamFailure } from '../upstream/upstream.ts'
import { FillBytes } from './fill-bytes.ts'
import { type Patience, patienceWith } from './fill-patience.ts'
import { FillReader, type Followed } from './fill-reader.ts'
import { FillReaders } from './fill-readers.ts'
import type { FillSlots } from './fill-slots.ts'
import { FillSource, type FillSourceOptions } from './fill-source.ts'
import type { FillStore } from './fill-store.ts'
import type { PageMemory } from './fill-window.ts'
import type { Report } from './parts.ts'

/** Held back until the hash is right: a bad download never ends as if it were whole. */
const HELD_BACK = 64 * 1024

export interface FillOptions extends Omit<FillSourceOptions, 'signal' | 'patience'> {
  /** Canonical. */
  readonly repository: string
  /** Address of who asked first. */
  readonly peer: string
  /** Opens the file. `undefined`: what comes is passed through. */
  readonly openStore: () => Promise<FillStore | undefined>
  /** Another download, for a reader that holds up the others. */
  readonly another: () => Fill
  /** Left out: it need not wait for its turn. */
  readonly slots?: FillSlots
  readonly memory: PageMemory
  readonly patience: Patience
  readonly report: Report
  /** It failed, and nobody was told. */
  readonly failedBehind: (failure: Failure) => void
}

/** Why it ends before its end; what is there is kept. */
class PutDown extends Error {
  override readonly name = 'PutDown'
}

/**
 * The one download of a blob, for everybody who reads it (design, "Blobs").
 *
 * It goes on where it broke off, as long as bytes come. What its readers have been given never changes below them: where
 * it has to, they are broken.
 */
export class Fill implements Followed {
  readonly digest: Digest
  readonly repository: string
  /** Canonical names of the repositories that have the blob, once it is whole. */
  readonly repositories: Set<string>
  /** Resolves when nothing more is to be done but to serve who reads. Never rejects. */
  readonly done: Promise<void>
  /** Resolves when its file is nobody's any more. */
  readonly closed: Promise<void>
  readonly source: FillSource
  waitsForTurn = true
  /** Nothing more comes of it; its file is let go of as soon as the disk has done so. */
  closing = false
  readonly #options: FillOptions
  readonly #readers: FillReaders
  readonly #stop = new AbortController()
  readonly #closed = Promise.withResolvers<void>()
  #bytes: FillBytes | undefined
  #whole = false
  #failed: Error | undefined
  #finished = false
  /** The file may be taken up another time, or is the blob now. */
  #keep = true
  #lastByte: number
  #heldSince: number | undefined

  constructor(options: FillOptions) {
    this.#options = options
    this.digest = options.digest
    this.repository = options.repository
    this.repositories = new Set([options.repository])
    this.source = new FillSource({ ...options, signal: this.#stop.signal })
    this.#lastByte = options.monotonic()
    this.#readers = new FillReaders(options.monotonic, (reader) => this.#endFor(reader))
    this.closed = this.#closed.promise
    this.done = this.#run()
  }

  get size(): number | undefined {
    return this.#whole ? this.head : this.source.size
  }

  /** Bytes that it has. */
  get head(): number {
    return this.#bytes?.head ?? 0
  }

  /** Whether it may be joined: all that it has and gets is kept for who comes later. */
  get open(): boolean {
    return this.#failed === undefined && !this.closing && !this.#stop.signal.aborted && (this.#bytes?.stored ?? true)
  }

  /** `end`: where the reader stops; left out: at the end of the blob. */
  read(at: number, end = Infinity): BlobReader {
    const inner = this.size !== undefined && end < this.size
    const reader = new FillReader(this, { at, innerEnd: inner ? end : undefined })
    this.#readers.add(reader)
    return reader
  }

  give(reader: FillReader, into: Uint8Array, at: number): Promise<number> | undefined {
    if (this.#failed !== undefined) throw this.#failed
    const end = this.#endFor(reader)
    if (at < end) return this.#bytes?.read(into, at, end)
    return this.#whole ? Promise.resolve(0) : undefined
  }

  moved(): void {
    this.#bytes?.floorMoved()
  }

  left(reader: FillReader): void {
    this.#readers.remove(reader)
    this.moved()
    if (!this.#readers.none) return
    if (this.#finished) void this.#close()
    else if (this.#bytes?.stored === false) this.#stop.abort(new PutDown('It is stored nowhere, and nobody reads it'))
  }

  /** Leaves it for another time; its readers are broken. */
  async putDown(): Promise<void> {
    this.#stop.abort(new PutDown('The server ends'))
    await this.done
    await this.#close()
  }

  #endFor({ innerEnd }: FillReader): number {
    const { head } = this
    if (this.#whole) return head
    return Math.min(head, innerEnd ?? (this.source.size ?? head) - HELD_BACK)
  }

  async #run(): Promise<void> {
    const { slots, openStore, memory, sleep, from, peer } = this.#options
    const { signal } = this.#stop
    const watching = new AbortController()
    const watch = this.#watch(watching.signal)
    let endTurn: (() => void) | undefined
    try {
      endTurn = await slots?.take({ upstream: from.name, peer }, signal)
      this.waitsForTurn = false
      this.#lastByte = this.#options.monotonic()
      const bytes = new FillBytes(await openStore(), {
        ...{ memory, algorithm: algorithmOf(this.digest), sleep },
        floor: () => this.#readers.floor,
        foremost: () => this.#readers.foremost,
        lost: (error) => this.#lose(error),
      })
      this.#bytes = bytes
      const found = await this.#download(bytes)
      endTurn?.()
      await this.#commit(bytes, found)
    } catch (error) {
      this.#fail(error)
    } finally {
      endTurn?.()
      watching.abort()
      await watch
      this.#finished = true
      if (this.#readers.none || this.#failed !== undefined) await this.#close()
    }
  }

  /** Resolves when all is there and right, to its digest. */
  async #download(bytes: FillBytes): Promise<Digest> {
    if (bytes.head > (this.source.size ?? Infinity)) await this.#startOver(bytes)
    for (let first = true; ; first = false) {
      let resumed = bytes.head > 0
      await this.source.fetch({
        get head() {
          return bytes.head
        },
        take: (chunk) => this.#take(bytes, chunk),
      })
      resumed ||= this.source.resumes > 0
      const found = await bytes.digest()
      if (found === this.digest) {
        this.#whole = true
        this.#readers.wakeAll()
        return found
      }
      // Parts of several downloads may not be parts of one blob: that is not the upstream's fault yet.
      if (!first || !resumed) throw this.source.broken('digest')
      await this.#startOver(bytes)
    }
  }

  #take(bytes: FillBytes, chunk: Uint8Array): Promise<void> | undefined {
    const taking = bytes.take(chunk)
    this.#lastByte = this.#options.monotonic()
    this.#readers.wake()
    return taking?.then(() => this.#readers.wake())
  }

  async #startOver(bytes: FillBytes): Promise<void> {
    this.#readers.failTouched(this.source.broken('digest'))
    await bytes.restart()
  }

  async #commit(bytes: FillBytes, found: Digest): Promise<void> {
    try {
      await bytes.flush()
      this.#keep = await bytes.commit(found, () => [...this.repositories])
    } catch (error) {
      this.#keep = false
      this.#lose(error)
    }
  }

  #lose(error: unknown): void {
    const { repository, digest, report } = this.#options
    const what =
      'a blob from an upstream cannot be stored; it is passed on to who reads it, and fetched again next time'
    report(what, { repository, digest, error })
    if (this.#readers.none && !this.#whole) this.#stop.abort(new PutDown(what))
  }

  #fail(error: unknown): void {
    const { repository, digest, report, failedBehind } = this.#options
    const told = !this.#readers.none
    this.#failed = error instanceof Error ? error : new Error(String(error))
    this.source.abandon(this.#failed)
    if (error instanceof UpstreamFailure) {
      const { wrong } = error.failure.facts
      this.#keep = wrong !== 'digest' && wrong !== 'length' && error.failure.cause !== 'not-found'
      if (!told) failedBehind(error.failure)
    } else if (!(error instanceof PutDown)) {
      this.#keep = false
      report('the download of a blob has failed for a fault of ours', { repository, digest, error })
    }
    this.#readers.wakeAll()
  }

  async #close(): Promise<void> {
    if (!this.closing) {
      this.closing = true
      try {
        await this.#bytes?.close(this.#keep)
      } catch (error) {
        this.#options.report('the file of a download cannot be closed', { digest: this.digest, error })
      }
      this.#closed.resolve()
    }
    await this.closed
  }

  /** Looks at the clock, as long as it is not whole. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { sleep, patience } = this.#options
    const tick = Math.max(1, Math.min(1_000, patience.stalled / 4))
    while (!signal.aborted) {
      await unlessAborted(sleep(tick, signal), signal).catch(() => undefined)
      if (!signal.aborted && !this.#whole) this.#look()
    }
  }

  #look(): void {
    const { monotonic, patience } = this.#options
    const now = monotonic()
    const held = this.waitsForTurn || this.#bytes?.held === true
    if (held) this.#lastByte = now
    if (this.#bytes?.held === true && !this.#bytes.stored) this.#freeTheOthers(now)
    else this.#heldSince = undefined
    const { heard } = this.source
    const { aloneSince } = this.#readers
    const standing = {
      ...{ now, lastByte: this.#lastByte, held },
      ...(heard !== undefined && { connection: heard }),
      ...(aloneSince !== undefined && { aloneSince }),
    }
    const what = patienceWith(standing, patience)
    if (what === 'reconnect') this.source.reconnect()
    else if (what === 'put down') this.#stop.abort(new PutDown('Nobody reads it'))
    else if (what === 'give up') this.#stop.abort(new UpstreamFailure(this.source.waiting()))
  }

  /** Without a file, everybody goes as fast as the slowest: he gets a download of his own. */
  #freeTheOthers(now: number): void {
    this.#heldSince ??= now
    if (now - this.#heldSince < this.#options.patience.held) return
    this.#heldSince = undefined
    const slow = this.#readers.takeSlowest()
    if (slow.length === 0) return
    const other = this.#options.another()
    for (const reader of slow) {
      other.#readers.add(reader)
      reader.follow(other)
    }
    this.moved()
  }
}
