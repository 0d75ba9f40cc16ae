import type { BlobWrite } from '../blobs/blob-store.ts'
import { Refusal } from '../oci/refusal.ts'

/**
 * Appends what comes, piece by piece.
 *
 * What came before a client left is kept, and what does not fit in `length` is not taken. Throws
 * `size-invalid` where the body is not as long as it said.
 */
export async function receive(write: BlobWrite, body: AsyncIterable<Uint8Array>, length?: number): Promise<void> {
  let received = 0
  for await (const piece of body) {
    const taken = length === undefined ? piece : piece.subarray(0, length - received)
    received += piece.length
    if (taken.length > 0) await write.append([taken])
    if (length !== undefined && received > length) break
  }
  if (length !== undefined && received !== length) {
    throw new Refusal('size-invalid', {
      because: `Content-Range says ${length} bytes, and ${received > length ? 'more' : received} came`,
      received: write.size,
    })
  }
}
