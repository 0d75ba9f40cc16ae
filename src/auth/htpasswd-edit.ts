import { accountOf } from './htpasswd.ts'

/** bcrypt reads no more: two longer passwords that begin alike would be one. */
const PASSWORD_BYTES = 72
const ACCOUNT_BYTES = 255

/** Why no line can have that account; `undefined`: it can. */
export function accountProblem(account: string): string | undefined {
  if (account === '') return 'a name is not empty'
  if (account !== account.trim()) return 'a name neither begins nor ends with a space'
  if (account.startsWith('#')) return 'a line that begins with # is a comment'
  if (account.includes(':')) return 'a colon ends the name in an htpasswd file, and in what clients send'
  if (/\p{Cc}/u.test(account)) return 'a name has no control characters'
  if (Buffer.byteLength(account) > ACCOUNT_BYTES) return `a name has no more than ${ACCOUNT_BYTES} bytes`
  return undefined
}

/** Why that is no password; never quotes it. `undefined`: it is one. */
export function passwordProblem(password: string): string | undefined {
  if (password === '') return 'a password is not empty'
  if (/\p{Cc}/u.test(password)) return 'a password has no control characters, and is one line'
  const bytes = Buffer.byteLength(password)
  if (bytes > PASSWORD_BYTES) return `bcrypt reads ${PASSWORD_BYTES} bytes of a password, and this one has ${bytes}`
  return undefined
}

/** Every account that a line names, also where it lets nobody in. */
export function accountsIn(text: string): Set<string> {
  return new Set(text.split('\n').flatMap((line) => accountOf(line) ?? []))
}

/**
 * The file with that hash for the account: in the place of its last line, which is the one that counts, or at the end.
 * Further lines of the account go. All others stay as they are, line endings too.
 */
export function withUser(text: string, account: string, hash: string): string {
  const lines = linesOf(text)
  const last = lines.findLastIndex((line) => accountOf(line) === account)
  const ending = text.includes('\r\n') ? '\r\n' : '\n'
  if (last < 0) {
    const complete = text === '' || text.endsWith('\n') ? text : text + ending
    return `${complete}${account}:${hash}${ending}`
  }
  return lines
    .map((line, index) => (index === last ? `${account}:${hash}${endingOf(line) || ending}` : line))
    .filter((line, index) => index === last || accountOf(line) !== account)
    .join('')
}

/** The file without any line of the account. */
export function withoutUser(text: string, account: string): string {
  return linesOf(text)
    .filter((line) => accountOf(line) !== account)
    .join('')
}

/** Each with its ending. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

function endingOf(line: string): string {
  return /\r?\n$/.exec(line)?.[0] ?? ''
}
