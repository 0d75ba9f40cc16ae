import type { IncomingMessage } from 'node:http'
import { freeMemory } from '../base/free-memory.ts'

/** Bytes of a refused body that are thrown away: 50 clients that send for ever make all others wait (measured: 0.2 s). */
const MOST_BYTES = 64 * 1024 * 1024

/** How long a body is read on, and how long one that is silent, in milliseconds, as somebody looks every so often. */
interface Patience {
  readonly mostMs: number
  readonly silentMs: number
  readonly lookMs: number
}

const BEFORE_ANSWER: Patience = { mostMs: 3_000, silentMs: 200, lookMs: 50 }
/** nginx stays as long (`lingering_time`). */
const BEHIND_ANSWER: Patience = { mostMs: 30_000, silentMs: 3_000, lookMs: 500 }

export interface Reading {
  readonly gone: AbortSignal
  /** There is no time for more than a moment. */
  readonly hurried: () => boolean
}

/**
 * Reads on before a refusal is told, while the body keeps coming. Most have come to their end by then, and nobody on the
 * way must cope with an answer that is faster than its request: behind Caddy 2.6, curl 7.88 loses now and then the body
 * of such an answer (measured; also where the server stays, if the rest takes more than 50 ms). Resolves to the number
 * of bytes.
 */
export function hearOut(request: IncomingMessage, reading: Reading): Promise<number> {
  return readOn(request, BEFORE_ANSWER, reading)
}

/**
 * Reads on after an answer that came before the body's end, so that a client that sends first and reads later
 * sees the answer: a connection that is closed over unread bytes is reset, and takes the answer with it.
 */
export async function linger(request: IncomingMessage, reading: Reading): Promise<void> {
  await readOn(request, BEHIND_ANSWER, reading)
}

/** Beyond some bytes nothing more is read, but it stays a little, for the client to notice. */
function readOn(
  request: IncomingMessage,
  { mostMs, silentMs, lookMs }: Patience,
  { gone, hurried }: Reading,
): Promise<number> {
  return new Promise((resolve) => {
    let [bytes, passedMs, quietMs] = [0, 0, 0]
    const take = (chunk: Buffer) => {
      bytes += chunk.length
      quietMs = 0
      freeMemory(chunk)
      if (bytes >= MOST_BYTES) request.pause()
    }
    const timer = setInterval(() => {
      passedMs += lookMs
      quietMs += lookMs
      if (quietMs >= silentMs || passedMs >= (hurried() ? silentMs : mostMs)) done()
    }, lookMs)
    function done(): void {
      clearInterval(timer)
      request.off('data', take).off('end', done).off('error', done).off('close', done)
      gone.removeEventListener('abort', done)
      // What is left of a body that came whole must not stand before the next request.
      request.resume()
      resolve(bytes)
    }
    gone.addEventListener('abort', done)
    // Whoever read the body may have left it paused.
    request.on('end', done).on('error', done).on('close', done).on('data', take).resume()
    if (gone.aborted || request.readableEnded || request.destroyed) done()
  })
}
