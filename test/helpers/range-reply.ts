import type { RequestHead } from './request-head.ts'
import type { Reply } from './scripted-reply.ts'

/** How a server may get ranges wrong. `ignored` is allowed: the whole with 200. */
export type RangeLie = 'ignored' | 'other-start' | 'other-total' | 'no-content-range' | 'unsatisfiable'

/** Bytes with their `ETag`, whole or from where `Range` begins, if `If-Range` agrees (RFC 9110, 14 and 13.1.5). */
export function rangeReply(
  request: RequestHead,
  whole: Uint8Array,
  options: { readonly headers: Reply['headers']; readonly etag: string; readonly lie?: RangeLie | undefined },
): Reply {
  const { etag, lie } = options
  const headers = { 'accept-ranges': 'bytes', etag, ...options.headers }
  const { range, 'if-range': condition } = request.headers
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
  if (first === undefined || lie === 'ignored' || (condition !== undefined && condition !== etag)) {
    return { status: 200, headers, body: whole }
  }
  const from = Number(first)
  const to = Math.min(last === '' || last === undefined ? whole.length - 1 : Number(last), whole.length - 1)
  if (from >= whole.length || lie === 'unsatisfiable') {
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${whole.length}` }, body: Buffer.alloc(0) }
  }
  const shift = lie === 'other-start' ? -1 : 0
  const total = lie === 'other-total' ? whole.length + 1 : whole.length
  const told = `bytes ${from + shift}-${to}/${total}`
  return {
    status: 206,
    headers: lie === 'no-content-range' ? headers : { ...headers, 'content-range': told },
    body: whole.subarray(from + shift, to + 1),
  }
}
