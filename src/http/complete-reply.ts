import type { Reply } from './route.ts'
import { warningHeaders } from './warning.ts'

/** Statuses that have no body (RFC 9110, 15). */
const BODILESS = new Set([204, 304])

/**
 * What every answer has, whatever it says (OCI Distribution wants none of it; old docker does), and its length.
 *
 * A handler tells the length of what `HEAD` leaves out by giving the body, or by `content-length`.
 */
export function completeReply(reply: Reply, method: string): Reply {
  const { status, warnings = [], body } = reply
  const length = body === undefined ? lengthToldBy(reply) : lengthOf(body)
  const headers = {
    'docker-distribution-api-version': 'registry/2.0',
    'x-content-type-options': 'nosniff',
    ...reply.headers,
    // A blob that is on its way here may have no length yet: it goes out in chunks, and is broken off where it fails.
    ...(!BODILESS.has(status) && length !== Infinity && { 'content-length': String(length) }),
    ...(warnings.length > 0 && { warning: warningHeaders(warnings) }),
  }
  refuseUnprintable(headers)
  const sendsBody = method !== 'HEAD' && !BODILESS.has(status) && body !== undefined
  return sendsBody ? { status, headers, body } : { status, headers }
}

/** A header that cannot be sent would break the connection: it is a fault, and told as one. */
function refuseUnprintable(headers: Reply['headers']): void {
  for (const [name, value] of Object.entries(headers)) {
    for (const text of typeof value === 'string' ? [value] : value) {
      if (/[^\t\x20-\x7e\x80-\xff]/.test(text)) throw new Error(`Header ${name} has a character that none may have`)
    }
  }
}

function lengthToldBy({ headers }: Reply): string | number {
  const told = headers['content-length']
  return typeof told === 'string' ? told : 0
}

function lengthOf(body: NonNullable<Reply['body']>): number {
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (body instanceof Uint8Array) return body.length
  if ('start' in body) return body.end - body.start
  return body.parts.reduce(
    (sum, part) => sum + (typeof part === 'string' ? Buffer.byteLength(part) : part.end - part.start),
    0,
  )
}
