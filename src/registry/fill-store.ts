import { hash } from 'node:crypto'
import type { BlobStore, BlobWrite } from '../blobs/blob-store.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { type Digest, hexOf } from '../oci/digest.ts'
import type { DigestLock } from './digest-lock.ts'

/** Bytes between two syncs of a download: what a power cut takes at most, beside what came during the last one. */
const MARK = 64 * 1024 * 1024

export interface FillStoreParts {
  readonly catalog: Catalog
  readonly fills: BlobStore
  readonly locks: DigestLock
  /** Of the machine. Left out: it cannot be told from others, and then only what was synced is trusted. */
  readonly boot?: string
}

/** Of which upstream's blob. */
export interface FillKey {
  readonly upstream: string
  readonly digest: Digest
  /** Bytes, as a manifest has it. */
  readonly size?: number | undefined
}

/**
 * The name of its file: one of its own for each upstream and each size that a manifest told, so that none spoils what
 * came from another.
 */
export function fillId({ upstream, digest, size }: FillKey): string {
  const whose = size === undefined ? upstream : `${upstream} ${size}`
  return `${hash('sha256', whose).slice(0, 12)}-${hexOf(digest).slice(0, 48)}`
}

/**
 * The file of a download, and the note of it in the catalog.
 *
 * The file has no length that could be trusted after a power cut, only after a crash of ours: the system still has then
 * what was written. So the note says in which boot it grew, and how much of it was synced by then. It is written behind
 * the sync and costs none itself: whichever older note a power cut leaves, it names an older boot, or fewer bytes, or
 * there is none, and then the download begins anew. It never decides what is right: that is the hash of the whole.
 */
export class FillStore {
  readonly #parts: FillStoreParts
  readonly #key: FillKey
  readonly #write: BlobWrite
  readonly #id: string
  #synced: number
  #syncing: Promise<void> | undefined
  #failed: { error: unknown } | undefined

  /** Picks up what is there and can be trusted, or begins. */
  static async open(parts: FillStoreParts, key: FillKey): Promise<FillStore> {
    const { catalog, fills, boot } = parts
    const id = fillId(key)
    const left = await fills.resume(id, 'by-caller')
    const note = await catalog.fill(id)
    const sameBoot = boot !== undefined && note?.boot === boot
    const trusted = note === undefined || left === undefined ? 0 : sameBoot ? left.size : note.synced
    if (left !== undefined && Math.min(trusted, left.size) > 0) {
      await left.truncate(trusted)
      return new FillStore(parts, key, left, Math.min(note?.synced ?? 0, left.size))
    }
    await left?.abort()
    return new FillStore(parts, key, await fills.begin(id, 'by-caller'), 0)
  }

  private constructor(parts: FillStoreParts, key: FillKey, write: BlobWrite, synced: number) {
    this.#parts = parts
    this.#key = key
    this.#write = write
    this.#id = fillId(key)
    this.#synced = synced
    this.#note()
  }

  /** Bytes that it has. */
  get size(): number {
    return this.#write.size
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    return await this.#write.read(into, at)
  }

  /** One call at a time. What it throws, or a sync before it that failed, is the end of it as a store. */
  async append(chunks: readonly Uint8Array[]): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed.error
    await this.#write.append(chunks)
    if (this.size - this.#synced >= MARK) this.#syncing ??= this.#sync()
  }

  async restart(): Promise<void> {
    await this.#syncing
    await this.#write.truncate(0)
    this.#synced = 0
    this.#note()
  }

  /** Makes it the blob of the repositories. It can still be read, until it is closed. */
  async commit(found: Digest, repositories: () => readonly string[]): Promise<void> {
    await this.#syncing
    const { catalog, locks } = this.#parts
    const { digest } = this.#key
    await locks.run(digest, async () => {
      const { size } = await this.#write.commit(digest, found)
      await catalog.write('commitFill', { id: this.#id, repositories: repositories(), digest, size })
    })
  }

  /** Leaves it for another time, if it was not committed. */
  async close(): Promise<void> {
    await this.#syncing
    await this.#write.close()
  }

  async drop(): Promise<void> {
    await this.#syncing
    await this.#write.abort()
    await this.#parts.catalog.write('dropFill', { id: this.#id })
  }

  async #sync(): Promise<void> {
    try {
      this.#synced = await this.#write.mark()
      this.#note()
    } catch (error) {
      this.#failed = { error }
    } finally {
      this.#syncing = undefined
    }
  }

  #note(): void {
    const { catalog, boot = '' } = this.#parts
    const { upstream, digest } = this.#key
    // Without a note, less is trusted: no reason to keep anybody waiting, nor to fail.
    catalog.write('noteFill', { id: this.#id, upstream, digest, boot, synced: this.#synced }).catch(() => undefined)
  }
}
