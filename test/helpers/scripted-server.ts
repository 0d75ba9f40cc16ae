import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Certificates } from './certificates.ts'
import { type RequestHead, takeRequest } from './request-head.ts'
import { type Fault, framed, type Reply, spoil } from './scripted-reply.ts'
import { allSent } from './sent-bytes.ts'

export interface ScriptedOptions {
  /** Speak TLS. */
  readonly tls?: Certificates
  /** Default: 127.0.0.1. */
  readonly host?: string
  /** Default: a free one. */
  readonly port?: number
}

/** A request as it came, and what became of its answer. */
export interface Recorded extends RequestHead {
  /** Which connection, from 0. */
  readonly connection: number
  /** Epoch milliseconds. */
  readonly at: number
  status: number
  /** Bytes of the answer's body that were handed to the system. */
  sent: number
  /** `left`: the other side ended the connection before the body did. */
  end: 'open' | 'whole' | 'cut' | 'left'
}

/** Which requests: `GET /v2/a/*`, `/v2/*` (any method), or a test of one's own. `*` is any text. */
export type Match = string | ((request: RequestHead) => boolean)

interface Step {
  readonly match: (request: RequestHead) => boolean
  readonly fault: Fault
  left: number
}

/**
 * A server of HTTP/1.1 that answers truly what it knows, spoils answers as it is told, and remembers what it was asked.
 * A request that nobody expected fails the test, when the server is disposed of:
 *
 *     await using upstream = await startFakeUpstream({ images: { 'library/a:1': image } })
 *     upstream.next('GET /v2/library/a/blobs/*', { at: 400 }, { status: 503 })   // its next two requests
 *     upstream.always('/v2/*', FAULTS.hang)                                     // until the returned function is called
 *     upstream.allow('GET /v2/library/b/*')                                     // answered 404 as it is, and no failure
 *     upstream.silence()                                                        // from here on nobody may ask anything
 */
export abstract class ScriptedServer implements AsyncDisposable {
  readonly requests: Recorded[] = []
  /** Requests that nobody expected: `GET /v2/x`. */
  readonly unexpected: string[] = []
  /** How many connections came. */
  connections = 0
  /** What it calls itself, where that is not `url`: a name that only a proxy, or a name server of the test, knows. */
  publicUrl: string | undefined
  readonly #sockets = new Set<Socket>()
  readonly #steps: Step[] = []
  readonly #allowed: ((request: RequestHead) => boolean)[] = []
  readonly #changed = new Set<() => void>()
  #server: Server | undefined
  #scheme = 'http'
  #silent = false

  /** The true answer; `undefined`: nobody should have asked that, and it is 404. */
  protected abstract answer(request: RequestHead): Reply | undefined

  /** The answer to what is allowed to be asked, and is not there. */
  protected missing(_request: RequestHead): Reply {
    return { status: 404, headers: { 'content-type': 'text/plain' }, body: Buffer.from('404 page not found\n') }
  }

  /** What stands in a `Match` for a path of one's own kind: `blob`, `manifest`. */
  protected kindOf(_request: RequestHead): string | undefined {
    return undefined
  }

  /** Without a slash at the end. The host is `localhost`. */
  get url(): string {
    return `${this.#scheme}://localhost:${this.port}`
  }

