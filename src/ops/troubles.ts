import type { FailureRecord } from '../catalog/catalog.ts'
import type { AttemptMade, Failure } from '../upstream/upstream.ts'
import { afterSign, endsFailure, failureIn, isOfOneImage, type Sign } from './signs.ts'

interface Known {
  readonly record: FailureRecord
  /** Its last sign. */
  readonly failure: Failure
  /** The operator has heard of it, and hears of its end. */
  readonly told: boolean
}

/** What was wrong by one route, when it is no longer. */
export interface Recovery {
  readonly upstream: string
  readonly route: string
  readonly causes: readonly string[]
  /** Epoch milliseconds. */
  readonly since: number
  readonly signs: number
}

/**
 * What is wrong with upstreams, and what was: one record for each cause by each route. There are as many as upstreams,
 * routes and causes, for only what is configured is ever asked.
 */
export class Troubles {
  readonly #known = new Map<string, Known>()
  readonly #changed = new Set<string>()

  /** `records`: what was known before the last restart. */
  constructor(records: readonly FailureRecord[]) {
    for (const record of records) this.#keep(record, record.endedAt === undefined)
  }

  /** `told`: the operator hears of it now. */
  sign(sign: Sign, told = false): void {
    const known = this.#known.get(keyOf(sign.failure))
    const record = afterSign(known?.record, sign)
    const stands = record.endedAt === undefined
    const before = known?.record.endedAt === undefined && known?.told === true
    this.#changed.add(this.#keep(record, stands && (told || before)))
  }

  /** What an attempt that was made shows to be over. `undefined`: nothing that anybody was told of. */
  over(upstream: string, made: AttemptMade, at: number): Recovery | undefined {
    const ended: FailureRecord[] = []
    for (const { record, failure, told } of this.#known.values()) {
      if (record.endedAt !== undefined || record.upstream !== upstream) continue
      if (!endsFailure(failure, made)) continue
      this.#changed.add(this.#keep({ ...record, endedAt: at }, false))
      if (told && !isOfOneImage(failure.cause)) ended.push(record)
    }
    if (ended.length === 0) return undefined
    return {
      ...{ upstream, route: made.route, causes: ended.map(({ cause }) => cause) },
      since: Math.min(...ended.map(({ since }) => since)),
      signs: ended.reduce((sum, { signs }) => sum + signs, 0),
    }
  }

  get changed(): boolean {
    return this.#changed.size > 0
  }

  /** Records that have changed since this was called last. */
  takeChanged(): FailureRecord[] {
    const records = [...this.#changed].flatMap((key) => this.#known.get(key)?.record ?? [])
    this.#changed.clear()
    return records
  }

  #keep(record: FailureRecord, told: boolean): string {
    const key = keyOf(record)
    this.#known.set(key, { record, failure: failureIn(record.facts), told })
    return key
  }
}

function keyOf({ upstream, route, cause }: { upstream: string; route: string; cause: string }): string {
  return `${upstream} ${route} ${cause}`
}
