import { createCipheriv, createHash } from 'node:crypto'

const CHUNK = 1024 * 1024

/** Bytes that look random, cannot be compressed, and are the same for the same seed on every machine. */
export function seededBytes(seed: string, size: number): Buffer {
  return keystream(seed).update(Buffer.alloc(size))
}

/** The same bytes as `seededBytes`, a mebibyte at a time. */
export function* seededChunks(seed: string, size: number): Generator<Buffer> {
  const cipher = keystream(seed)
  for (let left = size; left > 0; left -= CHUNK) yield cipher.update(Buffer.alloc(Math.min(left, CHUNK)))
}

/** AES in counter mode over zeros: a gigabyte a second, and no generator of our own to get wrong. */
function keystream(seed: string) {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
}
