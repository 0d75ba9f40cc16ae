/** Accounts, each with its bcrypt hash. */
export type Users = ReadonlyMap<string, string>

interface Htpasswd {
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
  for (const [index, line] of text.split('\n').entries()) {
    const entry = entryOf(line)
    if (entry === '' || entry.startsWith('#')) continue

    const account = accountOf(line)
    const hash = entry.slice(entry.indexOf(':') + 1)
    if (account === undefined) leftOut.push({ line: index + 1, because: 'it has no colon' })
    else if (account === '') leftOut.push({ line: index + 1, because: 'it names no account' })
    else if (!BCRYPT.test(hash)) leftOut.push({ line: index + 1, because: 'its password is not hashed with bcrypt' })
    else users.set(account, hash)
  }
  return { users, leftOut }
}

/** The account that a line is of; `undefined`: of none. */
export function accountOf(line: string): string | undefined {
  const entry = entryOf(line)
  const colon = entry.indexOf(':')
  return colon < 0 || entry.startsWith('#') ? undefined : entry.slice(0, colon)
}

/** Takes line endings away, and a byte order mark. */
function entryOf(line: string): string {
  return line.trim()
}
