import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { BufferPool } from './buffer-pool.ts'
import type { Answer } from './dispatch.ts'
import type { ExtraHeaders } from './extra-headers.ts'
import type { TrustedProxies } from './forwarded.ts'
import { logRequest, type RequestEnd, type RequestLog } from './request-log.ts'
import { Connection } from './server-connection.ts'
import { limitConnections } from './server-crowd.ts'
import { runExchange } from './server-exchange.ts'
import { type Listening, listen, type Where } from './server-listen.ts'
import { createTlsServer, type TlsOptions } from './server-tls.ts'
import { answerByHand, NO_TUNNEL, refusePlainHttp, type Unreadable, unreadable } from './server-unreadable.ts'

export interface ServerOptions {
  readonly address: Where
  /** That says so, for who is told that it cannot be. Default: `http.addr`. */
  readonly setting?: string
  /** Left out: plain HTTP. */
  readonly tls?: TlsOptions
  readonly answer: Answer
  readonly log: RequestLog
  /** Told of each request when it is over, beside the log. */
  readonly ended?: (end: RequestEnd) => void
  /** After how many milliseconds without a byte a client that should send or take some is cut off. Default: 60 s. */
  readonly idleMs?: number
  /** How many milliseconds the head of a request may take, and a TLS handshake half of them. Default: 60 s. */
  readonly headMs?: number
  readonly pool?: BufferPool
  /** Proxies whose `X-Forwarded-*` are believed. Default: none. */
  readonly trusted?: TrustedProxies | undefined
  /** What every answer carries beside its own headers. Asked for each, so that it may change. Default: nothing. */
  readonly headers?: () => ExtraHeaders
  /** Connections at a time. From half of them on none is kept behind its answer. Default: as many as come. */
  readonly most?: number | undefined
}

export interface Server extends Listening {
  readonly scheme: 'http' | 'https'
  /** Takes no new connections, lets requests that run come to their end for so many milliseconds, and cuts the rest. */
  close(drainMs: number): Promise<void>
}

const SECOND = 1000

/** zstd:chunked and stargz ask for thousands of ranges in one header; Node's 16 KiB would be 431 for them. */
const HEADER_BYTES = 128 * 1024

/** Longer than the 90 s that Go's clients keep a connection for: else they write into one that we just closed. */
const KEEP_ALIVE_MS = 100 * SECOND

const OPTIONS = {
  maxHeaderSize: HEADER_BYTES,
  keepAliveTimeout: KEEP_ALIVE_MS,
  // A large upload over a thin line takes hours, and is no attack while it moves: the idle guard sees to that.
  requestTimeout: 0,
  // Missing ones are answered with a body of ours.
  requireHostHeader: false,
}

const NO_HEADERS: ExtraHeaders = {}

/** Listens, and answers every request through `answer`. Throws an `OperatorError` where it cannot. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { address, tls, answer, log, idleMs = 60 * SECOND, pool = new BufferPool() } = options
  const { trusted, headers = () => NO_HEADERS, most, headMs = 60 * SECOND } = options
  const http = { ...OPTIONS, headersTimeout: headMs, connectionsCheckingInterval: headMs / 2 }
  const server = tls === undefined ? createServer(http) : createTlsServer(tls, http, headMs / 2)
  const connections = new Map<Socket, Connection>()
  const running = new Set<Promise<void>>()
  const keepable = most === undefined ? Number.POSITIVE_INFINITY : most / 2
  let closing = false
  const parts = { answer, ended, pool, trusted, headers, closing: () => closing || connections.size > keepable }

  function ended(end: RequestEnd): void {
    logRequest(log, end)
    options.ended?.(end)
  }

  function take(request: IncomingMessage, response: ServerResponse): void {
    const connection = connections.get(request.socket)
    if (connection === undefined || connection.full) return void request.socket.destroy()
    const exchange = connection.turn(request, () => runExchange({ request, response, connection }, parts))
    running.add(exchange)
    void exchange.finally(() => {
      running.delete(exchange)
      if (closing) cutIdle()
    })
  }

  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    // A handshake that ended while the server does.
    if (closing) return void socket.destroy()
    connections.set(socket, new Connection(socket))
    socket.once('close', () => connections.delete(socket))
  })
  // `checkContinue`: a refusal goes out before the body; who reads the body says "go on".
  server.on('request', take).on('checkContinue', take).on('checkExpectation', take)
  server.setTimeout(idleMs, (socket) => connections.get(socket)?.onSilence(idleMs))
  server.on('clientError', (error: Error & { code?: string }, socket: Socket) => {
    const said = unreadable(error)
    const connection = connections.get(socket)
    if (said === undefined || connection === undefined) socket.destroy()
    // An answer that is under way, to the request that is broken, still goes out.
    else if (!tell(connection, socket, said)) socket.destroySoon()
  })
  // Without a listener Node closes the connection, and does not say why.
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const connection = connections.get(request.socket)
    if (connection === undefined || !tell(connection, socket, NO_TUNNEL)) socket.destroy()
  })

  function tell(connection: Connection, socket: Socket, said: Unreadable): boolean {
    return connection.say(() => {
      if (!socket.writable) return void socket.destroy()
      answerByHand(socket, said, { log, headers })
    })
  }

  // After all listeners, so that none of them meets a connection that TLS never saw.
  const raw = tls === undefined ? undefined : refusePlainHttp(server as HttpsServer, { idleMs, log, headers })
  const listening = await listen(server, address, options.setting)
  limitConnections(server, most, log)

  return {
    ...listening,
    scheme: tls === undefined ? 'http' : 'https',
    async close(drainMs) {
      closing = true
      const closed = new Promise((resolve) => server.close(resolve))
      cutIdle()
      const cut = setTimeout(cutAll, drainMs)
      await closed
      clearTimeout(cut)
      await Promise.all(running)
    },
  }

  function cutIdle(): void {
    for (const connection of connections.values()) if (!connection.busy) connection.destroy()
    raw?.cutWaiting()
  }

  function cutAll(): void {
    for (const connection of connections.values()) connection.destroy()
    raw?.cutAll()
  }
}
