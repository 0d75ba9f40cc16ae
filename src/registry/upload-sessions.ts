import type { BlobStore, BlobWrite } from '../blobs/blob-store.ts'
import type { Catalog, UploadSession } from '../catalog/catalog.ts'
import { Refusal } from '../oci/refusal.ts'
import type { UploadKey } from './registry.ts'

/** Sessions between two requests that keep their file open and their hash running. Others are put down. */
const IDLE_OPEN = 32

/**
 * Upload sessions, each with its row in the catalog and its file in the blob store.
 *
 * Invariant: one call at a time in a session; others wait their turn. A session is found only by the account
 * and in the repository that it was begun by (CVE-2026-32589).
 */
export class UploadSessions implements AsyncDisposable {
  readonly #catalog: Catalog
  readonly #blobs: BlobStore
  /** Writes between two calls, the longest idle first. */
  readonly #idle = new Map<string, BlobWrite>()
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Sessions whose write is not kept open behind the call that is under way. */
  readonly #over = new Set<string>()

  constructor(catalog: Catalog, blobs: BlobStore) {
    this.#catalog = catalog
    this.#blobs = blobs
  }

  async open(session: UploadSession): Promise<void> {
    const write = await this.#blobs.begin(session.id, session.algorithm)
    try {
      await this.#catalog.write('beginUpload', session)
    } catch (error) {
      await write.abort()
      throw error
    }
    await this.#putAside(session.id, write)
  }

  /** Runs `work` with the session's write. Throws `upload-unknown`. */
  async run<Result>(key: UploadKey, work: (write: BlobWrite) => Promise<Result>): Promise<Result> {
    // Whose it is not waits for nobody, and keeps nobody waiting.
    await this.#find(key)
    const before = this.#turns.get(key.id) ?? Promise.resolve()
    const mine = before.then(() => this.#runNow(key, work))
    const settled = mine.catch(() => undefined)
    this.#turns.set(key.id, settled)
    try {
      return await mine
    } finally {
      if (this.#turns.get(key.id) === settled) this.#turns.delete(key.id)
    }
  }

  /**
   * Ends the session if `commit` succeeds, and if the client is at fault; a fault of ours leaves it to be tried again.
   * What was committed is there, though the session's row cannot be deleted: without bytes it is no session, and is swept.
   */
  async endUnlessRetryable(id: string, commit: () => Promise<void>): Promise<void> {
    try {
      await commit()
    } catch (error) {
      // The bytes may have been moved already, and only their row failed: the next call looks for what there is.
      this.#over.add(id)
      if (error instanceof Refusal && error.kind === 'digest-invalid') await this.end(id).catch(() => undefined)
      throw error
    }
    await this.end(id).catch(() => undefined)
  }

  /** Whether a call is under way or waits. */
  isBusy(id: string): boolean {
    return this.#turns.has(id)
  }

  /** Ends a session and drops what it received, unless a call is under way. Resolves to whether it did. */
  async expire(id: string): Promise<boolean> {
    if (this.isBusy(id)) return false
    const expiring = this.#expireNow(id)
    // A call that comes now waits for its turn, and finds no session.
    const settled = expiring.catch(() => undefined)
    this.#turns.set(id, settled)
    try {
      await expiring
    } finally {
      if (this.#turns.get(id) === settled) this.#turns.delete(id)
    }
    return true
  }

  /** In a call of `run`, after the write has ended. */
  async end(id: string): Promise<void> {
    this.#over.add(id)
    await this.#catalog.write('endUpload', { id })
  }

  /** Puts every session down, to be resumed after a restart. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#turns.values())
    const writes = [...this.#idle.values()]
    this.#idle.clear()
    await Promise.all(writes.map((write) => write.close()))
  }

  async #find({ id, repository, caller }: UploadKey): Promise<UploadSession> {
    const session = await this.#catalog.upload(id)
    if (session?.repository !== repository || session.account !== caller.account) throw unknown(id)
    return session
  }

  async #runNow<Result>(key: UploadKey, work: (write: BlobWrite) => Promise<Result>): Promise<Result> {
    const { id } = key
    const session = await this.#find(key)
    const write = this.#idle.get(id) ?? (await this.#blobs.resume(id, session.algorithm))
    if (write === undefined) throw unknown(id)
    this.#idle.delete(id)
    try {
      return await work(write)
    } finally {
      if (this.#over.delete(id)) await write.close()
      else await this.#putAside(id, write)
    }
  }

  async #expireNow(id: string): Promise<void> {
    const idle = this.#idle.get(id)
    this.#idle.delete(id)
    await idle?.close()
    // The row first: a row without a file is ended by the next sweep, a file without a row waits a day.
    await this.#catalog.write('endUpload', { id })
    await this.#blobs.drop(id)
  }

  async #putAside(id: string, write: BlobWrite): Promise<void> {
    this.#idle.set(id, write)
    const [longest] = this.#idle
    if (this.#idle.size <= IDLE_OPEN || longest === undefined) return
    this.#idle.delete(longest[0])
    await longest[1].close()
  }
}

function unknown(id: string): Refusal {
  return new Refusal('upload-unknown', {
    because: `'${id.slice(0, 80)}' was never begun here, has ended, or is somebody else's`,
  })
}
