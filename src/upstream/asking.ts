import { type Answer, type Door, EgressError, type Route } from '../egress/egress.ts'
import { readStart, readWhole } from './body.ts'
import { type AskedHop, isHtml, judgeAnswer, judgeFault } from './causes.ts'
import type { Clock } from './clock.ts'
import type { Authorization, Credentials, TokenFetcher, TokenRequest } from './credentials.ts'
import { Missed, type Whence, wrongAnswer } from './missed.ts'
import { plainText } from './plain-text.ts'
import { headersAcross, isRedirect, MOST_REDIRECTS, redirectTarget } from './redirects.ts'
import { tokenIn } from './token.ts'
import type { AttemptMade, Cause, Hop } from './upstream.ts'

/** One question to the upstream. */
export interface Ask {
  readonly hop: Exclude<AskedHop, 'token' | 'cdn'>
  readonly method: 'GET' | 'HEAD'
  /** The repository that is asked about: tokens are for one. */
  readonly repository: string
  /** Below `/v2/`, or as a `Link` had it. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Statuses that are an answer. Every other one is a failure. */
  readonly takes: readonly number[] | 'any'
}

export interface Reply extends Whence {
  readonly url: URL
  readonly headers: Answer['headers']
  /** Counted. Throws a `Missed` where it breaks. */
  readonly body: AsyncIterable<Uint8Array>
  discard(): void
}

/** What an attempt needs of its upstream. */
export interface Surroundings {
  /** Of the API; no slash at its end. */
  readonly base: URL
  readonly door: Door
  readonly credentials: Credentials
  /** Sent with every request: who is asking. */
  readonly agent: Readonly<Record<string, string>>
  readonly clock: Clock
  /** Headers of an answer of the registry itself. */
  readonly noteHeaders: (headers: Answer['headers']) => void
  readonly made: (made: AttemptMade) => void
  readonly received: (route: string, bytes: number, hop: Hop) => void
}

export interface AskingLimits {
  readonly signal: AbortSignal
  readonly connectMs: number
  /** Monotonic: nothing is waited for longer. */
  readonly until: number
}

interface Sending {
  readonly hop: AskedHop
  readonly method: 'GET' | 'HEAD'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** The operator did not choose the host. */
  readonly chosen: boolean
}

const LONGEST_TOKEN = 256 * 1024
/** A token that was kept, one that somebody else just got, and one of our own. */
const MOST_TOKENS = 2

/** One attempt by one route: its requests, with tokens and redirects, one after the other. */
export class Asking implements TokenFetcher {
  /** What it does now. */
  at: { readonly hop: AskedHop; readonly host: string; readonly route: string }
  readonly #route: Route
  readonly #around: Surroundings
  readonly #limits: AskingLimits
  #pending: (Omit<AttemptMade, 'cause' | 'ms'> & { readonly began: number }) | undefined

  constructor(route: Route, hop: AskedHop, around: Surroundings & { readonly limits: AskingLimits }) {
    this.#route = route
    this.#around = around
    this.#limits = around.limits
    this.at = { hop, host: around.base.host, route: route.name }
  }

  get route(): string {
    return this.#route.name
  }

  get egressRoute(): Route {
    return this.#route
  }

  get signal(): AbortSignal {
    return this.#limits.signal
  }

  /** Throws a `Missed`. The body of what is answered is read to its end, or discarded. */
  async ask(ask: Ask): Promise<Reply> {
    const { credentials, base } = this.#around
    // Names come checked; and nothing else may become part of a request.
    if (!/^[\x21-\x7e]+$/.test(ask.path)) throw new Error(`'${plainText(ask.path, 100)}' cannot be asked for`)
    // Behind the origin, not resolved against it: a `Link` may lead to `//other.example/`, and that is a path here.
    const path = ask.path.startsWith('/') ? ask.path : `${base.pathname.replace(/\/$/, '')}/v2/${ask.path}`
    const url = new URL(`${base.origin}${path}`)
    let authorization = await credentials.known(ask.repository, this)
    let restarted = false
    for (let tokens = 0; ; ) {
      const reply = await this.#follow(
        { ...ask, url, chosen: false, headers: this.#headersOf(ask, authorization) },
        base,
      )
      const taken = isTaken(ask, reply)
      const mayAuthorize = reply.hop !== 'cdn' && authorization?.fresh !== true && tokens < MOST_TOKENS
      // Of a HEAD any answer is one; but with a token it may be the one that spares a GET, which Docker Hub counts.
      if (taken && !(reply.status === 401 && mayAuthorize)) return reply

      const start = await readStart(reply)
      const refused = reply.status === 401 || (reply.status === 403 && authorization?.fresh === false)
      if (refused && mayAuthorize) {
        tokens += 1
        if (authorization !== undefined) credentials.drop(authorization)
        const next =
          reply.status === 401
            ? await credentials.answer(reply.headers['www-authenticate'], ask.repository, this)
            : await credentials.known(ask.repository, this)
        if (next !== undefined) {
          authorization = next
          continue
        }
      }
      if (taken) return reply
      // A signed address may have ended on the way: the registry signs another, once.
      if (reply.hop === 'cdn' && reply.status === 403 && !restarted) {
        restarted = true
        continue
      }
      throw this.#refusal(reply, start, authorization)
    }
  }

