import type { Log } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { Activity, PullEnd } from '../registry/activity.ts'
import type { AttemptMade, Failure, UpstreamObserver } from '../upstream/upstream.ts'
import { ActivityLog } from './activity-log.ts'
import { activityMetrics } from './activity-metrics.ts'
import { isOfOneImage } from './signs.ts'
import { isSlowed, traceOf } from './trace-of.ts'
import { TroubleRecord } from './trouble-record.ts'
import { Troubles } from './troubles.ts'

export interface ActivityOptions {
  readonly log: Log
  readonly metrics: Metrics
  readonly catalog: Pick<Catalog, 'failures' | 'write'>
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

/** Log, metrics and record of what the cache does. Closing it writes the record. */
export interface OpenActivity extends AsyncDisposable {
  /** For the registry. */
  readonly activity: Activity
  /** For upstreams. */
  readonly observer: UpstreamObserver
  /** Resolves when all that happened is in the catalog. */
  flush(): Promise<void>
}

export async function openActivity({ log, metrics, catalog, now, sleep }: ActivityOptions): Promise<OpenActivity> {
  const lines = new ActivityLog(log, now)
  const troubles = new Troubles(await catalog.failures())
  const record = new TroubleRecord({ catalog, troubles, sleep, report: (what, facts) => log.error(facts, what) })
  const counted = activityMetrics(metrics)

  function sign(failure: Failure, attempts: readonly AttemptMade[], request?: string): void {
    const counts = isOfOneImage(failure.cause) || !attempts.some((made) => isSame(made, failure))
    troubles.sign({ failure, count: counts ? 1 : 0, ...(request !== undefined && { request }) }, true)
  }

  function say(end: PullEnd): void {
    const { failure, outcome } = end
    if (failure === undefined) {
      if (isSlowed(end)) lines.slowed(end)
    } else if (outcome === 'stale') lines.stale(end, failure)
    else lines.failed(end, failure)
  }

  return {
    activity: {
      pulled(end) {
        const { asker, failure, attempts } = end
        counted.pulled(end)
        say(end)
        if (failure !== undefined) sign(failure, attempts, asker.id)
        const trace = traceOf(end, now())
        if (trace !== undefined) record.note(trace)
      },
      failedBehind(failure, what) {
        lines.behind(failure, what)
        troubles.sign({ failure, count: 0 }, true)
        record.note()
      },
      coalesced: (upstream) => counted.coalesced(upstream),
    },
    observer: {
      attempt(upstream, made) {
        counted.attempt(upstream, made)
        const at = now()
        const { cause } = made
        if (cause !== undefined && !isOfOneImage(cause)) {
          troubles.sign({ failure: failureOf(upstream, made, cause, at), count: 1 })
        }
        const recovery = troubles.over(upstream, made, at)
        if (recovery !== undefined) lines.recovered(recovery)
        if (troubles.changed) record.note()
      },
      received: (upstream, route, bytes, hop) => counted.received(upstream, route, bytes, hop),
    },
    flush: () => record.flush(),
    [Symbol.asyncDispose]: () => record[Symbol.asyncDispose](),
  }
}

function isSame(made: AttemptMade, { cause, route }: Failure): boolean {
  return made.cause === cause && made.route === route
}

/** As much as an attempt tells of it. */
function failureOf(upstream: string, made: AttemptMade, cause: Failure['cause'], at: number): Failure {
  const { hop, route, host, status, ms, facts = cause === 'timeout' ? { waited: Math.round(ms) } : {} } = made
  return {
    ...{ cause, hop, upstream, route, host, at, facts },
    ...(status !== undefined && { status }),
  }
}
