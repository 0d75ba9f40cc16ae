import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { BufferPool } from './buffer-pool.ts'
import { closeBody } from './close-body.ts'
import { type Answer, type Outcome, refuse } from './dispatch.ts'
import type { ExtraHeaders } from './extra-headers.ts'
import { type Sender, senderOf, type TrustedProxies } from './forwarded.ts'
import { awaitsContinue, RequestBody } from './request-body.ts'
import { headRefusal } from './request-head.ts'
import { newRequestId } from './request-id.ts'
import type { RequestEnd } from './request-log.ts'
import type { Arrival, Headers, Reply } from './route.ts'
import { ClientLeft, sendBlob } from './send-blob.ts'
import type { Connection, Exchange } from './server-connection.ts'
import { hearOut, linger } from './server-linger.ts'

/** An unread body up to this size is left to Node, which reads and forgets it behind the answer. */
const SMALL_BODY = 64 * 1024

export interface ExchangeParts {
  readonly answer: Answer
  /** Told of each request when it is over. */
  readonly ended: (end: RequestEnd) => void
  readonly pool: BufferPool
  /** Proxies whose `X-Forwarded-*` are believed. */
  readonly trusted: TrustedProxies | undefined
  /** What every answer carries, beside its own headers; names in lower case. */
  readonly headers: () => ExtraHeaders
  /** The server ends, or has too many connections: every answer ends its own. */
  readonly closing: () => boolean
}

/** Answers one request, and tells how it ended. Never rejects. */
export async function runExchange(
  { request, response, connection }: { request: IncomingMessage; response: ServerResponse; connection: Connection },
  parts: ExchangeParts,
): Promise<void> {
  const startedAt = performance.now()
  const sender = senderIn(request, parts.trusted)
  const peer = peerOf(request, sender)
  const exchange: Exchange = { response, gone: new AbortController(), waitingSince: undefined, toldToGoOn: false }
  const { gone } = exchange
  response.on('error', () => gone.abort())
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  connection.begin(exchange)
  using body = new RequestBody(request, exchange, parts.pool)
  const arrival = arrivalOf(request, { body, gone, sender })
  const sent = { bytes: 0 }
  let outcome: Outcome | undefined
  let fault: unknown
  try {
    const refusal = headRefusal(request)
    outcome = refusal === undefined ? await parts.answer(arrival) : refuse(refusal, arrival)
    await send(outcome.reply, { request, exchange, sent, last: refusal !== undefined }, parts)
  } catch (error) {
    if (!(error instanceof ClientLeft)) fault = error
    response.destroy()
  }
  connection.end(exchange)
  const left = response.writableFinished ? 'whole' : connection.idledOut ? 'idle' : 'left'
  parts.ended({
    ...{ arrival, outcome, peer, version: request.httpVersion },
    ...(fault === undefined ? { ending: left } : { ending: 'broken', fault }),
    bytes: sent.bytes,
    ms: performance.now() - startedAt,
  })
}

function senderIn({ socket, headers }: IncomingMessage, trusted: TrustedProxies | undefined): Sender {
  const peer = socket.remoteAddress ?? ''
  return senderOf({ peer, tls: 'encrypted' in socket, headers: headers as Headers }, trusted)
}

/** As registry:2 logs it: with a port, where it is that of the connection. */
function peerOf({ socket }: IncomingMessage, { address, forwarded }: Sender): string {
  if (forwarded || socket.remotePort === undefined) return address
  return `${address.includes(':') ? `[${address}]` : address}:${socket.remotePort}`
}

interface Told {
  readonly body: RequestBody
  readonly gone: AbortController
  readonly sender: Sender
}

function arrivalOf(request: IncomingMessage, { body, gone, sender }: Told): Arrival {
  return {
    id: newRequestId(),
    method: request.method ?? '',
    peer: sender.address,
    origin: { scheme: sender.scheme, host: sender.host },
    target: request.url ?? '',
    // Only Set-Cookie comes as a list, and it is no header of a request.
    headers: request.headers as Headers,
    body,
    signal: gone.signal,
  }
}

