/** An answer as it came over the wire. An interim one (`100 Continue`) is one of its own. */
export interface WireAnswer {
  readonly status: number
  readonly reason: string
  /** In the order they came, names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Without the framing of chunks. */
  readonly body: Buffer
  /** The connection ended before the body did. */
  readonly cut: boolean
}

export function headerOf(answer: Pick<WireAnswer, 'headers'>, name: string): string | undefined {
  return answer.headers.find(([key]) => key === name.toLowerCase())?.[1]
}

/** How to read a body: it depends on the request's method too (RFC 9112, 6.3). */
type Framing = { readonly length: number } | 'chunked' | 'until-close'

/** Takes one answer from the front of `bytes`; `undefined` while more has to come. Throws where it is no HTTP. */
export function takeAnswer(
  bytes: Buffer,
  { method, ended }: { readonly method: string; readonly ended: boolean },
): { readonly answer: WireAnswer; readonly rest: Buffer } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const head = readHead(bytes.toString('latin1', 0, headEnd))
  const after = bytes.subarray(headEnd + 4)

  const body = takeBody(after, framingOf(head, method), ended)
  if (body !== undefined) return { answer: { ...head, body: body.bytes, cut: false }, rest: body.rest }
  if (!ended) return undefined
  return { answer: { ...head, body: after, cut: true }, rest: Buffer.alloc(0) }
}

type Head = Pick<WireAnswer, 'status' | 'reason' | 'headers'>

function readHead(text: string): Head {
  const [first = '', ...lines] = text.split('\r\n')
  const [, status, reason = ''] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(first) ?? []
  if (status === undefined) throw new Error(`'${first}' does not begin an answer`)
  const headers = lines.map((line) => {
    const [, name, value = ''] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (name === undefined) throw new Error(`'${line}' is no header`)
    return [name.toLowerCase(), value] as const
  })
  return { status: Number(status), reason, headers }
}

function framingOf(head: Head, method: string): Framing {
  if (method === 'HEAD' || head.status < 200 || head.status === 204 || head.status === 304) return { length: 0 }
  if (headerOf(head, 'transfer-encoding') === 'chunked') return 'chunked'
  const length = headerOf(head, 'content-length')
  return length === undefined ? 'until-close' : { length: Number(length) }
}

interface Body {
  readonly bytes: Buffer
  readonly rest: Buffer
}

function takeBody(bytes: Buffer, framing: Framing, ended: boolean): Body | undefined {
  if (framing === 'until-close') return ended ? { bytes, rest: Buffer.alloc(0) } : undefined
  if (framing === 'chunked') return takeChunks(bytes)
  const { length } = framing
  return bytes.length < length ? undefined : { bytes: bytes.subarray(0, length), rest: bytes.subarray(length) }
}

function takeChunks(bytes: Buffer): Body | undefined {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const line = bytes.toString('latin1', at, lineEnd)
    if (!/^[0-9a-fA-F]+(;.*)?$/.test(line)) throw new Error(`'${line}' is no size of a chunk`)
    const size = Number.parseInt(line, 16)
    const start = lineEnd + 2
    const end = start + size
    if (bytes.length < end + 2) return undefined
    if (bytes.toString('latin1', end, end + 2) !== '\r\n')
      throw new Error(`A chunk of ${size} bytes does not end there`)
    if (size === 0) return { bytes: Buffer.concat(chunks), rest: bytes.subarray(end + 2) }
    chunks.push(bytes.subarray(start, end))
    at = end + 2
  }
}
