import { type Attempt, EgressError } from './egress.ts'
import type { Head } from './exchange.ts'
import { proxyAuthorization } from './proxy-credentials.ts'
import type { Target, Way } from './way.ts'

/** RFC 9110: a name is a token, a value has no control characters but the tab. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const PATH = /^[\x21-\x7e]+$/

/**
 * What is sent: exactly what was asked for, with `host` and `connection` (T48).
 *
 * Throws an `EgressError` for what would be another request than it seems (T46): tokens and addresses of peers come to
 * be headers and paths.
 */
export function headOf({ method, url, headers }: Attempt, { way, target }: { way: Way; target: Target }): Head {
  const path = `${url.pathname}${url.search}`
  const wrong = Object.entries(headers).find(([name, value]) => !HEADER_NAME.test(name) || !HEADER_VALUE.test(value))
  if (wrong !== undefined) throw unsendable(target, `header ${JSON.stringify(wrong[0])}`)
  if (!PATH.test(path)) throw unsendable(target, 'path')
  if (!isAskedOf(way, target)) return { method, path, headers }
  const authorization = proxyAuthorization(way)
  const credentials = authorization === undefined ? {} : { 'proxy-authorization': authorization }
  return { method, path: `http://${url.host}${path}`, headers: { ...headers, ...credentials } }
}

/** Whether the request itself goes to a proxy, and the answer may be the proxy's own: plain HTTP by an HTTP proxy. */
export function isAskedOf(way: Way, target: Target): way is Way & { readonly kind: 'http' } {
  return way.kind === 'http' && !target.secure
}

function unsendable({ peer }: Target, what: string): EgressError {
  return new EgressError('header', 'malformed', {
    peer,
    cause: new Error(`The ${what} has characters that must not be sent`),
  })
}
