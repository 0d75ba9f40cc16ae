import type { Dispatcher } from 'undici'
import { AnswerBody } from './answer-body.ts'
import { EgressError } from './egress.ts'
import { codeOf } from './error-code.ts'

export interface Head {
  readonly method: 'GET' | 'HEAD'
  /** Path and query; the whole URL where a proxy is asked for it. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** An answer whose headers are here. */
export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: AnswerBody
}

interface ExchangeOptions {
  /** For the error. */
  readonly peer: string
  readonly headerMs: number
  readonly signal: AbortSignal
  /** Whether the connection broke after its last byte was received: then what has no length is not whole. */
  readonly isBroken: () => boolean
  /** The first byte of an answer is here. */
  readonly begun: () => void
  /** Whether the peer or the system ended the connection. */
  readonly isEnded: () => boolean
  /** Ends the connection. */
  readonly stop: () => void
  /** The answer is over, and whole: the connection may be used again. */
  readonly done: () => void
}

/** One request on a connection, and what comes of it. */
export function exchange(client: Dispatcher, head: Head, options: ExchangeOptions): Promise<Answered> {
  return new Promise((resolve, reject) => {
    // Undici ends a connection after each HEAD unless it is told not to.
    client.dispatch(
      { ...head, headers: { ...head.headers }, reset: false },
      new Exchange(head.method, { ...options, resolve, reject }),
    )
  })
}

interface Settling extends ExchangeOptions {
  readonly resolve: (answer: Answered) => void
  readonly reject: (error: unknown) => void
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #method: string
  readonly #options: Settling
  readonly #timer: NodeJS.Timeout
  readonly #onAbort = () => this.#fail(this.#options.signal.reason)
  #body: AnswerBody | undefined
  #over = false

  constructor(method: string, options: Settling) {
    this.#method = method
    this.#options = options
    const { signal, headerMs, peer } = options
    this.#timer = setTimeout(() => this.#fail(new EgressError('header', 'timeout', { peer })), headerMs)
    signal.addEventListener('abort', this.#onAbort, { once: true })
    if (signal.aborted) queueMicrotask(this.#onAbort)
  }

  // Undici takes no handler without it.
  onRequestStart(): void {}

  onResponseStarted(): void {
    this.#options.begun()
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Answered['headers']): void {
    // 1xx announces an answer, and is none.
    if (status < 200 || this.#over) return
    clearTimeout(this.#timer)
    const { stop, resolve } = this.#options
    const feed = { pause: () => controller.pause(), resume: () => controller.resume(), stop }
    this.#body = new AnswerBody(feed, this.#method === 'HEAD' ? 0 : sizeOf(headers))
    resolve({ status, headers, body: this.#body })
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body?.push(chunk)
  }

  onResponseEnd(): void {
    const { isBroken, peer, done } = this.#options
    // Where only the end of the connection ends a body, its break must not look like one (FC-105).
    if (isBroken()) {
      this.#fail(new EgressError('body', 'reset', { peer }))
      return
    }
    this.#finish()
    this.#body?.end()
    done()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(this.#faultOf(error))
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#finish()
    if (this.#body === undefined) this.#options.reject(error)
    else this.#body.fail(error)
    this.#options.stop()
  }

  #finish(): void {
    this.#over = true
    clearTimeout(this.#timer)
    this.#options.signal.removeEventListener('abort', this.#onAbort)
  }

  #faultOf(error: Error): EgressError {
    const { code = '' } = codeOf(error)
    const hop = this.#body === undefined ? 'header' : 'body'
    const facts = { peer: this.#options.peer, ...(code === '' ? {} : { code }), cause: error }
    if (code === 'ETIMEDOUT') return new EgressError(hop, 'timeout', facts)
    return new EgressError(hop, this.#options.isEnded() || !isMalformed(error) ? 'reset' : 'malformed', facts)
  }
}

/** Of undici's parser, which says the same of a connection that ended too early. */
function isMalformed(error: Error): boolean {
  const { code = '' } = codeOf(error)
  if (/^UND_ERR_(?:HEADERS_OVERFLOW|RES_CONTENT_LENGTH_MISMATCH)$/.test(code)) return true
  return error.name === 'HTTPParserError' || /^bad (?:response|upgrade)$/.test(error.message)
}

function sizeOf(headers: Answered['headers']): number | undefined {
  const length = headers['content-length']
  return typeof length === 'string' && /^\d+$/.test(length) ? Number(length) : undefined
}
