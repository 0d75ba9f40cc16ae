import type { Metrics } from '../base/metrics.ts'
import type { PullEnd } from '../registry/activity.ts'
import type { Hop } from '../upstream/upstream.ts'

type Type = 'blob' | 'manifest'

/** Registry 3 shows both from the start. */
const TYPES: readonly Type[] = ['blob', 'manifest']

/**
 * What registry 3 counts of its proxy, under its names (`registry/proxy/proxymetrics.go`). What is served from here is a
 * hit, whatever its upstream says of it; everything else is a miss. `pushed_bytes` is counted where bytes are sent.
 */
export function proxyMetrics(metrics: Metrics) {
  const counter = (name: string, help: string) => {
    const count = metrics.counter({ name: `registry_proxy_${name}_total`, help, labels: ['type'] })
    for (const type of TYPES) count({ type }, 0)
    return count
  }
  const requests = counter('requests', 'The number of total incoming proxy request received')
  const hits = counter('hits', 'The number of total proxy request hits')
  const misses = counter('misses', 'The number of total proxy request misses')
  const pulled = counter('pulled_bytes', 'The size of total bytes pulled from the upstream')

  return {
    pulled(kind: PullEnd['kind'], outcome: PullEnd['outcome']): void {
      if (kind !== 'blob' && kind !== 'manifest') return
      requests({ type: kind })
      const isHit = outcome === 'hit' || outcome === 'stale'
      ;(isHit ? hits : misses)({ type: kind })
    },
    received(hop: Hop, bytes: number): void {
      const type = hop === 'cdn' ? 'blob' : hop
      if (type === 'blob' || type === 'manifest') pulled({ type }, bytes)
    },
  }
}
