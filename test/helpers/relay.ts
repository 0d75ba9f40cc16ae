import { randomInt } from 'node:crypto'
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net'

export interface RelayOptions {
  readonly to: NetConnectOpts
  /** Resets all connections each so many milliseconds, as soon as there are some. */
  readonly resetEveryMs?: number
  /** New connections are refused for so long after each reset. */
  readonly refuseMs?: number
  /** What comes from `to`, over all connections together, is no faster. */
  readonly bytesPerSecond?: number
  /** Default: 127.0.0.1, and a free port. */
  readonly host?: string
  readonly port?: number
}

const REOPEN_MS = 20

/** Those that the system gives to nobody's connection: while new ones are refused, the port is free to be taken. */
const NOBODYS_PORTS = [20_000, 32_000] as const

/** A timer is no finer. */
const SHORTEST_PAUSE_MS = 4

/**
 * A line that breaks: it carries bytes in both directions, counts them, and cuts all connections when it is told, or by
 * the clock.
 *
 *     await using relay = await startRelay({ to: { port: squid.port }, resetEveryMs: 1000, refuseMs: 300 })
 *     … relay.port instead of squid's …
 *     assert.ok(relay.cuts >= 10)              // connections that were cut while they were open
 *     assert.ok(relay.bytesDown <= 1.05 * size)
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { port, refuseMs } = options
  if (port !== undefined || refuseMs === undefined) return await opened(new Relay(options))
  for (let tries = 1; ; tries += 1) {
    try {
      return await opened(new Relay({ ...options, port: randomInt(...NOBODYS_PORTS) }))
    } catch (error) {
      if (tries === 10) throw error
    }
  }
}

async function opened(relay: Relay): Promise<Relay> {
  await relay.open()
  return relay
}

export class Relay implements AsyncDisposable {
  /** Bytes that came from `to`, and bytes that went there. */
  bytesDown = 0
  bytesUp = 0
  connections = 0
  /** Connections that were cut. */
  cuts = 0
  readonly #options: RelayOptions
  readonly #pairs = new Map<Socket, Socket>()
  #server: Server | undefined
  #port = 0
  #clock: NodeJS.Timeout | undefined
  #opening: NodeJS.Timeout | undefined
  /** When the next byte may come, and whether all wait for that. */
  #freeAt = 0
  #paused = false

  constructor(options: RelayOptions) {
    this.#options = options
    this.#port = options.port ?? 0
  }

  /** Stays the same when it is closed and opened. */
  get port(): number {
    return this.#port
  }

  async open(): Promise<void> {
    const server = createServer({ noDelay: true }, (inside) => this.#carry(inside))
    const { host = '127.0.0.1', resetEveryMs } = this.#options
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.#port, host, resolve))
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
    if (resetEveryMs !== undefined) this.#clock ??= setInterval(() => this.resetAll(), resetEveryMs).unref()
  }

  /** Cuts all connections, and refuses new ones for `refuseMs`. */
  resetAll(): void {
    for (const [inside, outside] of this.#pairs) {
      this.cuts += 1
      inside.resetAndDestroy()
      outside.destroy()
    }
    this.#pairs.clear()
    const { refuseMs = 0 } = this.#options
    if (refuseMs === 0 || !this.#server?.listening) return
    this.#server.close()
    this.#opening = setTimeout(() => this.#reopen(), refuseMs)
  }

  /** Somebody's connection may have the port for a moment, as its own. */
  #reopen(): void {
    this.open().catch(() => {
      this.#opening = setTimeout(() => this.#reopen(), REOPEN_MS)
    })
  }

  /** Cuts all, and refuses until `open`. */
  close(): void {
    clearTimeout(this.#opening)
    this.#server?.close()
    for (const [inside, outside] of this.#pairs) {
      inside.resetAndDestroy()
      outside.destroy()
    }
    this.#pairs.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#clock)
    this.close()
  }

  /** Whoever sent too much waits until it is allowed again, and all others with him. */
  #slow(bytes: number): void {
    const { bytesPerSecond } = this.#options
    if (bytesPerSecond === undefined) return
    const now = performance.now()
    this.#freeAt = Math.max(this.#freeAt, now) + (bytes / bytesPerSecond) * 1000
    if (this.#freeAt - now < SHORTEST_PAUSE_MS || this.#paused) return
    this.#paused = true
    for (const outside of this.#pairs.values()) outside.pause()
    setTimeout(() => {
      this.#paused = false
      for (const outside of this.#pairs.values()) outside.resume()
    }, this.#freeAt - now)
  }

  #carry(inside: Socket): void {
    this.connections += 1
    const outside = connect({ ...this.#options.to, noDelay: true } as NetConnectOpts)
    this.#pairs.set(inside, outside)
    inside.on('data', (bytes) => (this.bytesUp += bytes.length))
    outside.on('data', (bytes) => {
      this.bytesDown += bytes.length
      this.#slow(bytes.length)
    })
    inside.pipe(outside)
    outside.pipe(inside)
    const end = () => {
      this.#pairs.delete(inside)
      inside.destroy()
      outside.destroy()
    }
    for (const socket of [inside, outside]) socket.on('error', end).once('close', () => this.#pairs.delete(inside))
    // Whoever connects finds a refusal behind the line as one of the line.
    outside.once('close', () => inside.end())
  }
}
