import type { Metrics } from '../base/metrics.ts'
import { type RequestEnd, statusOf } from './request-log.ts'
import type { Arrival } from './route.ts'

/** What registry:2 calls the handlers of its routes, by their paths here. A path that is not here is not counted. */
export const HANDLERS: Readonly<Record<string, string>> = {
  '/v2/': 'base',
  '/v2/_catalog': 'catalog',
  '/v2/:name+/tags/list': 'tags',
  '/v2/:name+/manifests/:reference': 'manifest',
  '/v2/:name+/blobs/:digest': 'blob',
  '/v2/:name+/blobs/uploads/': 'blob_upload',
  '/v2/:name+/blobs/uploads/:id': 'blob_upload_chunk',
  // registry:2 has no such routes.
  '/v2/:name+/referrers/:digest': 'referrers',
  '/token': 'token',
}

/** Node's parser knows thirty more; whoever tries them needs no line for each. */
const METHODS = new Set(['get', 'head', 'put', 'post', 'patch', 'delete', 'options'])

/** What registry 3 counts of its proxy; the rest of that is in `ops/proxy-metrics.ts`. */
const CACHED: ReadonlySet<string> = new Set(['blob', 'manifest'])

/** Upper bounds, as registry:2 has them. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60]
const BYTES = Array.from({ length: 22 }, (_, power) => 1024 * 2 ** power)

/** Counts requests under registry:2's names. */
export interface RequestMetrics {
  /** `route`: what its path is in the table of routes. */
  readonly begun: (route: string) => void
  readonly ended: (end: RequestEnd) => void
}

export function openRequestMetrics(metrics: Metrics): RequestMetrics {
  const total = metrics.counter({
    name: 'registry_http_requests_total',
    help: 'Total number of HTTP requests made.',
    labels: ['handler', 'code', 'method'],
  })
  const duration = metrics.histogram({
    name: 'registry_http_request_duration_seconds',
    help: 'The HTTP request latencies in seconds.',
    labels: ['handler', 'method'],
    buckets: SECONDS,
  })
  const requestSize = metrics.histogram({
    name: 'registry_http_request_size_bytes',
    help: 'The HTTP request sizes in bytes.',
    labels: ['handler'],
    buckets: BYTES,
  })
  const responseSize = metrics.histogram({
    name: 'registry_http_response_size_bytes',
    help: 'The HTTP response sizes in bytes.',
    labels: ['handler'],
    buckets: BYTES,
  })
  const pushed = metrics.counter({
    name: 'registry_proxy_pushed_bytes_total',
    help: 'The size of total bytes pushed to the client',
    labels: ['type'],
  })
  const inFlight = metrics.gauge({
    name: 'registry_http_in_flight_requests',
    help: 'The in-flight HTTP requests',
    labels: ['handler'],
  })
  const running = new Map<string, number>()

  function count(handler: string, by: 1 | -1 | 0): void {
    const now = (running.get(handler) ?? 0) + by
    running.set(handler, now)
    inFlight({ handler }, now)
  }

  for (const handler of Object.values(HANDLERS)) count(handler, 0)
  for (const type of CACHED) pushed({ type }, 0)
  return {
    begun(route) {
      const handler = HANDLERS[route]
      if (handler !== undefined) count(handler, 1)
    },
    ended(end) {
      const { outcome, arrival, bytes, ms } = end
      const handler = HANDLERS[outcome?.route ?? '']
      if (handler === undefined) return
      count(handler, -1)
      const lower = arrival.method.toLowerCase()
      const method = METHODS.has(lower) ? lower : 'other'
      total({ handler, method, code: String(statusOf(end)) })
      duration({ handler, method }, ms / 1000)
      requestSize({ handler }, requestSizeOf(arrival))
      responseSize({ handler }, bytes)
      if (isCached(outcome) && CACHED.has(handler)) pushed({ type: handler }, bytes)
    },
  }
}

/** Content of an upstream's, and not what is said of its failure. */
function isCached(outcome: RequestEnd['outcome']): boolean {
  return outcome?.located?.upstream !== undefined && outcome.reply.status < 300
}

/** About as many bytes as it came in. As registry:2 has it: of a body in chunks nothing is known. */
function requestSizeOf({ method, target, headers }: Arrival): number {
  let size = method.length + target.length + ' HTTP/1.1\r\n\r\n'.length + (Number(headers['content-length']) || 0)
  for (const name in headers) size += name.length + (headers[name]?.length ?? 0) + ': \r\n'.length
  return size
}
