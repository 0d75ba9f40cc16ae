import type { Metrics } from '../base/metrics.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** One that does not work now. Told to everybody: nothing of routes and hosts. */
export interface FailingUpstream {
  readonly name: string
  readonly cause: string
  /** ISO 8601. */
  readonly since: string
}

type Asked = Pick<Upstream, 'name' | 'state'>

/** In the order of the configuration. Nobody is asked: it is what the last request met. */
export function failingUpstreams(upstreams: Iterable<Asked>): FailingUpstream[] {
  return [...upstreams].flatMap((upstream) => {
    const { failing } = upstream.state()
    if (failing === undefined) return []
    return [{ name: upstream.name, cause: failing.failure.cause, since: new Date(failing.since).toISOString() }]
  })
}

/** How upstreams stand, for whoever looks at the numbers. */
export function watchUpstreams(metrics: Metrics, upstreams: () => Iterable<Asked>): void {
  metrics.readings({
    name: 'homeport_upstream_breaker_open',
    help: '1: the upstream fails, and what is cached is answered at once.',
    labels: ['upstream'],
    *read() {
      for (const { name, state } of told(upstreams())) yield [{ upstream: name }, state.failing === undefined ? 0 : 1]
    },
  })
  metrics.readings({
    name: 'homeport_upstream_route_failing',
    help: '1: the way out failed at its last try.',
    labels: ['upstream', 'route'],
    *read() {
      for (const { name, state } of told(upstreams())) {
        for (const route of state.routes) {
          yield [{ upstream: name, route: route.name }, route.failing === undefined ? 0 : 1]
        }
      }
    },
  })
  for (const what of ['limit', 'remaining'] as const) {
    metrics.readings({
      name: `homeport_upstream_rate_limit_${what}`,
      help: what === 'limit' ? 'Pulls that an upstream allows in its window.' : 'How many of them are left.',
      labels: ['upstream'],
      *read() {
        for (const { name, state } of told(upstreams())) {
          if (state.rateLimit !== undefined) yield [{ upstream: name }, state.rateLimit[what]]
        }
      },
    })
  }
}

function told(upstreams: Iterable<Asked>) {
  return [...upstreams].map((upstream) => ({ name: upstream.name, state: upstream.state() }))
}