  async fetch({ url, headers, listed }: TokenRequest) {
    const sending = { hop: 'token', method: 'GET', url, chosen: !listed } as const
    const all = { ...this.#around.agent, accept: 'application/json', ...headers }
    const reply = await this.#follow({ ...sending, headers: all }, url)
    const isLogin = headers['authorization'] !== undefined && reply.hop === 'token'
    if (reply.status !== 200 || isHtml(reply.headers)) {
      throw this.#judged(reply, await readStart(reply), isLogin)
    }
    const bytes = await readWhole(reply, LONGEST_TOKEN)
    try {
      return tokenIn(Buffer.from(bytes).toString())
    } catch (cause) {
      throw wrongAnswer(reply, 'json', { cause })
    }
  }

  refused(): Missed {
    const { host, route } = this.at
    return wrongAnswer({ hop: 'token', host, route, status: 401 }, 'realm')
  }

  /** Notes what became of the request that was made last. */
  close(failed?: Pick<AttemptMade, 'cause' | 'facts'>): void {
    const { clock, made } = this.#around
    if (this.#pending === undefined) return
    const { began, ...request } = this.#pending
    this.#pending = undefined
    made({ ...request, ...failed, ms: clock.monotonic() - began })
  }

  /** A body broke off, long after its headers. */
  broke(from: Whence, cause: Cause): void {
    const { route, hop, host, status } = from
    this.#around.made({ route, hop, host, status, cause, ms: 0 })
  }

  #headersOf({ headers }: Ask, authorization: Authorization | undefined): Record<string, string> {
    const { agent } = this.#around
    return { ...agent, ...headers, ...(authorization !== undefined && { authorization: authorization.header }) }
  }

  #refusal(reply: Reply, start: string, authorization: Authorization | undefined): Missed {
    const missed = this.#judged(reply, start, authorization?.login === true && reply.hop !== 'cdn')
    const { cause, facts } = missed.judgement
    if (cause === 'credentials-rejected' && authorization !== undefined) {
      this.#around.credentials.reject(authorization, missed)
    }
    if (cause !== 'denied' || authorization?.withheld === undefined) return missed
    return new Missed({ ...missed.judgement, facts: { ...facts, realm: authorization.withheld } }, reply)
  }

  #judged(reply: Reply, start: string, loggedIn: boolean): Missed {
    const { hop, status, headers } = reply
    const proxy = this.#proxyOf(reply)
    const now = this.#around.clock.now()
    return new Missed(judgeAnswer({ hop, status, headers, start, loggedIn, now, ...(proxy && { proxy }) }), reply)
  }

  /** Who could have written an answer that came in the clear. */
  #proxyOf({ url, route }: Reply): string | undefined {
    return url.protocol === 'http:' && /^https?:/.test(route) ? route.replace(/^https?:\/\//, '') : undefined
  }

  /** Sends it, and goes where it is sent. */
  async #follow(first: Sending, home: URL): Promise<Reply> {
    let sending = first
    for (let redirects = 0; ; redirects += 1) {
      const reply = await this.#send(sending)
      if (!isRedirect(reply.status)) return reply
      reply.discard()
      const { url } = sending
      const to = redirects < MOST_REDIRECTS ? redirectTarget(url, reply.headers['location']) : undefined
      if (to === undefined) throw wrongAnswer(reply, 'redirect')
      const hop = first.hop !== 'token' && to.origin !== home.origin ? 'cdn' : sending.hop
      const chosen = first.chosen || to.origin !== home.origin
      sending = { ...sending, hop, url: to, chosen, headers: headersAcross(sending.headers, url, to) }
    }
  }

  async #send({ hop, method, url, headers, chosen }: Sending): Promise<Reply> {
    this.close()
    const { door, clock, base, noteHeaders } = this.#around
    const { signal, connectMs, until } = this.#limits
    const routes = door.routesTo(url)
    const route = routes.includes(this.#route) ? this.#route : (routes[0] ?? this.#route)
    const { host } = url
    this.at = { hop, host, route: route.name }
    const began = clock.monotonic()
    const headerMs = Math.max(until - began, 1)
    this.#pending = { ...this.at, began }
    try {
      const redirected = chosen && url.origin !== base.origin
      const answer = await door.send(
        { method, url, headers, connectMs, headerMs, signal, ...(redirected && { redirected }) },
        route,
      )
      const whence = { hop, host, route: route.name, status: answer.status }
      this.#pending = { ...whence, began }
      if (url.origin === base.origin) noteHeaders(answer.headers)
      const body = this.#counted(answer, whence)
      return { ...whence, url, headers: answer.headers, body, discard: () => answer.discard() }
    } catch (error) {
      if (!(error instanceof EgressError)) throw error
      const missed = new Missed(judgeFault(error, { hop, host }), { host, route: route.name }, error)
      this.#pending = { ...this.at, hop: missed.judgement.hop, began }
      throw missed
    }
  }

  async *#counted(answer: Answer, from: Whence): AsyncGenerator<Uint8Array> {
    try {
      for await (const part of answer.body) {
        this.#around.received(from.route, part.length, from.hop)
        yield part
      }
    } catch (error) {
      if (error instanceof EgressError) throw new Missed(judgeFault(error, from), from, error)
      throw error
    }
  }
}

/** A page is no answer, whatever its status says. */
function isTaken({ takes, method }: Ask, { status, headers }: Reply): boolean {
  if (method === 'HEAD') return status !== 429 && (takes === 'any' || takes.includes(status))
  return (takes === 'any' || takes.includes(status)) && !(status < 300 && isHtml(headers))
}
