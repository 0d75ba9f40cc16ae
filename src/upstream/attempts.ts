import type { Route } from '../egress/egress.ts'
import type { Asking, Surroundings } from './asking.ts'
import type { Breaker } from './breaker.ts'
import { type AskedHop, judgeSilence } from './causes.ts'
import { failureFrom } from './failure.ts'
import { Missed } from './missed.ts'
import { OneAttempt } from './one-attempt.ts'
import { pauseAfter, type RouteHealth } from './route-health.ts'
import { mostTelling } from './telling.ts'
import { TIMES } from './times.ts'
import { type AttemptMade, type Cause, type Failure, type Running, UpstreamFailure } from './upstream.ts'

/** What is to be had, and how by one route. */
export interface Task<T> {
  readonly hop: AskedHop
  /** Throws a `Missed`. */
  readonly work: (asking: Asking) => Promise<T>
  /** Lets go of what came too late. */
  readonly drop?: (value: T) => void
}

export interface AttemptsOptions extends Omit<Surroundings, 'made'> {
  readonly name: string
  readonly health: RouteHealth
  readonly breaker: Breaker
  readonly made: (made: AttemptMade) => void
  /** The upstream is closed. */
  readonly closing: AbortSignal
}

type Outcome = 'over' | 'again' | 'silent'

/** More are not kept for `why`. */
const MOST_NOTED = 100

/**
 * Gets one thing, by whatever route brings it first.
 *
 * Each route has a worker: the first begins at once, the next when the one before it has failed or is silent. A worker
 * tries again while the fault may pass and there is time. The first attempt of each is patient: it goes on behind when
 * others begin, so that a slow line brings it in the end.
 */
export class Attempts<T> implements Running<T> {
  readonly value: Promise<T>
  readonly attempts: AttemptMade[] = []
  readonly #task: Task<T>
  readonly #options: AttemptsOptions
  readonly #outcome = Promise.withResolvers<T>()
  /** No attempt begins any more. */
  readonly #over = new AbortController()
  readonly #settled = new AbortController()
  readonly #failures = new Map<Route, Failure>()
  readonly #going = new Set<OneAttempt>()
  readonly #releases: PromiseWithResolvers<void>[]
  readonly #routes: readonly Route[]
  readonly #began: number
  #working: number

  constructor(task: Task<T>, options: AttemptsOptions) {
    this.#task = task
    this.#options = options
    this.value = this.#outcome.promise
    this.value.catch(() => undefined)
    this.#began = options.clock.monotonic()
    this.#routes = options.health.order(options.door.routesTo(options.base))
    this.#releases = this.#routes.map(() => Promise.withResolvers())
    this.#working = this.#routes.length
    this.#begin()
  }

