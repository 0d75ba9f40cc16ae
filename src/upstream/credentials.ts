import type { Secret } from '../base/secret.ts'
import { type Plan, parseChallenges, planFor } from './challenge.ts'
import type { Clock } from './clock.ts'
import { Missed } from './missed.ts'
import { judgeRealm, type RealmRules } from './realm.ts'
import type { Token } from './token.ts'

/** What is sent to say who we are. */
export interface Authorization {
  readonly header: string
  /** Got for this very request: asking once more brings nothing else. */
  readonly fresh: boolean
  /** Our name and password are in it, or it was got with them. */
  readonly login: boolean
  /** The realm that was not told who we are. */
  readonly withheld?: string
  readonly key: string
}

export interface TokenRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** The operator knows of the host. */
  readonly listed: boolean
}

/** How a token is fetched: by one route, with its own time. Throws `Missed`. */
export interface TokenFetcher {
  readonly route: string
  readonly signal: AbortSignal
  fetch(request: TokenRequest): Promise<Token>
  /** The realm is one where nobody is asked. */
  refused(): Missed
}

export interface CredentialsOptions extends RealmRules {
  readonly login?: { readonly username: string; readonly password: Secret } | undefined
  readonly clock: Clock
}

interface Flight {
  readonly began: number
  readonly token: Promise<string>
}

/** Longer nobody waits for somebody else's request. */
const PATIENCE = 5_000
/** Accounts lock. */
const REST = 30_000
/** As many repositories and tokens are remembered. */
const MOST = 1_000

/**
 * Who we are to one upstream. Tokens are kept by realm, service, scope and login until they end, by our own clock
 * from when they came; one request at a time fetches one.
 *
 * Invariant: the login goes to the upstream's own origin and to realms that are listed, nowhere else.
 */
export class Credentials {
  readonly #options: CredentialsOptions
  readonly #plans = new Map<string, Plan>()
  readonly #tokens = new Map<string, { readonly header: string; readonly until: number }>()
  readonly #flights = new Map<string, Flight>()
  readonly #rejected = new Map<string, { readonly missed: Missed; readonly until: number }>()

  constructor(options: CredentialsOptions) {
    this.#options = options
  }

  /** What the repository wanted last time. */
  async known(repository: string, by: TokenFetcher): Promise<Authorization | undefined> {
    const plan = this.#plans.get(repository)
    return plan && (await this.#follow(plan, by))
  }

  /** Does what a 401 asks for; `undefined`: there is nothing that we could. */
  async answer(
    header: string | readonly string[] | undefined,
    repository: string,
    by: TokenFetcher,
  ): Promise<Authorization | undefined> {
    const plan = planFor(parseChallenges(header), repository)
    if (plan === undefined) return undefined
    const authorization = await this.#follow(plan, by)
    if (authorization !== undefined) keep(this.#plans, repository, plan)
    return authorization
  }

  /** It was not taken, though it was thought to be good. */
  drop({ key, header }: Authorization): void {
    if (this.#tokens.get(key)?.header === header) this.#tokens.delete(key)
  }

  /** The login itself was not taken: it is not sent again for a while. */
  reject({ key }: Pick<Authorization, 'key'>, missed: Missed): void {
    keep(this.#rejected, key, { missed, until: this.#options.clock.monotonic() + REST })
  }

  async #follow(plan: Plan, by: TokenFetcher): Promise<Authorization | undefined> {
    const { login, clock } = this.#options
    if (plan.kind === 'basic') {
      if (login === undefined) return undefined
      this.#refuseRejected('basic')
      return { header: basicOf(login), fresh: true, login: true, key: 'basic' }
    }
    const realm = judgeRealm(plan.realm, this.#options)
    if (realm === undefined) throw by.refused()
    const trusted = realm.trusted && login !== undefined
    const key = JSON.stringify([realm.url.href, plan.service, plan.scope, trusted ? login.username : undefined])
    const about = { login: trusted, key, ...(login && !realm.trusted && { withheld: realm.url.host }) }

    const kept = this.#tokens.get(key)
    if (kept !== undefined && clock.monotonic() < kept.until) return { header: kept.header, fresh: false, ...about }
    this.#refuseRejected(key)
    const url = new URL(realm.url)
    if (plan.service !== '') url.searchParams.set('service', plan.service)
    url.searchParams.set('scope', plan.scope)
    const headers = trusted ? { authorization: basicOf(login) } : {}
    const header = await this.#fetched({ url, headers, listed: realm.trusted }, { key, by, login: trusted })
    return { header, fresh: true, ...about }
  }

  /** One request for all who want the token by this route. */
  async #fetched(request: TokenRequest, options: { key: string; by: TokenFetcher; login: boolean }): Promise<string> {
    const { key, by } = options
    const flightKey = `${by.route} ${key}`
    const running = this.#flights.get(flightKey)
    if (running !== undefined && this.#options.clock.monotonic() - running.began < PATIENCE) {
      try {
        return await running.token
      } catch (error) {
        // Whoever asked may have left; then we ask ourselves.
        if (error instanceof Missed || by.signal.aborted) throw error
      }
    }
    const flight = { began: this.#options.clock.monotonic(), token: this.#fetch(request, options) }
    this.#flights.set(flightKey, flight)
    try {
      return await flight.token
    } finally {
      if (this.#flights.get(flightKey) === flight) this.#flights.delete(flightKey)
    }
  }

  async #fetch(
    request: TokenRequest,
    { key, by, login }: { key: string; by: TokenFetcher; login: boolean },
  ): Promise<string> {
    try {
      const { token, lifetime } = await by.fetch(request)
      const header = `Bearer ${token}`
      // A tenth of its life early, so that it does not end on its way.
      const until = this.#options.clock.monotonic() + lifetime - Math.min(lifetime / 10, 30_000)
      keep(this.#tokens, key, { header, until })
      return header
    } catch (error) {
      if (login && error instanceof Missed && error.judgement.cause === 'credentials-rejected') {
        this.reject({ key }, error)
      }
      throw error
    }
  }

  #refuseRejected(key: string): void {
    const rejected = this.#rejected.get(key)
    if (rejected !== undefined && this.#options.clock.monotonic() < rejected.until) throw rejected.missed
  }
}

function basicOf({ username, password }: { username: string; password: Secret }): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > MOST && oldest !== undefined) map.delete(oldest)
}
