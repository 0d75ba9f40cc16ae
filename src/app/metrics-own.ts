import type { Metrics } from '../base/metrics.ts'
import type { Health } from '../ops/health.ts'
import type { Leases } from '../registry/leases.ts'

interface Watched {
  readonly leases: Pick<Leases, 'count'>
  readonly health: Pick<Health, 'failing'>
  /** How much waits for the writer thread. */
  readonly writerQueue: () => number
}

/** Numbers that registry:2 has no name for. They are looked up when somebody asks. */
export function watchServer(metrics: Metrics, { leases, health, writerQueue }: Watched): void {
  metrics.reading({
    name: 'homeport_writer_queue',
    help: 'Writes and syncs that wait for the disk.',
    read: writerQueue,
  })
  metrics.reading({
    name: 'homeport_leases',
    help: 'Blobs that somebody who pushes was promised for an hour.',
    read: () => leases.count,
  })
  metrics.reading({
    name: 'homeport_health_checks_failing',
    help: 'Health checks that fail; /debug/health names them.',
    read: () => Object.keys(health.failing()).length,
  })
}
