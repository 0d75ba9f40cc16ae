import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetrics } from '../../../src/base/metrics.ts'
import { failingUpstreams, watchUpstreams } from '../../../src/ops/failing-upstreams.ts'
import type { UpstreamState } from '../../../src/upstream/upstream.ts'
import { failureOf } from '../../helpers/failures.ts'

const failure = failureOf({ cause: 'timeout', route: 'http://proxy.lan:8080', at: Date.UTC(2026, 0, 2, 3, 4, 9) })
const WORKS: UpstreamState = { routes: [{ name: 'direct' }] }
const FAILS: UpstreamState = {
  failing: { since: Date.UTC(2026, 0, 2, 3, 4, 5), failure },
  routes: [{ name: 'http://proxy.lan:8080', failing: failure }, { name: 'direct' }],
  rateLimit: { limit: 100, remaining: 7, reserved: true },
}
const upstreams = [
  { name: 'ghcr.io', state: () => WORKS },
  { name: 'docker.io', state: () => FAILS },
]

test('upstreams that fail are named, with the cause and since when, and neither route nor host', () => {
  const expected = [{ name: 'docker.io', cause: 'timeout', since: '2026-01-02T03:04:05.000Z' }]
  assert.deepEqual(failingUpstreams(upstreams), expected)
  assert.deepEqual(failingUpstreams([]), [])
})

test('breaker, routes and what is left of a limit are numbers, read when they are asked for', async () => {
  const metrics = await openMetrics()
  watchUpstreams(metrics, () => upstreams)
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('homeport_'))
  assert.deepEqual(lines, [
    'homeport_upstream_breaker_open{upstream="ghcr.io"} 0',
    'homeport_upstream_breaker_open{upstream="docker.io"} 1',
    'homeport_upstream_route_failing{upstream="ghcr.io",route="direct"} 0',
    'homeport_upstream_route_failing{upstream="docker.io",route="http://proxy.lan:8080"} 1',
    'homeport_upstream_route_failing{upstream="docker.io",route="direct"} 0',
    'homeport_upstream_rate_limit_limit{upstream="docker.io"} 100',
    'homeport_upstream_rate_limit_remaining{upstream="docker.io"} 7',
  ])
})
