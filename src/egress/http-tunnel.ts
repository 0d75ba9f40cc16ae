import type { Socket } from 'node:net'
import { EgressError } from './egress.ts'
import { codeOf } from './error-code.ts'
import { proxyAuthorization } from './proxy-credentials.ts'
import type { ProxyWay } from './way.ts'

interface TunnelOptions {
  /** `registry.example:443`. */
  readonly to: string
  readonly proxy: ProxyWay
}

/** A proxy that says more than this is none. */
const LONGEST_HEAD = 16_384

const HEAD_END = '\r\n\r\n'

/** Has an HTTP proxy connect to somebody. What it answers is never shown to anybody, but for its status. */
export async function openTunnel(socket: Socket, { to, proxy }: TunnelOptions): Promise<void> {
  const { peer } = proxy
  const authorization = proxyAuthorization(proxy)
  const credentials = authorization === undefined ? '' : `proxy-authorization: ${authorization}\r\n`
  socket.write(`CONNECT ${to} HTTP/1.1\r\nhost: ${to}\r\n${credentials}\r\n`, 'latin1')
  const head = await readHead(socket, peer)
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |\r)/.exec(head)?.[1] ?? Number.NaN)
  if (Number.isNaN(status)) throw new EgressError('proxy', 'malformed', { peer })
  if (status < 200 || status > 299) throw refusedByProxy({ peer, status, head: headersOf(head) })
}

interface ProxyAnswer {
  readonly peer: string
  readonly status: number
  /** Names in lower case. */
  readonly head: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** What a proxy said instead of doing what it was asked for. */
export function refusedByProxy({ peer, status, head }: ProxyAnswer): EgressError {
  const scheme = /^[\w-]+/.exec([head['proxy-authenticate']].flat()[0] ?? '')?.[0]
  // Squid says there what it met: `ERR_CONNECT_FAIL 111`.
  const code = /^ERR_\w+/.exec([head['x-squid-error']].flat()[0] ?? '')?.[0]
  const facts = { peer, status, ...(scheme === undefined ? {} : { scheme }), ...(code === undefined ? {} : { code }) }
  return new EgressError('proxy', 'proxy-refused', facts)
}

/** Up to the empty line; what came behind it is put back. */
function readHead(socket: Socket, peer: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let head = ''
    function settle(act: () => void): void {
      socket.off('data', take).off('error', broken).off('close', closed)
      act()
    }
    function take(bytes: Buffer): void {
      // One byte a character, so that lengths are those of bytes.
      const searched = Math.max(0, head.length - HEAD_END.length)
      head += bytes.toString('latin1')
      const end = head.indexOf(HEAD_END, searched)
      if (end === -1 && head.length <= LONGEST_HEAD) return
      socket.pause()
      settle(() => {
        if (end === -1) return reject(new EgressError('proxy', 'malformed', { peer }))
        const behind = head.slice(end + HEAD_END.length)
        if (behind !== '') socket.unshift(Buffer.from(behind, 'latin1'))
        resolve(head.slice(0, end + 2))
      })
    }
    const broken = (error: Error) => settle(() => reject(ended(codeOf(error))))
    const closed = () => settle(() => reject(ended({})))
    const ended = (facts: { readonly code?: string }) => new EgressError('proxy', 'proxy-refused', { peer, ...facts })
    socket.on('data', take).once('error', broken).once('close', closed)
  })
}

function headersOf(head: string): Record<string, string> {
  const lines = head.split('\r\n').slice(1)
  return Object.fromEntries(lines.map((line) => /^([^:]+):[ \t]*(.*)$/.exec(line)?.slice(1) ?? ['', '']).map(lowered))
}

function lowered([name = '', value = '']: readonly string[]): [string, string] {
  return [name.toLowerCase(), value]
}
