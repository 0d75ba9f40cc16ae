import { Refusal } from '../oci/refusal.ts'
import { afterRound, failureOf, type Problem, SOUND, type Standing } from './standing.ts'

/** What the checks of `health.*` say now. */
export interface Health {
  /** Message of each check that fails, by its name: what `/debug/health` answers. */
  failing(): Readonly<Record<string, string>>
  /** False while the storage cannot be read. */
  readonly readable: boolean
  /** Why nothing can be written, while pulls go on. */
  readonly degraded: string | undefined
  /** Throws the refusal that a request gets while a check fails, and nothing otherwise. */
  admit(what: 'read' | 'write'): void
}

/** What a failing check keeps from being answered: all (as for registry:2), or what writes. */
type Stops = 'all' | 'writes'

export interface CheckKind {
  /** Told by `/debug/health`. */
  readonly name: string
  readonly stops: Stops
  /** Rounds that must fail one after the other; 0 is 1. */
  readonly threshold: number
  /** Milliseconds between rounds: when a client may try again. */
  readonly interval: number
  /** It says whether the storage can be read. */
  readonly storage?: boolean
}

type Changed = (kind: CheckKind, message: string | undefined) => void

/** The checks of a server, each reporting its rounds to its own entry. */
export class HealthBoard implements Health {
  readonly #entries: { readonly kind: CheckKind; standing: Standing }[] = []
  readonly #changed: Changed

  /** `changed`: told when a check begins to fail, or fails otherwise than before, and when it is sound again. */
  constructor(changed: Changed = () => undefined) {
    this.#changed = changed
  }

  /** Adds a check, which is sound. Returns where its rounds are reported: the problem, or `undefined`. */
  add(kind: CheckKind): (problem: Problem | undefined) => void {
    const entry: { readonly kind: CheckKind; standing: Standing } = { kind, standing: SOUND }
    this.#entries.push(entry)
    return (problem) => {
      const before = failureOf(entry.standing, kind.threshold)?.message
      entry.standing = afterRound(entry.standing, problem)
      const message = failureOf(entry.standing, kind.threshold)?.message
      if (message !== before) this.#changed(kind, message)
    }
  }

  failing(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#failures().map(({ kind, problem }) => [kind.name, problem.message]))
  }

  get readable(): boolean {
    return !this.#failures().some(({ kind }) => kind.storage === true && kind.stops === 'all')
  }

  get degraded(): string | undefined {
    return this.#failures().find(({ kind }) => kind.stops === 'writes')?.problem.message
  }

  admit(what: 'read' | 'write'): void {
    const failures = this.#failures()
    // What stops everything is told before what stops writes.
    const stopping =
      failures.find(({ kind }) => kind.stops === 'all') ??
      (what === 'write' ? failures.find(({ kind }) => kind.stops === 'writes') : undefined)
    if (stopping === undefined) return
    const { kind, problem } = stopping
    throw new Refusal(problem.full === true && kind.stops === 'writes' ? 'storage-full' : 'unavailable', {
      // What else is checked is no client's business: an address of the inner network, most likely.
      because: kind.storage === true ? problem.message : 'a health check fails, and /debug/health says which',
      retryAfter: Math.max(1, Math.ceil(kind.interval / 1_000)),
    })
  }

  #failures(): { readonly kind: CheckKind; readonly problem: Problem }[] {
    return this.#entries.flatMap(({ kind, standing }) => {
      const problem = failureOf(standing, kind.threshold)
      return problem === undefined ? [] : [{ kind, problem }]
    })
  }
}
