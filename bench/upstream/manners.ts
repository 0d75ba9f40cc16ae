import type { Digest } from '../../src/oci/digest.ts'

/** How the upstream behaves. What is left out: as a registry should. */
export interface Manners {
  /** All it sends, over all connections together, is no faster. */
  readonly bytesPerSecond?: number
  /** Each answer with a blob ends after so many bytes, as if that were all. */
  readonly cutEvery?: number
  /** Takes connections and requests, and answers nothing. */
  readonly silent?: boolean
  /** What manifests are answered with, instead of what they are. */
  readonly status?: number
}

/** What was asked for and sent since the last look. */
export interface Counts {
  /** Whatever was asked. */
  readonly requests: number
  /** Bytes of blobs that the system took for sending. */
  readonly bytes: number
  /** Requests that have not ended. */
  readonly open: number
}

/** An image of one layer: what a client finds it by, and its layer. */
export interface MadeImage {
  readonly repository: string
  /** Digest of the manifest. */
  readonly manifest: Digest
  readonly layer: Digest
  readonly size: number
}

/** What the process is told, and its answer. */
export type Order =
  | { readonly make: { readonly title: string; readonly size: number } }
  | { readonly behave: Manners }
  | { readonly count: true }
