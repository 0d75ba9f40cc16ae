import type { IncomingMessage, ServerResponse } from 'node:http'
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

/** Requests that may wait for their turn: no client of a registry sends a second one before the first is answered. */
const MOST_WAITING = 100

interface Turn {
  readonly request: IncomingMessage
  dropped: boolean
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
  /** Requests without their whole answer, in the order they came. The first has its turn. */
  readonly #turns: Turn[] = []
  #lastTurn: Promise<void> = Promise.resolve()
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
    return this.#turns.length > 0
  }

  /**
   * Another request would be one too many. Node reads on while an answer is being thought of: in seconds a connection
   * sends a million requests, and each holds some kilobytes here, or its headers, which may be of 128 KiB.
   */
  get full(): boolean {
    return this.#turns.length > MOST_WAITING
  }

  /**
   * Runs `answer` when what was asked before is answered, or not at all, if the connection has ended by then.
   *
   * Invariant: one request at a time. One packet has room for a thousand pipelined ones, each of which would hold a
   * manifest or two buffers of a blob: 500 of them took 1.6 GB (measured). And a GET sees what the PUT before it did.
   */
  turn(request: IncomingMessage, answer: () => Promise<void>): Promise<void> {
    const turn: Turn = { request, dropped: false }
    const first = this.#turns.push(turn) === 1
    const mine = first
      ? answer()
      : this.#lastTurn.then(() => (turn.dropped || !this.#socket.writable ? undefined : answer()))
    this.#lastTurn = mine.finally(() => {
      this.#turns.shift()
      if (!this.busy) this.#whenQuiet?.()
    })
    return this.#lastTurn
  }

  begin(exchange: Exchange): void {
    this.#exchanges.add(exchange)
  }

  end(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /**
   * Puts a text on the wire by hand, now or behind the answers to what was asked before; `false`: there is no place for
   * it, because an answer has begun to a request whose body is the one that cannot be read.
   */
  say(text: () => void): boolean {
    const broken = this.#turns.find(({ request }) => !request.complete)
    const [running] = this.#exchanges
    if (!this.busy || (broken !== undefined && broken === this.#turns[0] && running?.response.headersSent !== true)) {
      text()
      return true
    }
    if (broken === this.#turns[0]) return false
    // It waits for its turn, and what is said is its answer.
    if (broken !== undefined) broken.dropped = true
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
