import { createHash } from 'node:crypto'
import { type Algorithm, type Digest, digestFrom } from '../../src/oci/digest.ts'

export function digestOf(bytes: string | Uint8Array, algorithm: Algorithm = 'sha256'): Digest {
  return digestFrom(algorithm, createHash(algorithm).update(bytes).digest('hex'))
}

/** Hashes bytes on their way, without keeping them. */
export async function digestOfStream(
  stream: AsyncIterable<Uint8Array>,
  algorithm: Algorithm = 'sha256',
): Promise<{ digest: Digest; size: number }> {
  const hash = createHash(algorithm)
  let size = 0
  for await (const chunk of stream) {
    hash.update(chunk)
    size += chunk.length
  }
  return { digest: digestFrom(algorithm, hash.digest('hex')), size }
}
