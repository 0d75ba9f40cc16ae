/** Bytes `start` to `end` (exclusive). */
export interface Span {
  readonly start: number
  readonly end: number
}

/** More ranges than this in one request are refused: c/image then asks for fewer, stargz for one at a time. */
const MOST_RANGES = 2048

/**
 * What a `Range` header asks of `size` bytes (RFC 9110, 14.2).
 *
 * - `whole`: there is none, it is not in bytes, cannot be read, or asks for more than everything.
 * - `unsatisfiable`: none of it is there; `500-0` too, which conformance wants refused.
 * - `too-many`: more parts than we take.
 * - else the spans, in the order they were asked for, neither merged nor sorted: c/image counts them.
 */
export function parseRange(header: string | undefined, size: number): 'whole' | 'unsatisfiable' | 'too-many' | Span[] {
  const [, set] = /^\s*bytes\s*=(.*)$/is.exec(header ?? '') ?? []
  if (set === undefined) return 'whole'
  const asked = set
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
  if (asked.length === 0) return 'whole'
  if (asked.length > MOST_RANGES) return 'too-many'

  const spans: Span[] = []
  for (const text of asked) {
    const span = parseOne(text, size)
    if (span === 'unreadable') return 'whole'
    if (span === 'backwards') return 'unsatisfiable'
    if (span !== 'outside') spans.push(span)
  }
  if (spans.length === 0) return 'unsatisfiable'
  const bytes = spans.reduce((sum, { start, end }) => sum + end - start, 0)
  return bytes > size ? 'whole' : spans
}

function parseOne(text: string, size: number): Span | 'unreadable' | 'backwards' | 'outside' {
  const [, first, last] = /^(\d*)\s*-\s*(\d*)$/.exec(text) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'unreadable'
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'outside' : { start: size - length, end: size }
  }
  const start = Number(first)
  const end = last === '' ? size : Number(last) + 1
  if (end <= start && last !== '') return 'backwards'
  return start >= size ? 'outside' : { start, end: Math.min(end, size) }
}

/**
 * Where an uploaded chunk begins and how long it says it is. The specification has no unit (`0-99`); clients send
 * `bytes 0-99/*` and `bytes=0-99` too. `undefined`: it cannot be read.
 */
export function parseContentRange(header: string): { start: number; length: number } | undefined {
  const [, first, last] = /^\s*(?:bytes[\s=]\s*)?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?\s*$/i.exec(header) ?? []
  if (first === undefined || last === undefined) return undefined
  const [start, length] = [Number(first), Number(last) - Number(first) + 1]
  return length < 1 ? undefined : { start, length }
}

/** A `multipart/byteranges` body: its type, its parts and its length in bytes. */
export function multipart(spans: readonly Span[], { size, boundary }: { size: number; boundary: string }) {
  const parts = spans.flatMap((span, index) => [
    `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: application/octet-stream\r\n` +
      `Content-Range: ${contentRange(span, size)}\r\n\r\n`,
    span,
  ])
  parts.push(`\r\n--${boundary}--\r\n`)
  return { contentType: `multipart/byteranges; boundary=${boundary}`, parts }
}

export function contentRange({ start, end }: Span, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`
}

/**
 * `Range` of an upload: without a unit, as docker and regclient read it. No bytes are `0-0`, as in registry:2, which
 * is what one byte looks like too.
 */
export function receivedRange(received: number): string {
  return `0-${Math.max(received - 1, 0)}`
}
