import { type Fault, type Reply, registryError } from './scripted-reply.ts'

/** A page as edges and portals send it. Its script must never come out anywhere. */
export function page(title: string): string {
  return `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1><script>alert(1)</script></body></html>`
}

export function pageFault(status: number, title: string): Fault {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'docker-content-digest': undefined,
    'docker-distribution-api-version': undefined,
  }
  return { status, headers, body: page(title) }
}

/** The registry's own word. */
export function saysError(status: number, code: string, headers: Reply['headers'] = {}): Fault {
  return registryError(status, code, headers)
}

/** As Docker Hub says it, with the headers of its limit. `after`: what `Retry-After` says. */
export function tooMany(after: string | undefined): Fault {
  return saysError(429, 'TOOMANYREQUESTS', {
    ...(after !== undefined && { 'retry-after': after }),
    'ratelimit-limit': '100;w=21600',
    'ratelimit-remaining': '0;w=21600',
    'docker-ratelimit-source': '192.0.2.1',
  })
}

/** Asks for credentials. */
export function challenge(value: string | undefined): Fault {
  return saysError(401, 'UNAUTHORIZED', value === undefined ? {} : { 'www-authenticate': value })
}

export function redirectTo(location: string, status = 307): Fault {
  return { status, headers: { location, 'content-type': 'text/html' }, body: `<a href="${location}">see there</a>` }
}

/** The first byte is another. */
export function flipped(body: Uint8Array): Uint8Array {
  const other = Buffer.from(body)
  other[0] = (other[0] ?? 0) ^ 1
  return other
}

/** What goes wrong often enough to have a name. */
export const FAULTS = {
  reset: { at: 'head', by: 'reset' },
  close: { at: 'head', by: 'fin' },
  hang: { at: 'head', by: 'stall' },
  wrongBytes: { body: flipped },
  denied: saysError(403, 'DENIED'),
  manifestUnknown: saysError(404, 'MANIFEST_UNKNOWN'),
  nameUnknown: saysError(404, 'NAME_UNKNOWN'),
  blobUnknown: saysError(404, 'BLOB_UNKNOWN'),
  plainNotFound: { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' },
  blocked: pageFault(403, 'Access from your country is not possible'),
  unavailableForLegalReasons: pageFault(451, 'Unavailable For Legal Reasons'),
  captivePortal: pageFault(200, 'Welcome to the hotel'),
  broken: { status: 500, headers: { 'content-type': 'text/plain' }, body: 'oops' },
  badGateway: pageFault(502, '502 Bad Gateway'),
  overloaded: { status: 503, headers: { 'content-type': 'text/plain' }, body: 'no healthy upstream' },
  noJson: { headers: { 'content-type': 'application/json' }, body: '{"token": ' },
} as const satisfies Readonly<Record<string, Fault>>
