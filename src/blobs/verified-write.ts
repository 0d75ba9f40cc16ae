import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, rm } from 'node:fs/promises'
import { type Algorithm, algorithmOf, type Digest, digestFrom } from '../oci/digest.ts'
import { Refusal } from '../oci/refusal.ts'
import type { BlobStat, BlobWrite, Hashing } from './blob-store.ts'
import { readSome } from './regular-file.ts'

/** Bytes read at once where the hash has to catch up. */
const BATCH = 1024 * 1024

export interface VerifiedWriteOptions {
  readonly file: FileHandle
  readonly path: string
  /** Bytes that the file has. */
  readonly size: number
  readonly hashing: Hashing
  /** A sync of the file may have failed before. */
  readonly doubted: boolean
  /** Makes the file durable, and moves it to where the digest shows it; else leaves it where it is. */
  readonly publish: (path: string, digest: Digest) => Promise<void>
  /** Makes what the file holds outlive a power cut. */
  readonly makeDurable: (path: string) => Promise<void>
  /** Called before the first `publish`, and at `abort`: whoever resumes the write from now on must doubt it. */
  readonly settled: () => void
}

/**
 * A file that grows at its end, and is hashed and counted on the way.
 *
 * Where its caller hashes, there is no running hash, and `commit` believes him if this process wrote every byte. Else
 * the running hash covers the first `#hashed` bytes. It is in step until a write was resumed or has failed;
 * then it stays behind, and `commit` reads what it lacks: once, however often the write was put down.
 *
 * Invariant: `size` is never more than what the file holds, and what it holds beyond is cut off before it
 * could become part of a blob.
 */
export class VerifiedWrite implements BlobWrite {
  readonly #options: VerifiedWriteOptions
  #size: number
  #hash: Hash | undefined
  #hashed = 0
  /** A failed write may have left bytes behind `#size`. */
  #frayed = false
  /** A sync may have failed, and after that the system takes pages for written that are not. */
  #doubted: boolean
  #state: 'open' | 'put down' | 'committed' | 'aborted' = 'open'

  constructor(options: VerifiedWriteOptions) {
    this.#options = options
    this.#size = options.size
    this.#doubted = options.doubted
    this.#forgetHash()
  }

  get size(): number {
    return this.#size
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#mustBeOpen()
    await this.#cutFrayed()
    const writing = writeAll(this.#options.file, chunks, this.#size)
    const inStep = this.#hash !== undefined && this.#hashed === this.#size
    // While the pool's thread writes.
    if (inStep) for (const chunk of chunks) this.#hash?.update(chunk)
    try {
      await writing
    } catch (error) {
      if (inStep) this.#forgetHash()
      this.#frayed = true
      // So that a full disk has the room again. If it fails, the next call does it, or says why not.
      await this.#cutFrayed().catch(() => undefined)
      throw error
    }
    this.#size += lengthOf(chunks)
    if (inStep) this.#hashed = this.#size
  }

  /** May be called while another `append` is under way; sees what has resolved. */
  async read(into: Uint8Array, at: number): Promise<number> {
    return await readSome(this.#options.file, into, { at, size: this.#size })
  }

  /** Afterwards it can still be read, until it is closed. */
  async commit(digest: Digest, told?: Digest): Promise<BlobStat> {
    this.#mustBeOpen()
    await this.#cutFrayed()
    const { hashing, size } = this.#options
    const believed = hashing === 'by-caller' && size === 0 && !this.#doubted
    const found = (believed ? told : undefined) ?? (await this.#digest(algorithmOf(digest)))
    if (found !== digest) {
      await this.abort()
      throw new Refusal('digest-invalid', { because: `the content is ${found}, not ${digest}` })
    }
    // Set before: whatever is thrown, a second try does not trust what the first one synced.
    this.#doubted = true
    this.#options.settled()
    await this.#options.publish(this.#options.path, digest)
    this.#state = 'committed'
    return { digest, size: this.#size }
  }

  async mark(): Promise<number> {
    this.#mustBeOpen()
    const size = this.#size
    try {
      await this.#options.makeDurable(this.#options.path)
    } catch (error) {
      this.#doubted = true
      this.#options.settled()
      throw error
    }
    return size
  }

  async truncate(size: number): Promise<void> {
    this.#mustBeOpen()
    if (size >= this.#size) return
    await this.#options.file.truncate(size)
    this.#size = size
    this.#frayed = false
    this.#forgetHash()
  }

  async close(): Promise<void> {
    if (this.#state === 'open') this.#state = 'put down'
    await this.#options.file.close()
  }

  async abort(): Promise<void> {
    const keep = this.#state === 'committed'
    if (!keep) this.#state = 'aborted'
    this.#options.settled()
    await this.#options.file.close()
    if (!keep) await rm(this.#options.path, { force: true })
  }

  #mustBeOpen(): void {
    if (this.#state !== 'open') throw new Error(`The write at ${this.#options.path} was ${this.#state}`)
  }

  async #cutFrayed(): Promise<void> {
    if (!this.#frayed) return
    await this.#options.file.truncate(this.#size)
    this.#frayed = false
  }

  #forgetHash(): void {
    const { hashing } = this.#options
    this.#hash = hashing === 'by-caller' ? undefined : createHash(hashing)
    this.#hashed = 0
  }

  async #digest(algorithm: Algorithm): Promise<Digest> {
    if (this.#doubted) this.#forgetHash()
    if (this.#hash !== undefined && algorithm === this.#options.hashing) {
      await this.#readInto(this.#hash, this.#hashed)
      this.#hashed = this.#size
      // A copy: after a failed publish more may come, or a second try.
      return digestFrom(algorithm, this.#hash.copy().digest('hex'))
    }
    const hash = createHash(algorithm)
    await this.#readInto(hash, 0)
    return digestFrom(algorithm, hash.digest('hex'))
  }

  /** Hashes the file from a byte on; where a sync may have failed, it writes the same bytes again, for the next sync to take. */
  async #readInto(hash: Hash, from: number): Promise<void> {
    if (from === this.#size) return
    const buffer = Buffer.allocUnsafeSlow(Math.min(BATCH, this.#size - from))
    for (let at = from; at < this.#size; ) {
      const bytes = buffer.subarray(0, await this.read(buffer, at))
      const rewriting = this.#doubted ? writeAll(this.#options.file, [bytes], at) : undefined
      hash.update(bytes)
      await rewriting
      at += bytes.length
    }
  }
}

/** One `writev`; more only where the system took less than all. */
async function writeAll(file: FileHandle, chunks: readonly Uint8Array[], at: number): Promise<void> {
  let left = chunks.filter((chunk) => chunk.length > 0)
  for (let position = at; left.length > 0; ) {
    const { bytesWritten } = await file.writev(left, position)
    position += bytesWritten
    left = behind(left, bytesWritten)
  }
}

function behind(chunks: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written
  return chunks.flatMap((chunk) => {
    const rest = chunk.subarray(Math.min(skip, chunk.length))
    skip -= chunk.length - rest.length
    return rest.length > 0 ? [rest] : []
  })
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0)
}
