import type { FailureRecord } from '../catalog/catalog.ts'
import type { AttemptMade, Cause, Failure } from '../upstream/upstream.ts'

/** What an upstream says of one image, and nothing is wrong with it. */
const OF_ONE_IMAGE: ReadonlySet<Cause> = new Set(['not-found', 'denied'])

export function isOfOneImage(cause: Cause): boolean {
  return OF_ONE_IMAGE.has(cause)
}

export interface Sign {
  readonly failure: Failure
  /** How many signs this is: none where the attempts of it were counted. */
  readonly count: number
  /** Who met it. */
  readonly request?: string
}

/** What is known of a failure after one more sign of it. A first one counts at least once. */
export function afterSign(before: FailureRecord | undefined, { failure, count, request }: Sign): FailureRecord {
  const { upstream, route, cause, at } = failure
  const met = request === undefined ? {} : { request }
  const first = { upstream, route, cause, facts: JSON.stringify(failure), ...met }
  const begins = Math.max(count, 1)
  if (before === undefined) {
    return { ...first, firstAt: at, lastAt: at, count: begins, since: at, signs: begins }
  }
  const { endedAt, ...going } = before
  if (endedAt === undefined) {
    return {
      ...{ ...going, ...first, facts: moreOf(before.facts, failure), lastAt: Math.max(before.lastAt, at) },
      ...{ count: before.count + count, signs: before.signs + count },
    }
  }
  // Somebody is told of it late.
  if (at <= endedAt) return { ...before, ...met }
  return { ...going, ...first, lastAt: at, count: before.count + begins, since: at, signs: begins }
}

/** An attempt tells less than what a client is told: that is kept while it is the same. */
function moreOf(before: string, failure: Failure): string {
  const old = failureIn(before)
  const isBare = Object.keys(failure.facts).length === 0
  const same = old.hop === failure.hop && old.host === failure.host && old.status === failure.status
  return JSON.stringify(isBare && same ? { ...failure, facts: old.facts } : failure)
}

export function failureIn(facts: string): Failure {
  return JSON.parse(facts) as Failure
}

/** Whether an attempt shows that what failed does so no longer. */
export function endsFailure(failure: Failure, made: AttemptMade): boolean {
  const samePlace = made.host === failure.host || (made.hop === 'cdn' && failure.hop === 'cdn')
  if (made.route !== failure.route || !samePlace) return false
  return NEED_SUCCESS.has(failure.cause) ? succeeded(made) : succeeded(made) || answered(made)
}

/** Where the upstream was reached, and that alone shows nothing. */
const NEED_SUCCESS: ReadonlySet<Cause> = new Set([
  ...['credentials-rejected', 'denied', 'blocked', 'not-found', 'rate-limited', 'upstream-broken'],
] as Cause[])

function succeeded({ cause, status }: AttemptMade): boolean {
  return cause === undefined && status !== undefined && status < 400
}

function answered({ cause, status }: AttemptMade): boolean {
  const itsWord = cause === undefined || OF_ONE_IMAGE.has(cause) || cause === 'credentials-rejected'
  return itsWord && status !== undefined && status < 500
}
