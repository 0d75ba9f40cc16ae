import type { IncomingMessage } from 'node:http'

/** Bytes of a refused upload that are thrown away, and how long we stay after them, in milliseconds. */
const MOST_BYTES = 1024 * 1024
const MOST_MS = 3_000

/**
 * Reads on after an answer that came before the body's end, so that a client that sends first and reads later
 * sees the answer: a connection that is closed over unread bytes is reset, and takes the answer with it.
 *
 * Beyond some bytes nothing more is read, but the connection is kept a little, for the client to notice.
 */
export function linger(request: IncomingMessage, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let left = MOST_BYTES
    const take = (chunk: Buffer) => {
      left -= chunk.length
      if (left <= 0) request.pause()
    }
    const timer = setTimeout(done, MOST_MS)
    function done(): void {
      clearTimeout(timer)
      request.off('data', take).off('end', done).off('error', done).off('close', done)
      gone.removeEventListener('abort', done)
      resolve()
    }
    gone.addEventListener('abort', done)
    // Whoever read the body may have left it paused.
    request.on('end', done).on('error', done).on('close', done).on('data', take).resume()
    if (gone.aborted || request.readableEnded || request.destroyed) done()
  })
}
