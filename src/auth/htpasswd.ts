import { readFileSync } from 'node:fs'
import type { Log } from '../base/log.ts'
import { OperatorError } from '../base/operator-error.ts'

/** Accounts, each with its bcrypt hash. */
export type Users = ReadonlyMap<string, string>

export interface Htpasswd {
  readonly users: Users
  /** Lines that let nobody in. */
  readonly leftOut: readonly { readonly line: number; readonly because: string }[]
}

const BCRYPT = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/

/**
 * Reads users as registry:2 does: split at the first colon, bcrypt only, `#` begins a comment, the last of two lines
 * for one account holds. Unlike there, a bad line is left out alone, and the rest works.
 */
export function parseHtpasswd(text: string): Htpasswd {
  const users = new Map<string, string>()
  const leftOut: { line: number; because: string }[] = []
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    // Takes a byte order mark away too.
    const entry = raw.trim()
    if (entry === '' || entry.startsWith('#')) continue

    const colon = entry.indexOf(':')
    const [account, hash] = [entry.slice(0, colon), entry.slice(colon + 1)]
    if (colon < 0) leftOut.push({ line: index + 1, because: 'it has no colon' })
    else if (account === '') leftOut.push({ line: index + 1, because: 'it names no account' })
    else if (!BCRYPT.test(hash)) leftOut.push({ line: index + 1, because: 'its password is not hashed with bcrypt' })
    else users.set(account, hash)
  }
  return { users, leftOut }
}

/** Reads the file, and logs each line that is left out. A file that is empty or missing lets nobody in. */
export function readHtpasswd(path: string, log: Log): Users {
  const { users, leftOut } = parseHtpasswd(textOf(path))
  for (const { line, because } of leftOut) {
    log.warn(
      { path, line },
      `a line of the htpasswd file lets nobody in: ${because}; set its password anew with htpasswd -B`,
    )
  }
  if (users.size === 0)
    log.error({ path }, `nobody can sign in: there is no user in the htpasswd file; add one with htpasswd -B`)
  return users
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw new OperatorError(
      `Cannot read the users: ${error instanceof Error ? error.message : String(error)}`,
      'set auth.htpasswd.path to a file that this user may read',
    )
  }
}
