import type { Problem } from './standing.ts'

/** What each of the system's codes means where the folder is read. */
const READS: Readonly<Record<string, string>> = {
  ENOENT: 'the folder of the registry is not there: is its disk mounted?',
  ENOTDIR: 'the folder of the registry is not there: is its disk mounted?',
  EACCES: 'the folder of the registry may not be read by this user',
  EPERM: 'the folder of the registry may not be read by this user',
  EIO: 'the disk of the registry fails to read (EIO)',
}

const NOTHING_PUSHED = 'nothing can be pushed; pulls go on'

/** The same where something is written. */
const WRITES: Readonly<Record<string, string>> = {
  ENOSPC: `there is no room on it, or no inode for another file, so ${NOTHING_PUSHED}`,
  EDQUOT: `the quota of its user is used up, so ${NOTHING_PUSHED}`,
  EROFS: `its disk is read-only, so ${NOTHING_PUSHED}`,
  EIO: `its disk fails to write (EIO), so ${NOTHING_PUSHED}`,
  EACCES: `its folder may not be written by its user, so ${NOTHING_PUSHED}`,
  EPERM: `its folder may not be written by its user, so ${NOTHING_PUSHED}`,
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

/** Why the storage cannot be read, for the operator and in answers. */
export function readProblem(error: unknown): Problem {
  const code = codeOf(error)
  return { message: READS[code] ?? `the folder of the registry cannot be read (${code})` }
}

/** Why the storage cannot be written. */
export function writeProblem(error: unknown): Problem {
  const code = codeOf(error)
  const message = WRITES[code] ?? `its disk cannot be written (${code}), so ${NOTHING_PUSHED}`
  return { message, ...(FULL.has(code) && { full: true }) }
}

/** A disk that does not answer: a network share without its server, most likely. */
export function lateProblem(what: 'read' | 'write', interval: number): Problem {
  return { message: `its disk has not answered a ${what} for ${interval / 1_000} s; is it a network share?` }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no code'
}
