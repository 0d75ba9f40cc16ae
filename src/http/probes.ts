import { Refusal } from '../oci/refusal.ts'
import type { FailingUpstream } from '../ops/failing-upstreams.ts'
import type { Health } from '../ops/health.ts'
import type { Handler, Reply, Route } from './route.ts'

/** What a server is about. `adopting`: it opens its folder, and answers nothing else yet. */
export type Stage = 'adopting' | 'serving' | 'draining'

export interface ProbeParts {
  readonly stage: () => Stage
  /** Left out while there is nothing whose health could be known. */
  readonly health: () => Pick<Health, 'admit' | 'degraded'> | undefined
  /** What is cached of these is served, so the server is as ready as without. */
  readonly failing: () => readonly FailingUpstream[]
}

const READ = ['GET', 'HEAD']

/** For whoever restarts what hangs (`/healthz`), and whoever sends requests here (`/readyz`). Open to all. */
export function probes(parts: ProbeParts): Route[] {
  return [
    { methods: READ, path: '/healthz', access: 'open', handler: () => json(200, { status: 'alive' }) },
    { methods: READ, path: '/readyz', access: 'open', handler: () => readiness(parts) },
  ]
}

/** A server that is degraded still serves what it has: nobody is better off without it. */
function readiness({ stage, health, failing }: ProbeParts): Reply {
  const now = stage()
  if (now !== 'serving') return json(503, { status: now })
  const known = health()
  try {
    known?.admit('read')
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return json(503, { status: 'unavailable', because: error.facts.because })
  }
  const degraded = known?.degraded
  const upstreams = failing()
  return json(200, {
    ...(degraded === undefined ? { status: 'ready' } : { status: 'degraded', because: degraded }),
    ...(upstreams.length > 0 && { upstreams }),
  })
}

export interface DebugParts {
  readonly health: Pick<Health, 'failing'>
  /** Makes a check of its own fail, or be sound again. */
  readonly setManually: (down: boolean) => void
  /** Left out: there are no metrics here. */
  readonly metrics?: { readonly path: string; readonly text: () => Promise<string> }
}

/** What registry:2 has on its debug listener. */
export function debugRoutes({ health, setManually, metrics }: DebugParts): Route[] {
  const told: Handler = () => {
    const failing = health.failing()
    return json(Object.keys(failing).length === 0 ? 200 : 503, failing)
  }
  const set = (down: boolean): Handler => {
    return () => {
      setManually(down)
      return json(200, {})
    }
  }
  return [
    { methods: READ, path: '/debug/health', access: 'open', handler: told },
    { methods: ['POST'], path: '/debug/health/down', access: 'open', handler: set(true) },
    { methods: ['POST'], path: '/debug/health/up', access: 'open', handler: set(false) },
    ...(metrics === undefined
      ? []
      : [{ methods: READ, path: metrics.path, access: 'open' as const, handler: () => exposed(metrics.text) }]),
  ]
}

async function exposed(text: () => Promise<string>): Promise<Reply> {
  const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' }
  return { status: 200, headers, body: await text() }
}

function json(status: number, body: object): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  }
}
