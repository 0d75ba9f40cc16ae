import { Refusal, type RefusalKind } from '../oci/refusal.ts'
import { type Cause, type Failure, sentenceOf } from '../upstream/upstream.ts'

/** What a client is told when an upstream has not got what he asked for. */
export type Missing = 'manifest-unknown' | 'blob-unknown' | 'name-unknown'

/** Each cause: only the registry's own word makes it *unknown*. */
const KINDS: Readonly<Record<Exclude<Cause, 'not-found'>, RefusalKind>> = {
  'name-not-resolved': 'upstream-unavailable',
  'connection-refused': 'upstream-unavailable',
  'proxy-refused': 'upstream-unavailable',
  'tls-untrusted': 'upstream-unavailable',
  'credentials-rejected': 'upstream-denied',
  denied: 'upstream-denied',
  blocked: 'upstream-denied',
  'rate-limited': 'rate-limited',
  'upstream-broken': 'upstream-unavailable',
  timeout: 'upstream-timeout',
}

/** Seconds, where the upstream does not say when it may be asked again. */
const RETRY_AFTER = 60

export interface RefusalContext {
  readonly missing: Missing
  /** Epoch milliseconds. */
  readonly now: number
  /** Since when the upstream fails, as its breaker has it. */
  readonly since?: number | undefined
  /** What else there is to know. */
  readonly beside?: string
}

/** An upstream's failure, as the client is told: the sentence, and the same for programs. */
export function refusalOf(failure: Failure, { missing, now, since, beside }: RefusalContext): Refusal {
  const { cause, hop, upstream, route, status, facts } = failure
  const kind = cause === 'not-found' ? missing : KINDS[cause]
  const failing = since === undefined ? undefined : new Date(since).toISOString()
  return new Refusal(kind, {
    because: `${sentenceOf(failure)}${failing === undefined ? '' : ` (failing since ${failing})`}${beside === undefined ? '' : `; ${beside}`}`,
    detail: {
      ...{ cause, hop, upstream, route },
      ...(status !== undefined && { status }),
      ...facts,
      ...(failing !== undefined && { since: failing }),
    },
    ...(kind === 'rate-limited' && { retryAfter: secondsUntil(facts.retryAt, now) }),
  })
}

/** Of what is cached by nobody, where nothing may be asked. */
export function notCached(name: string, upstream: string, why: 'cacheonly' | 'offline'): Refusal {
  const setting = why === 'offline' ? 'egress.offline' : `upstreams.${upstream}.cacheonly`
  return new Refusal('not-cached', { because: `${name}; ${setting} is set`, detail: { cause: why, upstream } })
}

function secondsUntil(retryAt: number | undefined, now: number): number {
  return retryAt === undefined ? RETRY_AFTER : Math.max(1, Math.ceil((retryAt - now) / 1000))
}
