import type { Writable } from 'node:stream'
import { freeMemory } from '../base/free-memory.ts'
import type { BlobReader } from '../blobs/blob-store.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { BlobParts, BlobSpan } from './route.ts'

/** The client hung up, or takes nothing any more. No fault of ours. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft'

  constructor(cause?: unknown) {
    super('The client left', { cause })
  }
}

/** How long the head of an answer waits for the first bytes, in milliseconds: together they are one packet. */
const HEAD_WAITS_MS = 5

export interface Sending {
  readonly pool: BufferPool
  /** Sends what comes before the body, where that keeps waiting: of a cold blob, its client waits for the headers alone. */
  readonly sendHead?: () => void
  /** Told of bytes that the socket is done with. */
  readonly onSent?: (bytes: number) => void
}

/**
 * Sends a span of a blob, or parts of it, through two buffers in turn: one is read into while the
 * other is on its way out. Ends the response, and closes the reader.
 *
 * Whatever goes wrong breaks the connection, so that a short body never looks whole, and drops both buffers: the
 * socket may still hold one of them. Their memory is freed when it is done with it, and the disk too.
 *
 * A reader that waits for bytes of an upstream is closed as soon as the client has left: nothing else would wake it.
 *
 * Measured on Node 24 over TLS: less than half the CPU of `createReadStream().pipe()`.
 */
export async function sendBlob(
  response: Writable,
  body: BlobSpan | BlobParts,
  { pool, sendHead, onSent }: Sending,
): Promise<void> {
  const { reader } = body
  const parts = 'parts' in body ? body.parts : [{ start: body.start, end: body.end }]
  const lengths = parts.map((part) => (typeof part === 'string' ? Buffer.byteLength(part) : part.end - part.start))
  const wanted = lengths.reduce((sum, length) => sum + length, 0)
  const useful = Math.min(wanted, reader.atOnce ?? Infinity)
  const buffers = [pool.lend(useful), pool.lend(useful)] as const
  const source = new PartSource(reader, parts)
  let turn: 0 | 1 = 0
  let reading: Promise<Buffer> | undefined
  let written: Promise<void> | undefined
  let closing: Promise<void> | undefined
  let left = response.destroyed
  const onClose = () => {
    left = true
    closing ??= reader.close()
  }

  function next(): Promise<Buffer> {
    const buffer = buffers[turn]
    turn = turn === 0 ? 1 : 0
    reading = source.fill(buffer).then((length) => buffer.subarray(0, length))
    return reading
  }

  async function send(bytes: Buffer): Promise<void> {
    const writing = write(response, bytes)
    written = writing.done
    await writing.untilLeft
    onSent?.(bytes.length)
  }

  response.once('close', onClose)
  const waiting = sendHead && setTimeout(sendHead, HEAD_WAITS_MS)
  try {
    let chunk = left ? Buffer.alloc(0) : await next()
    clearTimeout(waiting)
    while (chunk.length > 0 && !left) [chunk] = await Promise.all([next(), send(chunk)])
    if (left) throw new ClientLeft()
    response.off('close', onClose)
    response.end()
    for (const buffer of buffers) pool.giveBack(buffer)
  } catch (error) {
    response.destroy()
    for (const buffer of buffers) pool.drop(buffer)
    void Promise.allSettled([reading, written]).then(() => buffers.forEach(freeMemory))
    // A reader that is closed under a read says so; why it was closed is the client's doing.
    throw left && !(error instanceof ClientLeft) ? new ClientLeft(error) : error
  } finally {
    clearTimeout(waiting)
    response.off('close', onClose)
    closing ??= reader.close()
    await closing
  }
}

/** Texts and spans in turn, as one sequence of bytes. */
class PartSource {
  readonly #reader: BlobReader
  readonly #parts: BlobParts['parts']
  #part = 0
  /** Bytes of the part that are through. */
  #done = 0

  constructor(reader: BlobReader, parts: BlobParts['parts']) {
    this.#reader = reader
    this.#parts = parts
  }

  /**
   * Fills the buffer from its front, and resolves to how many bytes: 0 at the end. Stops early where the reader
   * gave less than it was asked for: what is there should go out before more is waited for.
   */
  async fill(buffer: Buffer): Promise<number> {
    let filled = 0
    for (;;) {
      const part = this.#parts[this.#part]
      if (part === undefined || filled === buffer.length) return filled
      const room = buffer.subarray(filled)
      const [taken, left] = typeof part === 'string' ? this.#copy(part, room) : await this.#read(part, room)
      filled += taken
      this.#done += taken
      if (left > taken) return filled
      this.#part += 1
      this.#done = 0
    }
  }

  #copy(text: string, room: Buffer): [taken: number, left: number] {
    const bytes = Buffer.from(text).subarray(this.#done)
    return [bytes.copy(room), bytes.length]
  }

  async #read({ start, end }: { start: number; end: number }, room: Buffer): Promise<[taken: number, left: number]> {
    const at = start + this.#done
    if (at === end) return [0, 0]
    const length = await this.#reader.read(room.subarray(0, end - at), at)
    if (length > 0) return [length, end - at]
    if (end !== Infinity) throw new Error(`Blob ends at byte ${at}, not at ${end}`)
    // It has no size until it ends.
    return [0, 0]
  }
}

/**
 * `done` resolves when the socket is done with the bytes. Waiting for that is not enough: where the client
 * leaves, that of a pipelined response never comes. `untilLeft` rejects then, too.
 */
function write(response: Writable, bytes: Buffer): { readonly done: Promise<void>; readonly untilLeft: Promise<void> } {
  if (response.destroyed) return { done: Promise.resolve(), untilLeft: Promise.reject(new ClientLeft()) }
  const { promise: untilLeft, resolve, reject } = Promise.withResolvers<void>()
  const left = () => reject(new ClientLeft())
  response.once('close', left)
  const done = new Promise<void>((settle) => {
    response.write(bytes, (error) => {
      response.off('close', left)
      if (error) reject(new ClientLeft(error))
      else resolve()
      settle()
    })
  })
  return { done, untilLeft }
}
