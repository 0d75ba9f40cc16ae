/** What a fake says, before a fault spoils it. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Uint8Array
}

/**
 * How a true reply is spoiled. Fields add up, in this order: what is said, how long that pretends to be, and how far it
 * is sent.
 */
export interface Fault {
  readonly status?: number
  /** Over those of the true reply; `undefined` takes one away, a list sends one several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  /** In place of the true body, or made of it. `Content-Length` follows it, `Docker-Content-Digest` does not. */
  readonly body?: string | Uint8Array | ((body: Uint8Array) => Uint8Array)
  readonly length?: LengthLie
  /** Before the first byte: so many milliseconds, or until this resolves. */
  readonly wait?: number | Promise<unknown>
  /** Bytes of the body that are sent, and what happens then; `head`: nothing is sent, not even the head. */
  readonly at?: number | 'head'
  /** `stall`: nothing more is sent, and the connection stays. Default: `reset`. */
  readonly by?: 'reset' | 'fin' | 'stall'
  /** The body goes out in pieces of so many bytes, with pauses of so many milliseconds. */
  readonly drip?: { readonly bytes: number; readonly ms: number }
}

/**
 * - `none`: no length, and the connection ends with the body
 * - `chunked`, `with-chunked`: in chunks, and with a length beside them
 * - `longer`, `shorter`: by one byte
 * - `twice`, `two`: the right length twice, or two that differ
 * - `negative`, `words`: no length at all
 */
export type LengthLie =
  | 'none'
  | 'chunked'
  | 'with-chunked'
  | 'longer'
  | 'shorter'
  | 'twice'
  | 'two'
  | 'negative'
  | 'words'

const LENGTHS: Readonly<Record<Exclude<LengthLie, 'none' | 'chunked'>, (length: number) => readonly string[]>> = {
  'with-chunked': (length) => [String(length)],
  longer: (length) => [String(length + 1)],
  shorter: (length) => [String(Math.max(0, length - 1))],
  twice: (length) => [String(length), String(length)],
  two: (length) => [String(length), String(length + 1)],
  negative: () => ['-1'],
  words: () => ['a few'],
}

export function spoil(reply: Reply, fault: Fault): Reply {
  const headers: Record<string, string | readonly string[]> = { ...reply.headers }
  for (const [name, value] of Object.entries(fault.headers ?? {})) {
    if (value === undefined) delete headers[name.toLowerCase()]
    else headers[name.toLowerCase()] = value
  }
  const { body } = fault
  const bytes = typeof body === 'function' ? body(reply.body) : body === undefined ? reply.body : Buffer.from(body)
  return { status: fault.status ?? reply.status, headers, body: bytes }
}

/** Head and body as they go over the wire. */
export function framed(
  reply: Reply,
  { method, length }: { readonly method: string; readonly length?: LengthLie | undefined },
): { readonly head: Buffer; readonly body: Uint8Array; readonly closes: boolean } {
  const chunked = length === 'chunked' || length === 'with-chunked'
  const own = Object.entries(reply.headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one) => `${name}: ${one}`),
  )
  const lengths =
    length === 'none' || length === 'chunked' || 'content-length' in reply.headers
      ? []
      : length === undefined
        ? [String(reply.body.length)]
        : LENGTHS[length](reply.body.length)
  const lines = [
    `HTTP/1.1 ${reply.status} Scripted`,
    ...own,
    ...lengths.map((value) => `content-length: ${value}`),
    ...(chunked ? ['transfer-encoding: chunked'] : []),
    ...(length === 'none' ? ['connection: close'] : []),
  ]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  const closes = length !== undefined && length !== 'chunked' && length !== 'twice'
  if (method === 'HEAD' || reply.status === 304) return { head, body: Buffer.alloc(0), closes }
  return { head, body: chunked ? inChunks(reply.body) : reply.body, closes }
}

function inChunks(body: Uint8Array): Buffer {
  const last = Buffer.from('0\r\n\r\n')
  if (body.length === 0) return last
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n'), last])
}

export function jsonReply(status: number, value: unknown, headers: Reply['headers'] = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: Buffer.from(JSON.stringify(value)),
  }
}

/** An error as registries tell it. */
export function registryError(status: number, code: string, headers: Reply['headers'] = {}): Reply {
  return jsonReply(
    status,
    { errors: [{ code, message: code.toLowerCase().replaceAll('_', ' '), detail: null }] },
    headers,
  )
}
