import { Refusal } from '../oci/refusal.ts'
import type { Headers } from './route.ts'

/**
 * A small body, whole. Throws `manifest-too-large` as soon as it is known to be larger than `limit` bytes: no more
 * than that is ever held, however long the client goes on.
 */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  { headers, limit }: { headers: Headers; limit: number },
): Promise<Buffer> {
  const tooLarge = () => new Refusal('manifest-too-large', { because: `it may have ${limit} bytes` })
  if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge()
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of body) {
    length += piece.length
    if (length > limit) throw tooLarge()
    // A copy: it is ours only until the next comes.
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces, length)
}

/** Whether anything comes, and the body with all of it. */
export async function peek(
  body: AsyncIterable<Uint8Array>,
): Promise<{ empty: boolean; body: AsyncIterable<Uint8Array> }> {
  const chunks = body[Symbol.asyncIterator]()
  let first = await chunks.next()
  while (!first.done && first.value.length === 0) first = await chunks.next()
  if (first.done) return { empty: true, body: concat([]) }
  return { empty: false, body: concat([first.value], chunks) }
}

async function* concat(first: readonly Uint8Array[], rest?: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* first
    for (let next = await rest?.next(); next && !next.done; next = await rest?.next()) yield next.value
  } finally {
    await rest?.return?.()
  }
}
