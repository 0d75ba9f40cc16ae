import type { Arrival } from './route.ts'

export const TOKEN_PATH = '/token'

/** A host that a client could be sent to. */
const USABLE = /^(?:[a-z\d][a-z\d._-]*|\[[\da-f:.]+\])(?::\d{1,5})?$/

/**
 * Where tokens are had: at the address under which the client reached us, because some clients go to no other (crane).
 * `http.host` counts only where the request names no host that could be used; `undefined`: there is none either.
 *
 * `prefix`: what a client has before `/v2/`.
 */
export function tokenAddresses({
  host,
  prefix,
}: {
  readonly host?: string | undefined
  readonly prefix: string
}): (arrival: Pick<Arrival, 'origin'>) => string | undefined {
  const other = host === undefined ? undefined : new URL(host).origin
  const path = `${prefix.replace(/\/$/, '')}${TOKEN_PATH}`
  return ({ origin }) => {
    const named = origin?.host.toLowerCase() ?? ''
    const base = origin !== undefined && USABLE.test(named) ? `${origin.scheme}://${named}` : other
    return base === undefined ? undefined : `${base}${path}`
  }
}
