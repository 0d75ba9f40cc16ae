import { connect } from 'node:net'
import type { Dispatcher } from 'undici'

/** One request out. Redirects are not followed: where one may lead is the caller's to decide. */
export interface OutboundRequest {
  readonly method: 'GET' | 'HEAD'
  /** `http:` or `https:`. */
  readonly url: URL
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** From here to the last header of the answer, in milliseconds. */
  readonly timeout: number
}

export interface OutboundReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** The only way out: every connection that this program begins is made here. Throws what the system or the peer said. */
export interface Egress extends AsyncDisposable {
  /** What the answer begins with; its body is thrown away. */
  head(request: OutboundRequest): Promise<OutboundReply>
  /** Whether somebody takes a TCP connection there, which is ended at once. */
  dial(to: { readonly host: string; readonly port: number; readonly timeout: number }): Promise<void>
}

/** Connects straight to whom it is asked for; variables like `HTTP_PROXY` are not looked at. */
export function openDirectEgress(): Egress {
  let agent: Dispatcher | undefined
  return {
    async head({ method, url, headers = {}, timeout }) {
      const signal = AbortSignal.timeout(timeout)
      // Most servers never connect to anybody, and it takes 8 MB and a tenth of a second (measured).
      const { Agent, request: send } = await import('undici')
      // HTTP/2 has a window of its own, which makes a far peer slow. No connection is kept: checks are seldom.
      agent ??= new Agent({ allowH2: false, pipelining: 0 })
      const reply = await send(url, {
        method,
        headers: { ...headers } as Record<string, string>,
        dispatcher: agent,
        signal,
      })
      // Read to its end it could go on for ever; what is not read is cut off.
      reply.body.on('error', () => undefined)
      reply.body.destroy()
      return { status: reply.statusCode, headers: reply.headers }
    },

    dial: ({ host, port, timeout }) =>
      new Promise((resolve, reject) => {
        const socket = connect({ host, port, timeout })
        const end = (settle: () => void) => {
          socket.destroy()
          settle()
        }
        socket.once('connect', () => end(resolve))
        socket.once('timeout', () => end(() => reject(new Error(`No connection within ${timeout} ms`))))
        socket.once('error', (error) => end(() => reject(error)))
      }),

    async [Symbol.asyncDispose]() {
      await agent?.destroy()
    },
  }
}
