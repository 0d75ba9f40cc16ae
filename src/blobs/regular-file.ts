import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import type { BlobReader } from './blob-store.ts'

/** `NONBLOCK`: a pipe that somebody put there must not hold us up. */
const STRAIGHT = constants.O_NOFOLLOW | constants.O_NONBLOCK

/** What the system says where there is no file of that name: a folder on the way is missing or is none, or the name is a link. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO'])

/** Opens a file, and nothing that is none: `undefined` for what is missing, a folder, a link, a pipe. */
export async function openFile(
  path: string,
  access: 'read' | 'write',
): Promise<{ file: FileHandle; size: number } | undefined> {
  const file = await unlessAbsent(open(path, STRAIGHT | (access === 'read' ? constants.O_RDONLY : constants.O_RDWR)))
  if (file === undefined) return undefined
  try {
    const stats = await file.stat()
    if (stats.isFile()) return { file, size: stats.size }
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return undefined
}

/** Bytes of the file, or `undefined` where there is none. */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  const stats: Stats | undefined = await unlessAbsent(lstat(path))
  return stats?.isFile() ? stats.size : undefined
}

/** What `work` resolves to, or `undefined` where what it was after is not there. */
export async function unlessAbsent<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && ABSENT.has(error.code)
}

/** Reads a file that does not grow. `close` of a handle waits for the reads under way. */
export class FileReader implements BlobReader {
  readonly size: number
  readonly #file: FileHandle

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.size = size
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    return await readSome(this.#file, into, { at, size: this.size })
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** Reads no further than `size`. Throws where the file ends before: 0 bytes would look like a clean end. */
export async function readSome(
  file: FileHandle,
  into: Uint8Array,
  { at, size }: { at: number; size: number },
): Promise<number> {
  const wanted = Math.min(into.length, size - at)
  if (wanted <= 0) return 0
  const { bytesRead } = await file.read(into, 0, wanted, at)
  if (bytesRead === 0) throw new Error(`The file ends before byte ${at}; it had ${size} when it was opened`)
  return bytesRead
}
