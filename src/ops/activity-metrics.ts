import type { Metrics } from '../base/metrics.ts'
import type { PullEnd } from '../registry/activity.ts'
import type { AttemptMade, Hop } from '../upstream/upstream.ts'
import { proxyMetrics } from './proxy-metrics.ts'

export interface ActivityMetrics {
  pulled(end: PullEnd): void
  coalesced(upstream: string): void
  attempt(upstream: string, made: AttemptMade): void
  received(upstream: string, route: string, bytes: number, hop: Hop): void
}

/**
 * Numbers of the cache: under the names of registry 3, and ours by upstream and route. Labels are names that the
 * operator configured, and words of closed lists.
 */
export function activityMetrics(metrics: Metrics): ActivityMetrics {
  const proxy = proxyMetrics(metrics)
  const answers = metrics.counter({
    name: 'homeport_upstream_answers_total',
    help: 'What came of requests for cached content: hit, fetched, stale or failed.',
    labels: ['upstream', 'kind', 'outcome'],
  })
  const failures = metrics.counter({
    name: 'homeport_upstream_failures_total',
    help: 'Requests of clients that an upstream failed or made stale, by cause.',
    labels: ['upstream', 'route', 'hop', 'cause'],
  })
  const requests = metrics.counter({
    name: 'homeport_upstream_requests_total',
    help: 'Requests to upstreams, token servers and CDNs; result: ok, or the cause of the failure.',
    labels: ['upstream', 'route', 'hop', 'result'],
  })
  const received = metrics.counter({
    name: 'homeport_upstream_received_bytes_total',
    help: 'Bytes of bodies that came from upstreams.',
    labels: ['upstream', 'route'],
  })
  const resumes = metrics.counter({
    name: 'homeport_upstream_resumes_total',
    help: 'Downloads that an upstream went on with in the middle.',
    labels: ['upstream', 'route'],
  })
  const coalesced = metrics.counter({
    name: 'homeport_upstream_coalesced_readers_total',
    help: 'Readers of a download that was running for another one.',
    labels: ['upstream'],
  })

  return {
    pulled({ upstream, kind, outcome, failure }) {
      answers({ upstream, kind, outcome })
      if (failure !== undefined) {
        const { route, hop, cause } = failure
        failures({ upstream, route, hop, cause })
      }
      proxy.pulled(kind, outcome)
    },
    coalesced: (upstream) => coalesced({ upstream }),
    attempt(upstream, { route, hop, status, cause }) {
      requests({ upstream, route, hop, result: cause ?? 'ok' })
      // Only of a part is answered with 206, and nothing but what is missing is asked for.
      if (cause === undefined && status === 206) resumes({ upstream, route })
    },
    received(upstream, route, bytes, hop) {
      received({ upstream, route }, bytes)
      proxy.received(hop, bytes)
    },
  }
}
