import type { Algorithm, Digest } from '../oci/digest.ts'

export interface BlobStat {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
}

/** A write that has not ended, or what a crash left of one. */
export interface WriteStat {
  readonly id: string
  /** Bytes. */
  readonly size: number
  /** When bytes last came, in epoch milliseconds. */
  readonly changedAt: number
}

/** `by-caller`: nothing, because he hashes what he appends himself, and says at the commit what it came to. */
export type Hashing = Algorithm | 'by-caller'

/**
 * Where blob bytes live. It knows digests and bytes: no repositories, no tags,
 * no HTTP. Which repository may see a blob is the catalog's business.
 *
 * Every implementation passes `test/contracts/blob-store.contract.ts`.
 * Methods may be called at any time, from any number of requests.
 */
export interface BlobStore extends AsyncDisposable {
  /** Resolves to `undefined` when the blob is not stored; that is not an error. */
  stat(digest: Digest): Promise<BlobStat | undefined>

  /** Opens the stored bytes, or resolves to `undefined`. The caller closes the reader. */
  open(digest: Digest): Promise<BlobReader | undefined>

  /**
   * Begins a write that no digest shows until its `commit` resolves. Rejects if `id` is taken.
   * `hashing` (default sha256) is what is computed while bytes arrive.
   */
  begin(id: string, hashing?: Hashing): Promise<BlobWrite>

  /** Picks up a write that was put down, or cut off by a crash; `undefined` when there is none. */
  resume(id: string, hashing?: Hashing): Promise<BlobWrite | undefined>

  /** Resolves to whether there was anything to delete. */
  delete(digest: Digest): Promise<boolean>

  /** Every stored blob, in no order. Blobs written meanwhile may be left out. */
  list(): AsyncIterable<BlobStat>

  /** Every write that has not ended, in no order, and what a crash left among them. */
  writes(): AsyncIterable<WriteStat>

  /** Takes away what `writes` names, which nobody may have open. Resolves to whether it was there. */
  drop(id: string): Promise<boolean>
}

/** Bytes, read at any place. No streams: the sender owns the buffers. */
export interface BlobReader {
  readonly size: number

  /** Room for more than so many bytes is of no use to it: they come a few at a time. Left out: the more, the better. */
  readonly atOnce?: number

  /** Copies bytes from `at` on, and resolves to how many: 0 only at `size`, or when `into` is empty. */
  read(into: Uint8Array, at: number): Promise<number>

  /** Lets go. May be called twice, and during a `read`. Once it has resolved, no buffer is touched any more. */
  close(): Promise<void>
}

/** A blob on its way in, and a reader of what it has so far: fills are read while they grow. */
export interface BlobWrite extends BlobReader {
  /**
   * Adds bytes at the end, one call at a time. Once it has resolved, `chunks` are the caller's again.
   * Callers hand over a mebibyte and more at once, where they have it: each call is one write.
   */
  append(chunks: readonly Uint8Array[]): Promise<void>

  /**
   * Makes the blob visible under `digest`, durably, in place of what may lie there.
   *
   * Throws the refusal `digest-invalid`, and keeps nothing, if the bytes do not hash to it. Two
   * clients may commit one digest at once, and both are right. Where the disk fails, it throws what the
   * disk said, shows nothing, and the write may be committed again.
   *
   * `found`: what the caller hashed all the bytes to, as he appended them. It is believed of a write that was begun
   * `by-caller` and never put down; of any other the bytes are read.
   */
  commit(digest: Digest, found?: Digest): Promise<BlobStat>

  /**
   * Makes what has been appended so far outlive a power cut, and resolves to how many bytes that is. May be called while
   * an `append` is under way. Where it rejects, none of them can be trusted but by a `commit`.
   */
  mark(): Promise<number>

  /** Cuts it back to its first `size` bytes; not while an `append` is under way. Does nothing where there are no more. */
  truncate(size: number): Promise<void>

  /** Puts the write down, for `resume`. Does nothing after `commit` or `abort`. */
  close(): Promise<void>

  /** Drops the write and its bytes. Does nothing after `commit`. */
  abort(): Promise<void>
}
