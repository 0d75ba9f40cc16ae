/** As many as one request follows. */
export const MOST_REDIRECTS = 5

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/**
 * Where a redirect leads; `undefined`: not there. Never from https to http, never to another scheme, and not with a name
 * and a password in the address.
 */
export function redirectTarget(from: URL, location: string | readonly string[] | undefined): URL | undefined {
  if (typeof location !== 'string' || !URL.canParse(location, from.href)) return undefined
  const to = new URL(location, from)
  if (to.protocol !== 'https:' && to.protocol !== 'http:') return undefined
  if (from.protocol === 'https:' && to.protocol === 'http:') return undefined
  if (to.username !== '' || to.password !== '' || to.hostname === '') return undefined
  to.hash = ''
  return to
}

/** What is sent along: who we are stays where scheme, host or port change (GHSA-vh4v-2xq2-g5cg). */
export function headersAcross(
  headers: Readonly<Record<string, string>>,
  from: URL,
  to: URL,
): Readonly<Record<string, string>> {
  if (from.origin === to.origin) return headers
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization' && name !== 'cookie'))
}
