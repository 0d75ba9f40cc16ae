import type { Socket } from 'node:net'
import type { Client } from 'undici'
import { codeOf } from './error-code.ts'
import { type Answered, exchange, type Head } from './exchange.ts'

/** So many unused connections are kept for an origin by a route. */
const MOST_IDLE = 8

/** For so long, in milliseconds, where the peer names no time. */
const IDLE_MS = 30_000

/** An answer with more bytes of headers is none. A signed address of a CDN has some 4 KiB. */
const MOST_HEADERS = 65_536

/**
 * Connections that wait for their next request, each in the list of its key.
 *
 * Invariant: a key names route and origin, and a connection never changes its list (FC-42).
 */
export class Pool {
  readonly #idle = new Map<string, Connection[]>()
  readonly #all = new Set<Connection>()

  take(key: string): Connection | undefined {
    const waiting = this.#idle.get(key) ?? []
    for (;;) {
      // The last one was used a moment ago, and is the likeliest to live.
      const connection = waiting.pop()
      if (connection === undefined || connection.isOpen) return connection
    }
  }

  /** Takes a connection in hand that is used at once. */
  async add(socket: Socket, { key, origin }: { readonly key: string; readonly origin: string }): Promise<Connection> {
    const undici = await import('undici')
    let unused: Socket | undefined = socket
    const client = new undici.Client(origin, {
      allowH2: false,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      maxHeaderSize: MOST_HEADERS,
      // It has this one connection. When it asks for another, the first is gone.
      connect: (_, callback) => {
        const given = unused
        unused = undefined
        // Not at once: undici does not look again at what waits while it is looking.
        queueMicrotask(() => {
          if (given === undefined) callback(new Error('The connection is gone'), null)
          else callback(null, given)
        })
      },
    })
    const connection = new Connection(socket, { client, onIdle: () => this.#keep(key, connection) })
    this.#all.add(connection)
    socket.once('close', () => {
      this.#all.delete(connection)
      const others = (this.#idle.get(key) ?? []).filter((other) => other !== connection)
      // Peers choose origins, and there is no end of them.
      if (others.length === 0) this.#idle.delete(key)
      else this.#idle.set(key, others)
    })
    return connection
  }

  /** Ends what waits under the key: where one was dead without a word, the others are too. */
  drop(key: string): void {
    for (const connection of this.#idle.get(key) ?? []) connection.end()
    this.#idle.delete(key)
  }

  end(): void {
    for (const connection of this.#all) connection.end()
  }

  #keep(key: string, connection: Connection): void {
    const waiting = this.#idle.get(key) ?? []
    this.#idle.set(key, waiting)
    waiting.push(connection)
    if (waiting.length > MOST_IDLE) waiting.shift()?.end()
  }
}

interface ConnectionParts {
  readonly client: Client
  readonly onIdle: () => void
}

interface SendOptions {
  /** For the error. */
  readonly peer: string
  readonly headerMs: number
  readonly signal: AbortSignal
}

/** One connection, with one request at a time. */
export class Connection {
  readonly #socket: Socket
  readonly #parts: ConnectionParts
  #isSilent = true

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket
    this.#parts = parts
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && !this.#socket.readableEnded
  }

  /** Whether nothing was answered to the last request. */
  get isSilent(): boolean {
    return this.#isSilent
  }

  send(head: Head, options: SendOptions): Promise<Answered> {
    this.#isSilent = true
    return exchange(this.#parts.client, head, {
      ...options,
      isBroken: () => this.#socket.errored !== null,
      isEnded: () => this.#socket.readableEnded || /^E[A-Z]+$/.test(codeOf(this.#socket.errored).code ?? ''),
      begun: () => {
        this.#isSilent = false
      },
      stop: () => this.end(),
      done: () => this.#parts.onIdle(),
    })
  }

  end(): void {
    this.#socket.destroy()
    this.#parts.client.destroy().catch(() => undefined)
  }
}
