import { Refusal } from '../oci/refusal.ts'

/** Node keeps the first of two and drops the other, and a proxy before us may have looked at the other. */
const ONCE: ReadonlySet<string> = new Set(['host', 'authorization', 'content-type'])

/** RFC 9110, 7.2: a host as a URL has it, and a port. */
const HOST = /^(?:\[[0-9A-Fa-f:.%]+\]|[^\s/?#@\\,:<>"[\]]*)(?::\d*)?$/

/** Whether a text is what a `Host` header may say. */
export function isHost(text: string): boolean {
  return HOST.test(text)
}

/** What Node's parser made of it. */
export interface RequestHead {
  readonly httpVersion: string
  readonly headers: { readonly host?: string | undefined; readonly 'transfer-encoding'?: string | undefined }
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
}

/**
 * Why a request whose head Node's parser took is refused all the same: another program on its way here could have
 * read it differently, and would answer the wrong client (request smuggling). Its connection ends with the answer.
 */
export function headRefusal({ httpVersion, headers, rawHeaders }: RequestHead): Refusal | undefined {
  const because =
    badVersion(httpVersion) ??
    badHost(headers.host, httpVersion) ??
    badCoding(headers['transfer-encoding'], httpVersion) ??
    twice(rawHeaders)
  return because === undefined ? undefined : new Refusal('request-invalid', { because })
}

/** The parser takes 0.9 and 2.0 too, and we would answer them in 1.1. */
function badVersion(version: string): string | undefined {
  return version === '1.1' || version === '1.0' ? undefined : `it is HTTP/${version}, and this is HTTP/1.1`
}

/** RFC 9112, 3.2. */
function badHost(host: string | undefined, version: string): string | undefined {
  if (host === undefined) return version === '1.1' ? 'it has no Host header' : undefined
  return isHost(host) ? undefined : `its Host header is '${host.slice(0, 140)}'`
}

/** RFC 9112, 6.1. A body that is coded otherwise would be stored as it came, and be read decoded by others. */
function badCoding(coding: string | undefined, version: string): string | undefined {
  if (coding === undefined) return undefined
  if (version === '1.0') return 'HTTP/1.0 has no Transfer-Encoding'
  return coding.toLowerCase() === 'chunked'
    ? undefined
    : `its Transfer-Encoding is '${coding.slice(0, 140)}', not 'chunked'`
}

function twice(rawHeaders: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? ''
    if (!ONCE.has(name)) continue
    if (seen.has(name)) return `it has the header ${name} twice`
    seen.add(name)
  }
  return undefined
}
