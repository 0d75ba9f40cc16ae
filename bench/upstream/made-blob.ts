import { createHash } from 'node:crypto'
import { type Digest, digestFrom } from '../../src/oci/digest.ts'
import { seededBytes } from '../../test/helpers/seeded-bytes.ts'

const TITLE = 64
const PATTERN = 16 * 1024 * 1024

/** Bytes that cannot be compressed, and of which blobs of any size are made: so an upstream reads no disk. */
export function makePattern(): Buffer {
  return seededBytes('what the upstream has', PATTERN)
}

/** A title of 64 bytes, and behind it the pattern over and over: no two blobs are the same, and none is kept. */
export class MadeBlob {
  readonly size: number
  readonly #title: Buffer
  readonly #pattern: Buffer

  constructor(title: string, { size, pattern }: { readonly size: number; readonly pattern: Buffer }) {
    this.size = size
    this.#title = Buffer.from(title.padEnd(TITLE).slice(0, TITLE))
    this.#pattern = pattern
  }

  /** Some of the bytes from a place on: one at least, `most` at most. */
  slice(at: number, most: number): Buffer {
    if (at < TITLE) return this.#title.subarray(at, Math.min(this.size, at + most))
    const place = at % PATTERN
    return this.#pattern.subarray(place, place + Math.min(most, this.size - at))
  }

  digest(): Digest {
    const hash = createHash('sha256')
    for (let at = 0; at < this.size; ) {
      const part = this.slice(at, PATTERN)
      hash.update(part)
      at += part.length
    }
    return digestFrom('sha256', hash.digest('hex'))
  }
}
