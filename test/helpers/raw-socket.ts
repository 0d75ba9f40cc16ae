import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { takeAnswer, type WireAnswer } from './http-answers.ts'

/** How the other side ended the connection: `fin` in good order, `reset` by force. */
export type Ending = 'fin' | 'reset'

const PATIENCE_MS = 10_000

export interface ConnectOptions {
  readonly port: number
  readonly host?: string
  /** Where it comes from: another address of loopback is another client. */
  readonly localAddress?: string
  /** A certificate in PEM to trust: speak TLS. */
  readonly ca?: string
  /** What the certificate is for. Default: localhost. */
  readonly servername?: string
}

/**
 * A connection that sends exactly the bytes it is given: half requests, wrong lengths, pipelines, an early end. It stays
 * half open when the server ends its side, and waits at most ten seconds for anything.
 */
export class RawSocket implements Disposable {
  /** Resolves when the server has ended its side, or the connection is gone. */
  readonly ended: Promise<Ending>
  /** Where bytes go in: the connection itself, or TLS over it. */
  readonly #socket: Socket
  readonly #tcp: Socket
  readonly #changed = new Set<() => void>()
  #bytes: Buffer = Buffer.alloc(0)
  #ending: Ending | undefined

  static async connect(options: ConnectOptions): Promise<RawSocket> {
    const { port, host = '127.0.0.1', localAddress, ca, servername = 'localhost' } = options
    const tcp = connectPlain({
      ...{ port, host, allowHalfOpen: true, noDelay: true },
      ...(localAddress !== undefined && { localAddress }),
    })
    const socket = ca === undefined ? tcp : connectTls({ socket: tcp, ca, servername })
    const raw = new RawSocket(socket, tcp)
    await new Promise<void>((resolve, reject) => {
      socket.once(ca === undefined ? 'connect' : 'secureConnect', () => resolve()).once('error', reject)
    })
    return raw
  }

  private constructor(socket: Socket, tcp: Socket) {
    this.#socket = socket
    this.#tcp = tcp
    this.ended = new Promise((resolve) => {
      const end = (ending: Ending) => {
        this.#ending ??= ending
        resolve(this.#ending)
        this.#notify()
      }
      socket.on('data', (bytes) => {
        this.#bytes = Buffer.concat([this.#bytes, bytes])
        this.#notify()
      })
      socket.on('error', () => end('reset'))
      socket.once('end', () => end('fin'))
      socket.once('close', () => end('reset'))
    })
  }

  /** What came and belongs to no answer yet. */
  get unread(): Buffer {
    return this.#bytes
  }

  /** Resolves when the bytes have left; rejects where the server does not take them any more. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Sends a request's head: the lines, `Host`, and an empty line. */
  async request(first: string, headers: readonly string[] = []): Promise<void> {
    await this.write([`${first} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n'))
  }

  /** The next answer. `method`: of its request, because an answer to `HEAD` has no body. Rejects where none comes. */
  async answer(method = 'GET'): Promise<WireAnswer> {
    return await this.#until('an answer', () => {
      const taken = takeAnswer(this.#bytes, { method, ended: this.#ending !== undefined })
      if (taken) this.#bytes = taken.rest
      return taken?.answer
    })
  }

  /** The next so many answers, to `GET` requests. */
  async answers(count: number): Promise<WireAnswer[]> {
    const answers: WireAnswer[] = []
    while (answers.length < count) answers.push(await this.answer())
    return answers
  }

  /** Waits until `size` bytes came that belong to no answer yet, and leaves them there. */
  async received(size: number): Promise<Buffer> {
    return await this.#until(`${size} bytes`, () => (this.#bytes.length >= size ? this.#bytes : undefined))
  }

  /** Ends our side, and goes on reading. */
  end(): void {
    this.#socket.end()
  }

  /** Breaks the connection (RST). */
  reset(): void {
    this.#tcp.resetAndDestroy()
  }

  /** Reads no more until `resume`: the server's buffers fill up. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
    this.#tcp.destroy()
  }

  #until<Value>(what: string, look: () => Value | undefined): Promise<Value> {
    return new Promise((resolve, reject) => {
      const settle = (tell: () => void) => {
        clearTimeout(timer)
        this.#changed.delete(check)
        tell()
      }
      const check = () => {
        try {
          const value = look()
          if (value !== undefined) settle(() => resolve(value))
          else if (this.#ending !== undefined) throw new Error(`The connection ended (${this.#ending}) before ${what}`)
        } catch (error) {
          settle(() => reject(error))
        }
      }
      const timer = setTimeout(() => {
        const shown = this.#bytes.toString('latin1', 0, 200)
        settle(() => reject(new Error(`No ${what} within ${PATIENCE_MS} ms; so far '${shown}'`)))
      }, PATIENCE_MS)
      this.#changed.add(check)
      check()
    })
  }

  #notify(): void {
    for (const check of [...this.#changed]) check()
  }
}
