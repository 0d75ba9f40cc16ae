import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rmdir, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Algorithm, algorithmOf, type Digest, hexOf, isDigest } from '../oci/digest.ts'
import type { BlobReader, BlobStat, BlobStore, BlobWrite, Hashing, WriteStat } from './blob-store.ts'
import { FileReader, openFile, sizeOfFile, unlessAbsent } from './regular-file.ts'
import { VerifiedWrite } from './verified-write.ts'

export interface FsBlobStoreOptions {
  /** Folder of the volume. It must be there; it is never made here, as it may be the mount point of a disk that is not. */
  readonly root: string
  /** Moves a file durably, over what lies there; else leaves both as they were. Not on this thread: it blocks. */
  readonly publish: (from: string, to: string) => Promise<void>
  /** Makes what a file holds outlive a power cut. Not on this thread either. Left out: of a store whose writes are never put to that. */
  readonly makeDurable?: (path: string) => Promise<void>
  /** Folder of what is being written, below `root`. */
  readonly incoming?: string
}

/**
 * Blobs as files, where registry:2 has them, and beside them what is being written:
 *
 *     <root>/
 *       docker/registry/v2/blobs/
 *         sha256/                       the algorithm
 *           2c/                         the first two digits
 *             2cf24dba…938b9824/        all of them
 *               data                    the bytes
 *       homeport/uploads/
 *         <id>                          a write that was begun; its size is how far it is
 *
 * A file in `blobs/` is whole and right, or rotten: nothing is ever written there, only renamed to there.
 * A crash in a rename may leave `<id>.replaced` among the uploads, which is no write.
 *
 * `delete` wants the digest's lock, and so does `commit`: it takes the folder away that a commit moves into.
 */
export class FsBlobStore implements BlobStore {
  readonly #options: FsBlobStoreOptions
  readonly #blobs: string
  readonly #incoming: string
  /** Writes whose every byte came from this process, and that it has not tried to sync. */
  readonly #sound = new Set<string>()

  constructor(options: FsBlobStoreOptions) {
    this.#options = options
    this.#blobs = join(options.root, 'docker/registry/v2/blobs')
    this.#incoming = join(options.root, options.incoming ?? 'homeport/uploads')
  }

  async stat(digest: Digest): Promise<BlobStat | undefined> {
    const size = await sizeOfFile(this.#pathOf(digest))
    return size === undefined ? undefined : { digest, size }
  }

  async open(digest: Digest): Promise<BlobReader | undefined> {
    const opened = await openFile(this.#pathOf(digest), 'read')
    return opened && new FileReader(opened.file, opened.size)
  }

  async begin(id: string, hashing: Hashing = 'sha256'): Promise<BlobWrite> {
    if (!isId(id)) throw new Error(`'${id}' cannot name a write`)
    const path = join(this.#incoming, id)
    const file = (await unlessAbsent(create(path))) ?? (await this.#createBelowNewFolder(path))
    this.#sound.add(id)
    return this.#write(file, { id, size: 0, hashing })
  }

  async resume(id: string, hashing: Hashing = 'sha256'): Promise<BlobWrite | undefined> {
    if (!isId(id)) return undefined
    const opened = await openFile(join(this.#incoming, id), 'write')
    return opened && this.#write(opened.file, { id, size: opened.size, hashing })
  }

  async delete(digest: Digest): Promise<boolean> {
    const path = this.#pathOf(digest)
    if ((await sizeOfFile(path)) === undefined) return false
    await unlink(path)
    // Its own folder only: somebody may be about to move another blob into the one above.
    await rmdir(join(path, '..')).catch(() => undefined)
    return true
  }

  /** Passes by what has not the name or the kind of a blob. */
  async *list(): AsyncGenerator<BlobStat> {
    for (const algorithm of ['sha256', 'sha512'] as const satisfies Algorithm[]) {
      for (const start of await namesIn(join(this.#blobs, algorithm))) {
        for (const hex of await namesIn(join(this.#blobs, algorithm, start))) {
          const digest = `${algorithm}:${hex}`
          if (!isDigest(digest) || !hex.startsWith(start) || start.length !== 2) continue
          const found = await this.stat(digest)
          if (found !== undefined) yield found
        }
      }
    }
  }

  async *writes(): AsyncGenerator<WriteStat> {
    for (const id of await namesIn(this.#incoming)) {
      const found = await unlessAbsent(lstat(join(this.#incoming, id)))
      if (found?.isFile()) yield { id, size: found.size, changedAt: Math.floor(found.mtimeMs) }
    }
  }

  async drop(id: string): Promise<boolean> {
    if (basename(id) !== id || id === '.' || id === '..') throw new Error(`'${id}' is the name of no write`)
    this.#sound.delete(id)
    return (await unlessAbsent(unlink(join(this.#incoming, id)).then(() => true))) ?? false
  }

  /** Nothing is open here: readers and writes are closed by those who opened them. */
  async [Symbol.asyncDispose](): Promise<void> {}

  #pathOf(digest: Digest): string {
    const hex = hexOf(digest)
    return join(this.#blobs, algorithmOf(digest), hex.slice(0, 2), hex, 'data')
  }

  async #createBelowNewFolder(path: string): Promise<FileHandle> {
    await lstat(this.#options.root)
    await mkdir(this.#incoming, { recursive: true })
    return await create(path)
  }

  #write(file: FileHandle, { id, size, hashing }: { id: string; size: number; hashing: Hashing }): BlobWrite {
    return new VerifiedWrite({
      file,
      path: join(this.#incoming, id),
      size,
      hashing,
      doubted: !this.#sound.has(id),
      publish: (from, digest) => this.#options.publish(from, this.#pathOf(digest)),
      makeDurable: async (path) => {
        if (this.#options.makeDurable === undefined) throw new Error('This store was opened without a way to sync')
        await this.#options.makeDurable(path)
      },
      settled: () => this.#sound.delete(id),
    })
  }
}

/** It becomes a file's name. */
function isId(id: string): boolean {
  return /^[a-zA-Z0-9_-]{1,64}$/.test(id)
}

/** A new file always: an old one may still be read. */
async function create(path: string): Promise<FileHandle> {
  return await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o666)
}

async function namesIn(folder: string): Promise<string[]> {
  return (await unlessAbsent(readdir(folder))) ?? []
}
