import { Refusal, type RefusalKind } from '../oci/refusal.ts'

/** Seconds after which a client may try again. */
const RETRY_AFTER = 10

type Answer = readonly [kind: RefusalKind & ('storage-full' | 'unavailable'), because?: string]

const FULL: Answer = ['storage-full']
const READ_ONLY: Answer = ['unavailable', 'its disk is read-only']
const FAILS: Answer = ['unavailable', 'its disk fails']
const BUSY: Answer = ['unavailable', 'its catalog is locked by another program']
const TOO_MANY: Answer = ['unavailable', 'it has too many files open']
const DAMAGED: Answer = ['unavailable', 'its catalog is damaged, and the operator has to rebuild it']

/** The system's codes, and what they mean to a client. */
const SYSTEM: Readonly<Record<string, Answer>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EROFS: READ_ONLY,
  EIO: FAILS,
  EMFILE: TOO_MANY,
  ENFILE: TOO_MANY,
}

/** SQLite's primary result codes (https://sqlite.org/rescode.html): BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, NOTADB. */
const SQLITE: Readonly<Record<number, Answer>> = {
  5: BUSY,
  6: BUSY,
  8: READ_ONLY,
  10: FAILS,
  11: DAMAGED,
  13: FULL,
  26: DAMAGED,
}

/**
 * No disk is the client's to put right, but these troubles he may wait for: told as what they are, and logged as faults.
 * `undefined` for every other error.
 */
export function diskRefusal(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  // Above the lowest byte SQLite says more of the same.
  const answer =
    typeof errcode === 'number' ? SQLITE[errcode & 0xff] : typeof code === 'string' ? SYSTEM[code] : undefined
  if (answer === undefined) return undefined
  const [kind, because] = answer
  return new Refusal(kind, { cause: error, retryAfter: RETRY_AFTER, ...(because !== undefined && { because }) })
}
