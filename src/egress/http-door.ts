import { type Outside, openConnection } from './connection.ts'
import { type Answer, type Attempt, type Door, EgressError, type Route } from './egress.ts'
import type { Answered, Head } from './exchange.ts'
import { refusedByProxy } from './http-tunnel.ts'
import type { Network } from './network.ts'
import type { NoProxy } from './no-proxy.ts'
import { headOf, isAskedOf } from './outgoing.ts'
import { Pool } from './pool.ts'
import { DIRECT, type Target, targetOf, type Way } from './way.ts'

interface HttpDoorOptions extends Outside {
  readonly ways: readonly Way[]
  readonly noproxy: NoProxy
  readonly ca?: string | undefined
}

/** One attempt, with what was found out of it. */
interface Sending {
  readonly attempt: Attempt
  readonly way: Way
  readonly target: Target
  readonly head: Head
  readonly key: string
}

/** A `Door` for HTTP/1.1. */
export class HttpDoor implements Door {
  readonly #options: HttpDoorOptions
  readonly #pool = new Pool()
  readonly #ways: readonly Way[]
  readonly #closed = new AbortController()
  /** Kinds of networks where the upstream itself was found to be. */
  readonly #entered = new Set<Network>(['public'])

  constructor(options: HttpDoorOptions) {
    this.#options = options
    this.#ways = [DIRECT, ...options.ways]
  }

  routesTo(url: URL): readonly Route[] {
    const { ways, noproxy } = this.#options
    if (noproxy.ruleFor(url) !== undefined) return [DIRECT]
    return ways.filter(({ only }) => only === undefined || only === url.protocol)
  }

  async send(asked: Attempt, route: Route): Promise<Answer> {
    const number = this.#ways.indexOf(route as Way)
    const way = this.#ways[number]
    if (way === undefined) throw new Error(`'${route.name}' is no route of this door`)
    const attempt = { ...asked, signal: AbortSignal.any([asked.signal, this.#closed.signal]) }
    attempt.signal.throwIfAborted()
    const target = targetOf(attempt.url)
    // What a redirect may not reach it may not reach on a connection that is there already, either.
    const key = [number, attempt.redirected === true ? 'redirected' : 'asked', attempt.url.origin].join(' ')
    const sending = { attempt, way, target, key, head: headOf(attempt, { way, target }) }
    return (await this.#onKept(sending)) ?? (await this.#onFresh(sending))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new Error('The way out is closed'))
    this.#pool.end()
    await Promise.resolve()
  }

  /** By a connection that waits; nothing where there is none, or where it was dead already. */
  async #onKept(sending: Sending): Promise<Answer | undefined> {
    const { attempt, head, key, target } = sending
    const connection = this.#pool.take(key)
    if (connection === undefined) return undefined
    try {
      const begun = performance.now()
      const answered = await connection.send(head, { ...attempt, ...target })
      return answerOf(answered, sending, { connect: 0, header: performance.now() - begun })
    } catch (error) {
      if (!(error instanceof EgressError)) throw error
      if (error.fault === 'timeout') this.#pool.drop(key)
      // The peer may end a connection that waits at any time, and has then not seen the request.
      if (error.fault === 'reset' && error.hop === 'header' && connection.isSilent) return undefined
      throw error
    }
  }

  async #onFresh(sending: Sending): Promise<Answer> {
    const { attempt, way, target, head, key } = sending
    const mayEnter = (network: Network) => attempt.redirected !== true || this.#entered.has(network)
    // An upstream that is redirected somewhere is not there for it; nor is one whose name merely leads there, too.
    const entered = (network: Network) => void (attempt.redirected === true || this.#entered.add(network))
    const begun = performance.now()
    const socket = await openConnection(target, { ...this.#options, ...attempt, way, mayEnter, entered })
    const connection = await this.#pool.add(socket, { key, origin: attempt.url.origin })
    const connected = performance.now()
    try {
      const answered = await connection.send(head, { ...attempt, ...target })
      return answerOf(answered, sending, { connect: connected - begun, header: performance.now() - connected })
    } catch (error) {
      const isReset = error instanceof EgressError && error.fault === 'reset' && error.hop === 'header'
      if (!isReset || !isAskedOf(way, target) || !connection.isSilent) throw error
      throw new EgressError('proxy', 'proxy-refused', { ...error.facts, peer: way.peer })
    }
  }
}

/** Throws an `EgressError` where a proxy answered in place of whom it was asked for. */
function answerOf({ status, headers, body }: Answered, { way, target }: Sending, ms: Answer['ms']): Answer {
  if (isAskedOf(way, target) && isOfProxy(status, headers)) {
    body.discard()
    throw refusedByProxy({ peer: way.peer, status, head: headers })
  }
  return { status, headers, body, discard: () => body.discard(), ms }
}

/** Squid and tinyproxy say so; 407 is a proxy's alone. What else a proxy answers cannot be told from the target's. */
function isOfProxy(status: number, headers: Answer['headers']): boolean {
  if (status < 400) return false
  if (status === 407 || headers['x-squid-error'] !== undefined) return true
  return [headers['server']].flat()[0]?.startsWith('tinyproxy/') === true
}
