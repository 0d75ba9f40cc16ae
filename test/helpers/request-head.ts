/** A request as a fake server reads it. */
export interface RequestHead {
  readonly method: string
  /** As it was sent: path and query, or a whole URL to a proxy. */
  readonly target: string
  /** Names in lower case; what came several times is joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Takes one request from the front of `bytes`; `undefined` while more has to come. Throws where it is no HTTP. */
export function takeRequest(bytes: Buffer): { readonly request: RequestHead; readonly rest: Buffer } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const [, method, target] = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/.exec(first) ?? []
  if (method === undefined || target === undefined) throw new Error(`'${first}' does not begin a request`)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:\s]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    const key = name.toLowerCase()
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value
  }
  const start = headEnd + 4
  const length = Number(headers['content-length'] ?? 0)
  if (bytes.length < start + length) return undefined
  const body = bytes.toString('utf8', start, start + length)
  return { request: { method, target, headers, body }, rest: bytes.subarray(start + length) }
}

/** Path and query of a request, whichever form its target has. */
export function urlOf({ target }: RequestHead): URL {
  return new URL(target, 'http://fake')
}
