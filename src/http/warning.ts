/** All warnings of an answer together, in bytes (OCI Distribution, "Warnings"). */
const MOST_BYTES = 4096

/**
 * Values of `Warning` headers. Only this form is read by containerd: `299 - "text"`, one a line.
 *
 * Headers are bytes of ISO 8859-1, and some clients read them as UTF-8: what is not ASCII is shown as `?`. What
 * does not fit is cut.
 */
export function warningHeaders(texts: readonly string[]): string[] {
  const headers: string[] = []
  let left = MOST_BYTES
  for (const text of texts) {
    const header = warningHeader(text, left)
    if (header === undefined) break
    headers.push(header)
    left -= header.length
  }
  return headers
}

function warningHeader(text: string, room: number): string | undefined {
  const frame = '299 - ""'.length
  if (room < frame + '...'.length) return undefined
  const escaped = [...text].map((character) => {
    if (character === '"' || character === '\\') return `\\${character}`
    return /^[\x20-\x7e]$/.test(character) ? character : '?'
  })
  const space = room - frame
  let shown = escaped.join('')
  while (shown.length > space) {
    escaped.splice(-Math.max(1, Math.ceil((shown.length - space) / 2)))
    shown = `${escaped.join('')}...`
  }
  return `299 - "${shown}"`
}
