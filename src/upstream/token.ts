/** A token and how long it lasts. */
export interface Token {
  readonly token: string
  /** Milliseconds from when it came: the other side's clock may be wrong. */
  readonly lifetime: number
}

/** As the documents of distribution have it, where nothing is told. */
const USUAL = 60
const LONGEST = 24 * 3_600

/** Reads what a token server answers: `token`, or `access_token` as OAuth has it. Throws a `SyntaxError`. */
export function tokenIn(text: string): Token {
  const json: unknown = JSON.parse(text)
  if (typeof json !== 'object' || json === null) throw new SyntaxError('It is no object')
  const { token, access_token, expires_in } = json as Record<'token' | 'access_token' | 'expires_in', unknown>
  const found = [token, access_token].find((value) => typeof value === 'string' && value !== '')
  // It becomes a header.
  if (typeof found !== 'string' || !/^[\x21-\x7e]+$/.test(found)) throw new SyntaxError('There is no token in it')
  const seconds = typeof expires_in === 'number' && expires_in > 0 ? Math.min(expires_in, LONGEST) : USUAL
  return { token: found, lifetime: seconds * 1_000 }
}
