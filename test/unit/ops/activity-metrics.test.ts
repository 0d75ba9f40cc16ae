import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetrics } from '../../../src/base/metrics.ts'
import { activityMetrics } from '../../../src/ops/activity-metrics.ts'
import { attemptOf, failureOf, pullEndOf } from '../../helpers/failures.ts'

async function counted(feed: (to: ReturnType<typeof activityMetrics>) => void): Promise<string[]> {
  const metrics = await openMetrics()
  feed(activityMetrics(metrics))
  return (await metrics.text()).split('\n').filter((line) => /^(homeport|registry_proxy)_/.test(line))
}

/** Of a proxy nobody used. */
const NOTHING = ['requests', 'hits', 'misses', 'pulled_bytes'].flatMap((name) => [
  `registry_proxy_${name}_total{type="blob"} 0`,
  `registry_proxy_${name}_total{type="manifest"} 0`,
])

test('the names of registry 3 are there from the start, at 0', async () => {
  assert.deepEqual(await counted(() => undefined), NOTHING)
})

test('what is served from here is a hit for registry 3, what is fetched or fails a miss, and lists are neither', async () => {
  const lines = await counted((to) => {
    for (const outcome of ['hit', 'stale', 'fetched', 'failed'] as const) to.pulled(pullEndOf({ outcome }))
    to.pulled(pullEndOf({ kind: 'blob', outcome: 'hit' }))
    to.pulled(pullEndOf({ kind: 'tags' }))
    to.received('docker.io', 'direct', 70, 'blob')
    to.received('docker.io', 'direct', 20, 'cdn')
    to.received('docker.io', 'direct', 8, 'manifest')
    to.received('docker.io', 'direct', 1, 'token')
  })
  assert.deepEqual(
    lines.filter((line) => line.startsWith('registry_proxy_')),
    [
      'registry_proxy_requests_total{type="blob"} 1',
      'registry_proxy_requests_total{type="manifest"} 4',
      'registry_proxy_hits_total{type="blob"} 1',
      'registry_proxy_hits_total{type="manifest"} 2',
      'registry_proxy_misses_total{type="blob"} 0',
      'registry_proxy_misses_total{type="manifest"} 2',
      'registry_proxy_pulled_bytes_total{type="blob"} 90',
      'registry_proxy_pulled_bytes_total{type="manifest"} 8',
    ],
  )
  assert.ok(lines.includes('homeport_upstream_received_bytes_total{upstream="docker.io",route="direct"} 99'))
  assert.ok(lines.includes('homeport_upstream_answers_total{upstream="docker.io",kind="tags",outcome="fetched"} 1'))
})

test('requests are counted by route, hop and cause, resumes by route, and readers that joined', async () => {
  const lines = await counted((to) => {
    to.attempt('docker.io', attemptOf({ route: 'direct', hop: 'token' }))
    to.attempt('docker.io', attemptOf({ hop: 'proxy', cause: 'proxy-refused', status: 407 }))
    to.attempt('docker.io', attemptOf({ hop: 'cdn', status: 206 }))
    to.attempt('docker.io', attemptOf({ hop: 'cdn', status: 206, cause: 'upstream-broken' }))
    to.coalesced('docker.io')
    to.pulled(pullEndOf({ outcome: 'failed', failure: failureOf() }))
  })
  const own = lines.filter((line) => line.startsWith('homeport_'))
  const proxied = 'upstream="docker.io",route="http://proxy.lan:8080"'
  assert.deepEqual(own, [
    'homeport_upstream_answers_total{upstream="docker.io",kind="manifest",outcome="failed"} 1',
    `homeport_upstream_failures_total{${proxied},hop="proxy",cause="proxy-refused"} 1`,
    'homeport_upstream_requests_total{upstream="docker.io",route="direct",hop="token",result="ok"} 1',
    `homeport_upstream_requests_total{${proxied},hop="proxy",result="proxy-refused"} 1`,
    `homeport_upstream_requests_total{${proxied},hop="cdn",result="ok"} 1`,
    `homeport_upstream_requests_total{${proxied},hop="cdn",result="upstream-broken"} 1`,
    `homeport_upstream_resumes_total{${proxied}} 1`,
    'homeport_upstream_coalesced_readers_total{upstream="docker.io"} 1',
  ])
})
