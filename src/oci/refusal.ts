/** Why a client may be refused, each with the sentence that its message begins with. */
export const SENTENCES = {
  unauthorized: 'Credentials are required',
  denied: 'This account may not do that',
  unsupported: 'This registry does not do that here',
  'route-unknown': 'There is nothing at this address',
  'request-invalid': 'The request cannot be read',
  'name-invalid': 'Repository name is malformed',
  'name-unknown': 'Repository is not known here',
  'tag-invalid': 'Tag is malformed',
  'tags-too-many': 'A manifest takes fewer tags at once',
  'page-invalid': 'The page asked for cannot be read',
  'digest-invalid': 'Digest is malformed or does not match the content',
  'size-invalid': 'The length that was told and the bytes that came differ',
  'manifest-unknown': 'Manifest is not in this repository',
  'manifest-invalid': 'Manifest is malformed',
  'manifest-too-large': 'Manifest is larger than this registry takes',
  'manifest-blob-unknown': 'Manifest names content that is not in this repository',
  'blob-unknown': 'Blob is not in this repository',
  'range-unsatisfiable': 'Range is outside the blob',
  'upload-unknown': 'Upload is not known here',
  'upload-out-of-order': 'Chunk does not begin where the upload stands',
  'precondition-failed': 'What is stored is not what the request expects',
  'rate-limited': 'Too many requests',
  'upstream-denied': 'The upstream does not give it',
  'upstream-unavailable': 'The upstream cannot be reached, or does not answer as a registry',
  'upstream-timeout': 'The upstream does not answer in time',
  'not-cached': 'It is not cached, and no upstream is asked',
  unavailable: 'The registry cannot answer now',
  'storage-full': 'The disk of the registry is full',
} as const

export type RefusalKind = keyof typeof SENTENCES

/** What one case adds. The second half is what the client needs to go on. */
export interface RefusalFacts {
  /** Ends the sentence: a value, a limit, a name; for an error from outside, its hop and the remedy. */
  because?: string
  /** The same for programs. Never a secret, a path of ours or a stack. */
  detail?: unknown
  cause?: unknown

  challenge?: string
  /** Path of the upload session, and how many bytes it has: together they let a client go on. */
  location?: string
  received?: number
  /** Bytes of the blob whose range was missed. */
  size?: number
  /** Seconds. */
  retryAfter?: number
  allow?: readonly string[]
}

/**
 * A refusal that the client is told about.
 *
 * Thrown by rooms that know nothing of HTTP; only `http/error-response.ts` turns
 * one into a status. Every other error that reaches the edge is a fault of ours:
 * logged whole, told to the client as 500.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly kind: RefusalKind
  readonly facts: RefusalFacts

  constructor(kind: RefusalKind, facts: RefusalFacts = {}) {
    const { because, cause } = facts
    super(because === undefined ? SENTENCES[kind] : `${SENTENCES[kind]}: ${because}`, { cause })
    this.kind = kind
    this.facts = facts
  }
}