  waiting(): Failure {
    const now = this.#options.clock.monotonic()
    const known = new Map(this.#failures)
    // The oldest of a route last, so that it is the one that counts.
    for (const one of [...this.#going].reverse()) {
      const isSilent = one.waited >= TIMES.opens || !known.has(one.route)
      if (isSilent) known.set(one.route, this.#failureOf(one.silence()))
    }
    return mostTelling([...known.values()]) ?? this.#others() ?? this.#nothing(now)
  }

  /** What others met, of whom this one waited to be let in. */
  #others(): Failure | undefined {
    return mostTelling(this.#routes.flatMap((route) => this.#options.health.failureOf(route) ?? []))
  }

  #nothing(now: number): Failure {
    const { base } = this.#options
    const judgement = judgeSilence(this.#task.hop, now - this.#began)
    return this.#failureOf(new Missed(judgement, { host: base.host, route: this.#routes[0]?.name ?? 'direct' }))
  }

  #begin(): void {
    const { breaker, clock, closing } = this.#options
    const limit = breaker.limitOn(this.#task.hop, clock.now())
    if (limit !== undefined) this.#lose(limit)
    if (closing.aborted) this.#crash(closing.reason)
    if (this.#isSettled) return
    const onClose = () => this.#crash(closing.reason)
    closing.addEventListener('abort', onClose, { once: true })
    this.#settled.signal.addEventListener('abort', () => closing.removeEventListener('abort', onClose), { once: true })
    this.#after(TIMES.begins, () => this.#over.abort())
    this.#after(TIMES.longest, () => this.#lose(this.waiting()))
    this.#releases[0]?.resolve()
    for (const [index, route] of this.#routes.entries()) {
      this.#worker(route, index).then(
        () => {
          this.#working -= 1
          this.#endIfNothingGoes()
        },
        (error: unknown) => this.#crash(error),
      )
    }
  }

  async #worker(route: Route, index: number): Promise<void> {
    const over = this.#over.signal
    await Promise.race([this.#releases[index]?.promise, aborted(over)])
    const { health, clock } = this.#options
    let patient = true
    for (let tries = 0; !over.aborted; tries += 1) {
      // Where others find the route good, and only what is asked for fails again and again.
      if (tries > 0) await clock.sleep(Math.min(pauseAfter(tries), TIMES.retry), over).catch(() => undefined)
      const turn = await health.turn(route, { until: this.#began + TIMES.begins, signal: over }).catch(() => 'over')
      if (turn === 'go') {
        const outcome = await this.#attempt(route, { index, patient })
        if (outcome === 'silent') patient = false
        if (outcome !== 'over') {
          this.#releases[index + 1]?.resolve()
          continue
        }
      }
      this.#releases[index + 1]?.resolve()
      return
    }
  }

  async #attempt(route: Route, { index, patient }: { index: number; patient: boolean }): Promise<Outcome> {
    const one = this.#start(route, index)
    const result = this.#follow(one)
    const isSilent = (ms: number) => one.isSilent(ms, this.#over.signal)
    const { breaker, health } = this.#options
    if (one.probe && (await isSilent(TIMES.probe))) this.#releases[index + 1]?.resolve()
    if (await isSilent(TIMES.opens)) breaker.failed(this.#failureOf(one.silence()))
    if (await isSilent(TIMES.hedge)) {
      health.failed(route, this.#failureOf(one.silence()), one)
      this.#releases[index + 1]?.resolve()
    }
    if (await isSilent(TIMES.silence)) {
      if (patient) return 'silent'
      this.#miss(one, one.silence())
      one.giveUp()
      return 'again'
    }
    return one.isEnded ? await result : 'over'
  }

  #start(route: Route, index: number): OneAttempt {
    const { clock, health } = this.#options
    const left = Math.max(this.#began + TIMES.answer - clock.monotonic(), 1)
    const connectMs = Math.min(TIMES.connect, Math.ceil(left / (this.#routes.length - index)))
    const one = new OneAttempt(route, {
      hop: this.#task.hop,
      around: { ...this.#options, made: (made) => this.#note(made) },
      limits: { connectMs, until: this.#began + TIMES.longest },
      probe: health.failureOf(route) !== undefined && index < this.#routes.length - 1,
    })
    this.#going.add(one)
    return one
  }

  /** Settles what the attempt decides. Never rejects. */
  async #follow(one: OneAttempt): Promise<Outcome> {
    const { health, breaker } = this.#options
    try {
      const value = await this.#task.work(one.asking)
      health.worked(one.route)
      breaker.worked()
      one.asking.close()
      if (this.#isSettled) this.#task.drop?.(value)
      else this.#win(value, one)
      return 'over'
    } catch (error) {
      if (one.isGivenUp) return 'over'
      if (error instanceof Missed) return this.#miss(one, error)
      this.#crash(error)
      return 'over'
    } finally {
      one.end()
      this.#going.delete(one)
      this.#endIfNothingGoes()
    }
  }

  #miss({ asking, route, began }: OneAttempt, missed: Missed): Outcome {
    const { health, breaker } = this.#options
    const { cause, facts, next, ofRoute, rest } = missed.judgement
    const failure = this.#failureOf(missed)
    asking.close({ cause, facts })
    // One that had little time says less than what came before it.
    if (cause !== 'timeout' || !this.#failures.has(route)) this.#failures.set(route, failure)
    if (ofRoute) health.failed(route, failure, { began, rest })
    if (ofRoute && this.#routes.every((other) => this.#failures.has(other))) {
      breaker.failed(mostTelling([...this.#failures.values()]) ?? failure)
    }
    if (cause === 'rate-limited') breaker.limited(failure)
    if (isItsWord(cause)) {
      health.worked(route)
      breaker.worked()
    }
    if (next === 'end') this.#lose(failure)
    return next === 'again' ? 'again' : 'over'
  }

  #failureOf(missed: Missed): Failure {
    const { name, clock } = this.#options
    return failureFrom(missed, { name, now: clock.now() })
  }

  #note(made: AttemptMade): void {
    const { facts: _, ...kept } = made
    if (this.attempts.length < MOST_NOTED) this.attempts.push(kept)
    this.#options.made(made)
  }

  #win(value: T, winner: OneAttempt): void {
    this.#settle(winner)
    this.#outcome.resolve(value)
  }

  #lose(failure: Failure): void {
    this.#settle()
    this.#outcome.reject(new UpstreamFailure(failure))
  }

  /** A fault of ours. */
  #crash(error: unknown): void {
    this.#settle()
    this.#outcome.reject(error)
  }

  get #isSettled(): boolean {
    return this.#settled.signal.aborted
  }

  #settle(winner?: OneAttempt): void {
    if (this.#isSettled) return
    for (const one of this.#going) {
      if (one === winner) continue
      if (one.waited >= TIMES.hedge) one.asking.close({ cause: 'timeout' })
      if (!one.probe || winner === undefined) one.giveUp()
      else void this.#giveUpInTime(one)
    }
    this.#settled.abort()
    this.#over.abort()
  }

  /** A probe that nobody waits for: a body that drips would hold its connection for ever. */
  async #giveUpInTime(one: OneAttempt): Promise<void> {
    if (await one.isSilent(TIMES.longest, this.#options.closing)) one.giveUp()
  }

  #endIfNothingGoes(): void {
    if (this.#working === 0 && this.#going.size === 0 && !this.#isSettled) this.#lose(this.waiting())
  }

  #after(ms: number, act: () => void): void {
    this.#options.clock.sleep(ms, this.#settled.signal).then(act, () => undefined)
  }
}

/** The upstream works, though it says no. */
function isItsWord(cause: Cause): boolean {
  return cause === 'not-found' || cause === 'denied' || cause === 'credentials-rejected'
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