  get port(): number {
    if (this.#server === undefined) throw new Error('The server was not opened')
    return (this.#server.address() as AddressInfo).port
  }

  /** Bytes of bodies that were sent. */
  get bytesSent(): number {
    return this.requests.reduce((sum, { sent }) => sum + sent, 0)
  }

  /** Spoils the next requests that match, one each. */
  next(match: Match, ...faults: readonly Fault[]): void {
    for (const fault of faults) this.#steps.push({ match: this.#matcher(match), fault, left: 1 })
  }

  /** Spoils all that match, after those of `next`, until the function that is returned is called. */
  always(match: Match, fault: Fault): () => void {
    const step = { match: this.#matcher(match), fault, left: Number.POSITIVE_INFINITY }
    this.#steps.push(step)
    return () => {
      step.left = 0
    }
  }

  /** Lets requests come that have no true answer: they get their 404, and fail nothing. */
  allow(match: Match): void {
    this.#allowed.push(this.#matcher(match))
  }

  /** From here on every request is one that nobody expected. */
  silence(): void {
    this.#silent = true
  }

  /** Ends what `silence` began. */
  speak(): void {
    this.#silent = false
  }

  matching(match: Match): Recorded[] {
    return this.requests.filter(this.#matcher(match))
  }

  count(match: Match): number {
    return this.matching(match).length
  }

  /** Resolves when so many requests came that match. */
  async asked(match: Match, count = 1, timeoutMs = 10_000): Promise<void> {
    const deadline = AbortSignal.timeout(timeoutMs)
    while (this.count(match) < count) {
      if (deadline.aborted)
        throw new Error(`${this.count(match)} of ${count} requests ${match} came: ${this.summary()}`)
      await new Promise<void>((resolve) => {
        const settle = () => {
          this.#changed.delete(settle)
          deadline.removeEventListener('abort', settle)
          resolve()
        }
        this.#changed.add(settle)
        deadline.addEventListener('abort', settle)
      })
    }
  }

  /** What was asked, a line each. */
  summary(): string {
    return this.requests
      .map(({ method, target, status, sent, end }) => `${method} ${target} ${status} ${sent} ${end}`)
      .join('\n')
  }

  /** Resets every connection. */
  resetAll(): void {
    for (const socket of this.#sockets) {
      // One that is being ended cannot be reset: its handle would stay, and the process may never end.
      if (socket.writableEnded) socket.destroy()
      else if (!socket.destroyed) socket.resetAndDestroy()
    }
  }

  /** Ends the server: from then on connections are refused. `open` begins again on the same port. */
  async close(): Promise<void> {
    const server = this.#server
    if (server?.listening)
      await new Promise((resolve) => {
        server.close(resolve)
        this.resetAll()
      })
  }

  async open({ tls, host = '127.0.0.1', port = 0 }: ScriptedOptions = {}): Promise<void> {
    const context = tls && createSecureContext({ cert: await readFile(tls.certificate), key: await readFile(tls.key) })
    this.#scheme = tls ? 'https' : 'http'
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#serve(socket, context))
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
    this.#server = server
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    assert.deepEqual(this.unexpected, [], `${this.constructor.name} was asked what nobody expected`)
  }

  #matcher(match: Match): (request: RequestHead) => boolean {
    if (typeof match === 'function') return match
    const [, method, what = ''] = /^(?:([A-Z]+) )?(.*)$/.exec(match) ?? []
    const pattern = new RegExp(`^${what.split('*').map(escaped).join('.*')}$`)
    return (request) =>
      (method === undefined || method === request.method) &&
      (pattern.test(request.target) || this.kindOf(request) === what)
  }

  #serve(tcp: Socket, context: SecureContext | undefined): void {
    this.#sockets.add(tcp)
    const connection = this.connections
    this.connections += 1
    tcp.on('error', () => {}).once('close', () => this.#sockets.delete(tcp))
    const socket = context
      ? new TLSSocket(tcp, { isServer: true, secureContext: context, ALPNProtocols: ['http/1.1'] })
      : tcp
    socket.on('error', () => {})
    socket.once('end', () => socket.end())

    let unread: Buffer = Buffer.alloc(0)
    let running = false
    const go = async () => {
      if (running) return
      running = true
      for (let taken = takeRequest(unread); taken !== undefined; taken = takeRequest(unread)) {
        unread = taken.rest
        // Another test's client, which looks for a proxy that was at this port before.
        if (taken.request.method === 'CONNECT') return void tcp.destroy()
        const request: Recorded = { ...taken.request, connection, at: Date.now(), status: 0, sent: 0, end: 'open' }
        this.requests.push(request)
        if (!(await this.#exchange(request, socket, tcp))) return
        this.#notify()
      }
      running = false
    }
    socket.on('data', (bytes: Buffer) => {
      unread = Buffer.concat([unread, bytes])
      go().catch((error: unknown) => {
        this.unexpected.push(String(error))
        tcp.destroy()
      })
    })
  }

  /** False: the connection carries nothing more. */
  async #exchange(request: Recorded, socket: Socket, tcp: Socket): Promise<boolean> {
    const step = this.#steps.find(({ match, left }) => left > 0 && match(request))
    if (step) step.left -= 1
    const truly = this.answer(request)
    if (this.#silent || (!step && truly === undefined && !this.#allowed.some((match) => match(request)))) {
      this.unexpected.push(`${request.method} ${request.target}`)
    }
    const fault = step?.fault ?? {}
    const reply = spoil(truly ?? this.missing(request), fault)
    request.status = reply.status
    this.#notify()

    const { wait, at, by = 'reset' } = fault
    if (wait !== undefined) await (typeof wait === 'number' ? pause(wait) : wait)
    const end = async () => {
      request.end = 'cut'
      this.#notify()
      if (by === 'fin') socket.end()
      if (by === 'reset') {
        await allSent(tcp)
        if (!tcp.destroyed) tcp.resetAndDestroy()
      }
      return false
    }
    if (at === 'head') return await end()
    const { head, body, closes } = framed(reply, { method: request.method, length: fault.length })
    await sendAll(socket, head)
    const part = at === undefined ? body : body.subarray(0, at)
    const whole = await sendAll(socket, part, { drip: fault.drip, sent: (count) => (request.sent += count) })
    if (!whole) {
      request.end = 'left'
      this.#notify()
      return false
    }
    if (at !== undefined) return await end()
    request.end = 'whole'
    this.#notify()
    if (!closes) return true
    socket.end()
    return false
  }

  #notify(): void {
    for (const settle of [...this.#changed]) settle()
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}

const PIECE = 64 * 1024

interface Sending {
  readonly drip?: { readonly bytes: number; readonly ms: number } | undefined
  readonly sent?: (count: number) => void
}

/** False: the other side went before the last byte. */
async function sendAll(socket: Socket, bytes: Uint8Array, { drip, sent }: Sending = {}): Promise<boolean> {
  const size = drip?.bytes ?? PIECE
  for (let at = 0; at < bytes.length; at += size) {
    if (drip && at > 0) await pause(drip.ms)
    const piece = bytes.subarray(at, at + size)
    const taken = await new Promise<boolean>((resolve) => {
      if (socket.destroyed || socket.writableEnded) return resolve(false)
      // It is told of its end too.
      socket.write(piece, (error) => resolve(!error))
    })
    if (!taken) return false
    sent?.(piece.length)
  }
  return true
}
