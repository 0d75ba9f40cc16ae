import { STATUS_CODES } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { errorEnvelope } from './error-response.ts'
import type { ExtraHeaders } from './extra-headers.ts'
import { newRequestId } from './request-id.ts'
import type { RequestLog } from './request-log.ts'

/** What is said to a client whose request never became one. */
export interface Unreadable {
  readonly status: number
  readonly code: string
  readonly message: string
}

const TOO_SLOW: Unreadable = { status: 408, code: 'BAD_REQUEST', message: 'The request did not come in time' }
const TOO_LARGE: Unreadable = {
  status: 431,
  code: 'BAD_REQUEST',
  message: 'The headers of the request are larger than 128 KiB',
}
const NO_HTTP: Unreadable = { status: 400, code: 'BAD_REQUEST', message: 'The request is no HTTP/1.1' }
const TLS_HELLO: Unreadable = {
  status: 400,
  code: 'BAD_REQUEST',
  message: 'The client began TLS, and this port speaks plain HTTP: set http.tls, or let the client go without TLS',
}
export const NO_TUNNEL: Unreadable = {
  status: 405,
  code: 'UNSUPPORTED',
  message: 'This is a registry, and no proxy: it opens no tunnel for CONNECT',
}
const PLAIN_HTTP: Unreadable = {
  status: 400,
  code: 'BAD_REQUEST',
  message: 'This port speaks TLS, and the request came in plain HTTP: write https:// before the address',
}

const BY_CODE: Readonly<Record<string, Unreadable>> = {
  ERR_HTTP_REQUEST_TIMEOUT: TOO_SLOW,
  HPE_HEADER_OVERFLOW: TOO_LARGE,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: TOO_LARGE,
}

/** What an error of Node's HTTP parser means; `undefined`: the client is gone, and nothing can be said. */
export function unreadable({ code = '', rawPacket }: ParserError): Unreadable | undefined {
  if (!code.startsWith('HPE_')) return BY_CODE[code]
  return BY_CODE[code] ?? (rawPacket?.[0] === TLS_HANDSHAKE ? TLS_HELLO : NO_HTTP)
}

interface ParserError extends Error {
  readonly code?: string
  /** What it had just been given. */
  readonly rawPacket?: Uint8Array
}

export interface ByHand {
  readonly log: Pick<RequestLog, 'info'>
  /** What every answer carries. */
  readonly headers: () => ExtraHeaders
}

/** How long a client may take to read such an answer, in milliseconds. */
const PATIENCE_MS = 2_000

/** Writes an answer without the HTTP server, which has given the connection up, logs it, and closes the connection. */
export function answerByHand(socket: Socket, { status, code, message }: Unreadable, { log, headers }: ByHand): void {
  const id = newRequestId()
  const peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`
  log.info(
    { 'http.request.id': id, 'http.request.remoteaddr': peer, 'http.response.status': status, 'err.message': message },
    'response completed with error',
  )
  const body = errorEnvelope(code, `${message} (request ${id})`)
  const own = {
    date: new Date().toUTCString(),
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'docker-distribution-api-version': 'registry/2.0',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  }
  const all: Readonly<Record<string, string | string[]>> = { ...headers(), ...own }
  const lines = Object.entries(all).flatMap(([name, value]) => [value].flat().map((text) => `${name}: ${text}`))
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines]
  const timer = setTimeout(() => socket.destroy(), PATIENCE_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.on('error', () => socket.destroy())
  // What still comes is thrown away: unread, it would reset the connection before the answer is read.
  socket.on('end', () => socket.destroy())
  socket.resume()
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** The first byte of a TLS connection: a handshake record (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 0x16

/**
 * Looks at each connection's first byte before TLS does, and answers plain HTTP with what to do. At `tlsClientError`
 * it would be too late: the socket is gone by then. What is returned holds the
 * connections that are not the HTTP server's yet.
 */
export function refusePlainHttp(
  server: HttpsServer,
  { idleMs, ...how }: { idleMs: number } & ByHand,
): { cutWaiting(): void; cutAll(): void } {
  const takers = server.listeners('connection')
  const sockets = new Map<Socket, 'waiting' | 'handed-on'>()
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    sockets.set(socket, 'waiting')
    socket.once('close', () => sockets.delete(socket))
    const silent = () => socket.destroy()
    socket.on('error', silent).setTimeout(idleMs, silent)
    socket.once('readable', () => {
      const first: Buffer | null = socket.read(1)
      if (first === null) return silent()
      socket.off('error', silent).off('timeout', silent).setTimeout(0)
      sockets.set(socket, 'handed-on')
      socket.unshift(first)
      if (first[0] !== TLS_HANDSHAKE) return answerByHand(socket, PLAIN_HTTP, how)
      for (const take of takers) take.call(server, socket)
    })
  })
  return {
    cutWaiting() {
      for (const [socket, state] of sockets) if (state === 'waiting') socket.destroy()
    },
    cutAll() {
      for (const socket of sockets.keys()) socket.destroy()
    },
  }
}
