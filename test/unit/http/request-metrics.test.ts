import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openMetrics } from '../../../src/base/metrics.ts'
import { HANDLERS, openRequestMetrics } from '../../../src/http/request-metrics.ts'
import { routes } from '../../../src/http/routes.ts'
import type { Registry } from '../../../src/registry/registry.ts'
import { requestEnd } from '../../helpers/request-end.ts'

const MANIFEST = '/v2/:name+/manifests/:reference'

async function watched() {
  const metrics = await openMetrics()
  return { requests: openRequestMetrics(metrics), lines: async () => (await metrics.text()).split('\n') }
}

describe('requests are counted', () => {
  test('by handler, code and method, with their time and sizes', async () => {
    const { requests, lines } = await watched()
    requests.begun(MANIFEST)
    requests.ended(requestEnd({ status: 404, headers: { 'content-length': '5000' } }))
    const text = await lines()
    for (const line of [
      'registry_http_requests_total{handler="manifest",code="404",method="get"} 1',
      'registry_http_request_duration_seconds_bucket{le="0.005",handler="manifest",method="get"} 1',
      'registry_http_request_duration_seconds_sum{handler="manifest",method="get"} 0.0005',
      'registry_http_request_size_bytes_bucket{le="4096",handler="manifest"} 0',
      'registry_http_request_size_bytes_bucket{le="8192",handler="manifest"} 1',
      'registry_http_response_size_bytes_sum{handler="manifest"} 1234',
    ]) {
      assert.ok(text.includes(line), `${line} is not in\n${text.join('\n')}`)
    }
  })

  test('with the bytes that went out of what is cached, under the name of registry 3', async () => {
    const { requests, lines } = await watched()
    const located = { repository: 'docker.io/library/alpine', upstream: 'docker.io' }
    const pushed = async () => (await lines()).filter((line) => line.startsWith('registry_proxy_pushed_bytes_total{'))
    const none = [
      'registry_proxy_pushed_bytes_total{type="blob"} 0',
      'registry_proxy_pushed_bytes_total{type="manifest"} 0',
    ]
    requests.ended(requestEnd({ outcome: { located: { repository: 'team/app' } } }))
    requests.ended(requestEnd({ status: 502, outcome: { located } }))
    requests.ended(requestEnd({ outcome: { located, route: '/v2/:name+/tags/list' } }))
    assert.deepEqual(await pushed(), none)
    requests.ended(requestEnd({ outcome: { located } }))
    requests.ended(requestEnd({ status: 206, ending: 'left', outcome: { located } }))
    assert.deepEqual(await pushed(), [none[0], 'registry_proxy_pushed_bytes_total{type="manifest"} 2468'])
  })

  test('while they run', async () => {
    const { requests, lines } = await watched()
    const running = async () =>
      (await lines()).find((line) => line.startsWith('registry_http_in_flight_requests{handler="manifest"}'))
    assert.match(String(await running()), / 0$/)
    requests.begun(MANIFEST)
    assert.match(String(await running()), / 1$/)
    requests.ended(requestEnd())
    assert.match(String(await running()), / 0$/)
  })

  test('without a line for each method that somebody thinks of', async () => {
    const { requests, lines } = await watched()
    for (const method of ['LOCK', 'MKCOL', 'SOURCE']) {
      requests.begun(MANIFEST)
      requests.ended(requestEnd({ method, status: 405 }))
    }
    const counted = (await lines()).filter((line) => line.startsWith('registry_http_requests_total{'))
    assert.deepEqual(counted, ['registry_http_requests_total{handler="manifest",code="405",method="other"} 3'])
  })

  test('on the routes of the API, each under its handler, and nowhere else', async () => {
    const { requests, lines } = await watched()
    requests.begun('/healthz')
    requests.ended(requestEnd({ outcome: { route: '/healthz', params: {} } }))
    requests.ended({ ...requestEnd(), outcome: undefined })
    assert.deepEqual(
      (await lines()).filter((line) => /^registry_http_requests_total\{|in_flight.* [^0]$/.test(line)),
      [],
    )
    const paths = new Set(routes({} as Registry).map(({ path }) => path))
    paths.delete('/')
    assert.deepEqual([...paths].sort(), Object.keys(HANDLERS).sort())
  })
})