interface Sending {
  readonly request: IncomingMessage
  readonly exchange: Exchange
  readonly sent: { bytes: number }
  /** Nothing more is taken from this connection. */
  readonly last: boolean
}

async function send(reply: Reply, { request, exchange, sent, last }: Sending, parts: ExchangeParts): Promise<void> {
  const { response, gone } = exchange
  const { body } = reply
  const rest = last ? 'coming' : await restOf(request, exchange, parts.closing)
  if (gone.signal.aborted || request.socket.destroyed) return await closeBody(reply)
  const streamed = body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)
  const close = last || rest === 'announced' || (rest === 'coming' && streamed) || parts.closing()
  try {
    response.writeHead(reply.status, {
      ...parts.headers(),
      ...(reply.headers as OutgoingHttpHeaders),
      ...(close && { connection: 'close' }),
      // Node closes a connection whose `Expect: 100-continue` was not granted, unless told otherwise.
      ...(!close && response.shouldKeepAlive && awaitsContinue(request, exchange) && { connection: 'keep-alive' }),
    })
  } catch (fault) {
    await closeBody(reply)
    throw fault
  }
  if (streamed) {
    await sendBlob(response, body, {
      pool: parts.pool,
      sendHead: () => response.flushHeaders(),
      onSent: (bytes) => (sent.bytes += bytes),
    })
  } else {
    if (rest === 'coming' && !request.complete)
      await endBeforeBody({ request, response, body }, gone.signal, parts.closing)
    else endAtOnce(response, body)
    sent.bytes += body === undefined ? 0 : Buffer.byteLength(body)
  }
  if (!response.closed) await new Promise((resolve) => response.once('close', resolve))
}

/**
 * What is left of a request's body that nobody reads: nothing to speak of, all of it and perhaps for ever, or more than
 * we want.
 */
type Rest = 'little' | 'announced' | 'coming'

async function restOf(request: IncomingMessage, exchange: Exchange, hurried: () => boolean): Promise<Rest> {
  const announced = awaitsContinue(request, exchange)
  if (request.complete || (!announced && isSmall(request))) return 'little'
  const bytes = await hearOut(request, { gone: exchange.gone.signal, hurried })
  if (request.complete) return 'little'
  // Who was refused may leave the body out, and send the next request in its place: that connection ends. But nobody
  // needs to wait for our word (RFC 9110, 10.1.1): Caddy passes the question on, and the body behind it.
  return announced && bytes === 0 ? 'announced' : 'coming'
}

interface Early {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: string | Uint8Array | undefined
}

/**
 * The answer goes out whole before the rest of the request is thrown away. It does not announce that the connection
 * ends: a proxy in Go closes it then as soon as it has the answer, in the middle of what it still passes on, and gives
 * its client no time for the rest (Caddy 2.6: a third of the refused layers were lost, measured).
 *
 * Invariant: what comes behind a refused body is a request only where that body came to its end. The parser counts its
 * bytes, read or not; a connection where some are missing ends.
 */
async function endBeforeBody(
  { request, response, body }: Early,
  gone: AbortSignal,
  hurried: () => boolean,
): Promise<void> {
  const { socket } = request
  if (body === undefined) response.flushHeaders()
  else response.write(body)
  await linger(request, { gone, hurried })
  const { complete } = request
  response.end(() => {
    if (!complete) socket.destroySoon()
  })
}

function isSmall(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return length !== undefined && Number(length) <= SMALL_BODY
}

/** What is copied to send it with the headers: more is faster sent by itself. */
const LARGEST_COPY = 64 * 1024

/** Ends an answer in one write, which a text is sent in and a buffer is not: a tenth of the CPU of a small one (measured). */
function endAtOnce(response: ServerResponse, body: string | Uint8Array | undefined): void {
  if (typeof body === 'object' && body.length <= LARGEST_COPY) {
    response.end(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'), 'latin1')
  } else response.end(body)
}
