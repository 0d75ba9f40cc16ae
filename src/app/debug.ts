import type { Log } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import { createHandler } from '../http/dispatch.ts'
import { debugRoutes } from '../http/probes.ts'
import { type ServerOptions, startServer } from '../http/server.ts'
import type { HealthBoard } from '../ops/health.ts'
import { OPEN_TO_ALL } from './front.ts'

/** `http.debug` of the configuration. */
export interface DebugSettings {
  readonly addr?: ServerOptions['address'] | undefined
  readonly prometheus: { readonly enabled: boolean; readonly path: string }
}

interface DebugOptions {
  readonly log: Log
  readonly metrics: Metrics
  readonly health: Pick<HealthBoard, 'failing' | 'add'>
}

/** registry:2's name for the check that an operator sets, and what it says. */
const MANUAL = { name: 'manual_http_status', message: 'Manual Check' }

/** The second listener: health and metrics, open to whoever reaches it. `undefined`: none is configured. */
export async function openDebug(settings: DebugSettings, options: DebugOptions): Promise<AsyncDisposable | undefined> {
  const { addr, prometheus } = settings
  const { log, metrics, health } = options
  if (addr === undefined) return undefined
  const setManual = health.add({ name: MANUAL.name, stops: 'all', threshold: 1, interval: 10_000 })
  const routes = debugRoutes({
    health,
    setManually: (down) => setManual(down ? { message: MANUAL.message } : undefined),
    ...(prometheus.enabled && { metrics: { path: prometheus.path, text: () => metrics.text() } }),
  })
  const server = await startServer({
    address: addr,
    setting: 'http.debug.addr',
    answer: createHandler({ routes, signIn: OPEN_TO_ALL }),
    // Prometheus asks every few seconds, and nobody wants to read of it.
    log: {
      info: (fields, message) => log.debug(fields, message),
      error: (fields, message) => log.error(fields, message),
    },
  })
  log.info(
    { address: server.address, metrics: prometheus.enabled ? prometheus.path : undefined },
    'debug server listening',
  )
  return { [Symbol.asyncDispose]: () => server.close(0) }
}
