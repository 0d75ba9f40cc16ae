import type { BlobWrite } from '../blobs/blob-store.ts'
import { Refusal } from '../oci/refusal.ts'

/** Bytes that are gathered before they are written: small writes cost twice the CPU (measured). */
const BATCH = 1024 * 1024
/** A piece costs a hundred bytes beside its own, and a client may send a mebibyte as a million of one byte each. */
const PIECES = 1024

/**
 * Appends what comes, in batches: one is written while the next is gathered.
 *
 * What came before a client left is kept, and what does not fit in `length` is not taken. Throws
 * `size-invalid` where the chunk is not as long as it said.
 */
export async function receive(write: BlobWrite, body: AsyncIterable<Uint8Array>, length?: number): Promise<void> {
  let gathered: Uint8Array[] = []
  let bytes = 0
  let received = 0
  let writing: Promise<void> = Promise.resolve()

  async function flush(): Promise<void> {
    await writing
    if (bytes === 0) return
    writing = write.append(gathered)
    // A failure is thrown where it is awaited, which may be a batch later.
    writing.catch(() => undefined)
    gathered = []
    bytes = 0
  }

  try {
    for await (const chunk of body) {
      const room = length === undefined ? chunk.length : length - received
      received += chunk.length
      const taken = chunk.subarray(0, Math.max(room, 0))
      if (taken.length > 0) gathered.push(taken)
      bytes += taken.length
      if (bytes >= BATCH || gathered.length >= PIECES) await flush()
      if (length !== undefined && received > length) break
    }
  } finally {
    await flush()
    await writing
  }
  if (length !== undefined && received !== length) {
    throw new Refusal('size-invalid', {
      because: `Content-Range says ${length} bytes, and ${received > length ? 'more' : received} came`,
      received: write.size,
    })
  }
}
