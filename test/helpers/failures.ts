import type { PullEnd } from '../../src/registry/activity.ts'
import type { AttemptMade, Failure } from '../../src/upstream/upstream.ts'

/** A failure of `docker.io`: a proxy that wants another password, unless it is told otherwise. */
export function failureOf(of: Partial<Failure> = {}): Failure {
  return {
    ...{ cause: 'proxy-refused', hop: 'proxy', upstream: 'docker.io', route: 'http://proxy.lan:8080' },
    ...{ host: 'registry-1.docker.io', at: 1_000, facts: {}, ...of },
  }
}

/** An attempt that worked, unless it is told otherwise. */
export function attemptOf(of: Partial<AttemptMade> = {}): AttemptMade {
  const made = { route: 'http://proxy.lan:8080', hop: 'manifest', host: 'registry-1.docker.io', ms: 5 } as const
  return { ...made, ...(of.cause === undefined && { status: 200 }), ...of }
}

/** A manifest that came, unless it is told otherwise. */
export function pullEndOf(of: Partial<PullEnd> = {}): PullEnd {
  const asker = { id: 'bdf816ca985e050d', peer: '192.0.2.7', signal: new AbortController().signal }
  return {
    ...{ asker, upstream: 'docker.io', kind: 'manifest', name: 'docker.io/library/alpine:3', outcome: 'fetched' },
    ...{ attempts: [attemptOf()], bytes: 500, resumes: 0, ms: { header: 12.4, total: 15.6 }, ...of },
  }
}
