import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A request that is being answered. */
export interface Exchange {
  readonly response: ServerResponse
  readonly gone: AbortController
  /** Since when we wait for a byte of the request's body, in `performance.now()` milliseconds. */
  waitingSince: number | undefined
  /** `100 Continue` was sent. */
  toldToGoOn: boolean
}

/**
 * What goes on over one socket, and whether it should be moving.
 *
 * An idle client is one that should send or take bytes and does not. While a handler works, and while nobody
 * asked for anything, silence is in order: a commit may sync for minutes.
 */
export class Connection {
  readonly #socket: Socket
  readonly #exchanges = new Set<Exchange>()
  #whenQuiet: (() => void) | undefined
  /** It was cut because nothing moved. */
  idledOut = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.once('close', () => {
      for (const { gone } of this.#exchanges) gone.abort()
    })
  }

  get busy(): boolean {
    return this.#exchanges.size > 0
  }

  begin(exchange: Exchange): void {
    this.#exchanges.add(exchange)
  }

  end(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
    if (!this.busy) this.#whenQuiet?.()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /**
   * Puts a text on the wire by hand, now or behind the answers to what was asked before; `false`: there is no place for
   * it, because an answer has begun to a request whose body is the one that cannot be read.
   */
  say(text: () => void): boolean {
    const [first, ...others] = this.#exchanges
    if (first === undefined || (others.length === 0 && !first.response.req.complete && !first.response.headersSent)) {
      text()
      return true
    }
    if (![...this.#exchanges].every(({ response }) => response.req.complete)) return false
    this.#whenQuiet = text
    return true
  }

  /** The socket was silent for `idleMs`. */
  onSilence(idleMs: number): void {
    // Pipelined requests wait for the first one, which says nothing of the client.
    const [first] = this.#exchanges
    if (first !== undefined && !isClientsTurn(first, idleMs)) {
      this.#socket.setTimeout(idleMs)
      return
    }
    this.idledOut = true
    this.#socket.destroy()
  }
}

function isClientsTurn({ response, waitingSince }: Exchange, idleMs: number): boolean {
  if (waitingSince !== undefined) return performance.now() - waitingSince >= idleMs * 0.9
  return response.writableLength > 0
}
