import type { Route } from '../egress/egress.ts'
import type { Clock } from './clock.ts'
import type { Failure } from './upstream.ts'

/** How a route failed lately. Times are of the monotonic clock. */
export interface Standing {
  readonly failure: Failure
  /** In a row. */
  readonly failures: number
  readonly failedAt: number
  /** When the next attempt may begin. */
  readonly dueAt: number
}

/** Milliseconds between attempts while nothing works: the first ones soon, for many a fault is over at once. */
const SOONEST = 50
const LATEST = 800

export function pauseAfter(failures: number): number {
  return Math.min(SOONEST * 2 ** Math.min(failures - 1, 10), LATEST)
}

/** Milliseconds after which a route is tried first again although another works. */
function coolDown(failures: number): number {
  return Math.min(1_000 * 2 ** Math.min(failures - 1, 10), 30_000)
}

/** In which order to try: as configured, those last that failed a short time ago. Pure. */
function orderOf<R>(routes: readonly R[], standingOf: (route: R) => Standing | undefined, now: number): R[] {
  const isGood = (route: R) => {
    const standing = standingOf(route)
    return standing === undefined || now >= Math.max(standing.dueAt, standing.failedAt + coolDown(standing.failures))
  }
  return [...routes.filter(isGood), ...routes.filter((route) => !isGood(route))]
}

/**
 * What each way to one upstream did lately, and who may try one that fails: one attempt at a time for all who wait, at
 * least one a second, and everybody at once when it works again.
 */
export class RouteHealth {
  readonly #clock: Clock
  readonly #standings = new Map<Route, Standing>()
  readonly #waiting = new Map<Route, Set<() => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  order(routes: readonly Route[]): Route[] {
    return orderOf(routes, (route) => this.#standings.get(route), this.#clock.monotonic())
  }

  failureOf(route: Route): Failure | undefined {
    return this.#standings.get(route)?.failure
  }

  worked(route: Route): void {
    this.#standings.delete(route)
    for (const wake of this.#waiting.get(route) ?? []) wake()
  }

  /** `began`: of the attempt, so that those that fail together count once. `rest`: milliseconds before the next. */
  failed(
    route: Route,
    failure: Failure,
    { began, rest }: { readonly began: number; readonly rest?: number | undefined },
  ): void {
    const now = this.#clock.monotonic()
    const before = this.#standings.get(route)
    const again = before !== undefined && began < before.failedAt
    const failures = (before?.failures ?? 0) + (again ? 0 : 1)
    const dueAt = Math.max(now + (rest ?? pauseAfter(failures)), again ? before.dueAt : 0)
    this.#standings.set(route, { failure, failures, failedAt: now, dueAt })
  }

  /** Resolves when the route may be tried. `held`: not before `until`. Rejects when the signal fires. */
  async turn(route: Route, { until, signal }: { until: number; signal: AbortSignal }): Promise<'go' | 'held'> {
    for (;;) {
      signal.throwIfAborted()
      const standing = this.#standings.get(route)
      const now = this.#clock.monotonic()
      if (standing === undefined) return 'go'
      if (now >= standing.dueAt) {
        this.#standings.set(route, { ...standing, dueAt: now + LATEST })
        return 'go'
      }
      if (standing.dueAt > until) return 'held'
      await this.#sleep(route, { ms: standing.dueAt - now, signal })
    }
  }

  /** Until then, or until the route works. */
  async #sleep(route: Route, { ms, signal }: { ms: number; signal: AbortSignal }): Promise<void> {
    const woken = new AbortController()
    const wake = () => woken.abort()
    const waiting = this.#waiting.get(route) ?? new Set()
    this.#waiting.set(route, waiting.add(wake))
    try {
      await this.#clock.sleep(ms, AbortSignal.any([signal, woken.signal]))
    } catch (error) {
      if (!woken.signal.aborted) throw error
    } finally {
      waiting.delete(wake)
    }
  }
}
