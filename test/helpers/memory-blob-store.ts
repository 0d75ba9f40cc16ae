import type { BlobReader, BlobStat, BlobStore, BlobWrite, Hashing, WriteStat } from '../../src/blobs/blob-store.ts'
import { algorithmOf, type Digest } from '../../src/oci/digest.ts'
import { Refusal } from '../../src/oci/refusal.ts'
import { digestOf } from './digest-of.ts'

/** A `BlobStore` for fast tests: nothing survives the process. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<Digest, Buffer>()
  readonly #writes = new Map<string, MemoryWrite>()

  async stat(digest: Digest): Promise<BlobStat | undefined> {
    const bytes = this.#blobs.get(digest)
    return bytes && { digest, size: bytes.length }
  }

  async open(digest: Digest): Promise<BlobReader | undefined> {
    const bytes = this.#blobs.get(digest)
    return bytes && new MemoryReader(bytes)
  }

  async begin(id: string, _hashing?: Hashing): Promise<BlobWrite> {
    if (this.#writes.has(id)) throw new Error(`There is a write '${id}' already`)
    return this.#write(id, Buffer.alloc(0))
  }

  async resume(id: string, _hashing?: Hashing): Promise<BlobWrite | undefined> {
    const put = this.#writes.get(id)
    return put && this.#write(id, put.bytes)
  }

  async delete(digest: Digest): Promise<boolean> {
    return this.#blobs.delete(digest)
  }

  async *list(): AsyncGenerator<BlobStat> {
    for (const [digest, bytes] of [...this.#blobs]) yield { digest, size: bytes.length }
  }

  async *writes(): AsyncGenerator<WriteStat> {
    for (const [id, { size, changedAt }] of [...this.#writes]) yield { id, size, changedAt }
  }

  async drop(id: string): Promise<boolean> {
    return this.#writes.delete(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#blobs.clear()
    this.#writes.clear()
  }

  #write(id: string, bytes: Buffer): BlobWrite {
    const write = new MemoryWrite(bytes, {
      publish: (digest, whole) => this.#blobs.set(digest, whole),
      drop: () => this.#writes.delete(id),
    })
    this.#writes.set(id, write)
    return write
  }
}

class MemoryReader implements BlobReader {
  bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get size(): number {
    return this.bytes.length
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    const part = this.bytes.subarray(at, at + into.length)
    into.set(part)
    return part.length
  }

  async close(): Promise<void> {}
}

interface Outcome {
  readonly publish: (digest: Digest, bytes: Buffer) => void
  readonly drop: () => void
}

class MemoryWrite extends MemoryReader implements BlobWrite {
  readonly #outcome: Outcome
  changedAt = Date.now()
  #settled = false

  constructor(bytes: Buffer, outcome: Outcome) {
    super(bytes)
    this.#outcome = outcome
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    this.bytes = Buffer.concat([this.bytes, ...chunks])
    this.changedAt = Date.now()
  }

  async commit(digest: Digest): Promise<BlobStat> {
    this.#settle()
    const found = digestOf(this.bytes, algorithmOf(digest))
    if (found !== digest) throw new Refusal('digest-invalid', { because: `the content is ${found}` })
    this.#outcome.publish(digest, this.bytes)
    return { digest, size: this.size }
  }

  async mark(): Promise<number> {
    return this.size
  }

  async truncate(size: number): Promise<void> {
    this.bytes = this.bytes.subarray(0, size)
  }

  async abort(): Promise<void> {
    if (!this.#settled) this.#settle()
  }

  #settle(): void {
    this.#settled = true
    this.#outcome.drop()
  }
}
