import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream'
import { freeMemory } from '../base/free-memory.ts'
import type { BufferPool } from './buffer-pool.ts'
import { ClientLeft } from './send-blob.ts'
import type { Exchange } from './server-connection.ts'

/** The client sends its body only when it is told to. */
export function awaitsContinue({ headers, httpVersion }: IncomingMessage, { toldToGoOn }: Exchange): boolean {
  return headers.expect?.toLowerCase() === '100-continue' && httpVersion === '1.1' && !toldToGoOn
}

/**
 * The body of a request, gathered into pieces that are worth a write each: while whoever reads works on one, the next
 * is gathered. A piece is his until he asks for the next.
 *
 * What came is yielded, also when the client leaves; then `ClientLeft` is thrown. Leaving it early leaves the
 * connection as it is, so that an answer can still be sent. Whoever made it disposes of it, after the last piece was
 * used: the pool lends the buffers again.
 *
 * Measured for a gibibyte over TLS: a third less CPU on this thread than one iteration a chunk (16 KiB).
 */
export class RequestBody implements AsyncIterable<Uint8Array>, Disposable {
  readonly #request: IncomingMessage
  readonly #exchange: Exchange
  readonly #pieces: Pieces
  #letGo = () => {}

  constructor(request: IncomingMessage, exchange: Exchange, pool: BufferPool) {
    this.#request = request
    this.#exchange = exchange
    this.#pieces = new Pieces(pool, Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const [request, exchange, pieces] = [this.#request, this.#exchange, this.#pieces]
    if (awaitsContinue(request, exchange)) {
      exchange.toldToGoOn = true
      exchange.response.writeContinue()
    }
    let end: { readonly error: unknown } | undefined
    let wake = () => {}
    const forget = finished(request, { writable: false }, (error) => {
      end = { error }
      wake()
    })
    const take = (chunk: Buffer) => {
      pieces.add(chunk)
      if (!pieces.ready) return
      request.pause()
      wake()
    }
    request.on('data', take)
    this.#letGo = () => {
      forget()
      request.off('data', take).pause()
    }
    try {
      for (;;) {
        if (!pieces.ready && end === undefined) {
          exchange.waitingSince = performance.now()
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          exchange.waitingSince = undefined
        }
        const piece = pieces.ready || end !== undefined ? pieces.next() : undefined
        if (end === undefined) request.resume()
        if (piece !== undefined) yield piece
        else if (end?.error) throw new ClientLeft(end.error)
        else if (end !== undefined) return
      }
    } finally {
      exchange.waitingSince = undefined
      this.#letGo()
    }
  }

  /** Also for one who began to read and forgot: nothing that still comes is gathered. */
  [Symbol.dispose](): void {
    this.#letGo()
    this.#pieces[Symbol.dispose]()
  }
}

/** Buffers of the pool: one with the reader, and one or two that are filled meanwhile. */
class Pieces implements Disposable {
  readonly #pool: BufferPool
  /** Bytes that are still to come, as far as anybody knows. */
  #wanted: number
  readonly #full: Buffer[] = []
  #filling: Buffer | undefined
  #filled = 0
  #withReader: Buffer | undefined

  constructor(pool: BufferPool, wanted: number) {
    this.#pool = pool
    this.#wanted = wanted
  }

  /** Whether a whole piece waits. */
  get ready(): boolean {
    return this.#full.length > 0
  }

  /**
   * Copies the bytes, and frees their memory, which Node made for this chunk alone. Left to the collector, a push of a
   * gibibyte holds 80 MiB of them, and costs more CPU, as each one's memory is cold (measured).
   */
  add(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      this.#filling ??= this.#pool.lend(this.#wanted)
      const copied = chunk.copy(this.#filling, this.#filled, at)
      at += copied
      this.#filled += copied
      this.#wanted -= copied
      if (this.#filled < this.#filling.length) continue
      this.#full.push(this.#filling)
      this.#filling = undefined
      this.#filled = 0
    }
    freeMemory(chunk)
  }

  /** The next whole piece; if there is none, what there is. */
  next(): Uint8Array | undefined {
    this.#takeBack()
    const whole = this.#full.shift()
    const piece = whole ?? this.#filling?.subarray(0, this.#filled)
    this.#withReader = whole ?? this.#filling
    if (whole === undefined) {
      this.#filling = undefined
      this.#filled = 0
    }
    return piece
  }

  [Symbol.dispose](): void {
    this.#takeBack()
    for (const buffer of this.#full) this.#pool.giveBack(buffer)
    if (this.#filling !== undefined) this.#pool.giveBack(this.#filling)
    this.#full.length = 0
    this.#filling = undefined
  }

  #takeBack(): void {
    if (this.#withReader !== undefined) this.#pool.giveBack(this.#withReader)
    this.#withReader = undefined
  }
}
