import type { AskedHop } from './causes.ts'
import type { Failure, Hop } from './upstream.ts'

/** What is limited together: at Docker Hub blobs do not count, and without a token nothing is had. */
type Limited = 'token' | 'blob' | 'manifest'

/**
 * Whether an upstream works. Open, it has failed by every way, or is silent; whoever asks tries it all the same, as
 * seldom as `RouteHealth` lets them, and the first answer closes it. While it said to be asked too often it is not asked.
 */
export class Breaker {
  #failing: { readonly since: number; readonly failure: Failure } | undefined
  readonly #limits = new Map<Limited, Failure>()

  failed(failure: Failure): void {
    this.#failing = { since: this.#failing?.since ?? failure.at, failure }
  }

  worked(): void {
    this.#failing = undefined
  }

  limited(failure: Failure): void {
    this.#limits.set(limitedBy(failure.hop), failure)
  }

  /** What it said, while it must not be asked for this. */
  limitOn(hop: AskedHop, now: number): Failure | undefined {
    return [limitedBy(hop), 'token' as const].map((key) => this.#limits.get(key)).find((limit) => holds(limit, now))
  }

  state(now: number): { readonly since: number; readonly failure: Failure } | undefined {
    if (this.#failing !== undefined) return this.#failing
    const limit = [...this.#limits.values()].find((failure) => holds(failure, now))
    return limit && { since: limit.at, failure: limit }
  }
}

function limitedBy(hop: Hop): Limited {
  if (hop === 'token') return 'token'
  return hop === 'blob' || hop === 'cdn' ? 'blob' : 'manifest'
}

function holds(failure: Failure | undefined, now: number): boolean {
  return failure !== undefined && (failure.facts.retryAt ?? 0) > now
}
