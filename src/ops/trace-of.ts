import type { Trace } from '../catalog/catalog.ts'
import type { PullEnd } from '../registry/activity.ts'
import type { AttemptMade } from '../upstream/upstream.ts'

/** What is kept of a request that an upstream failed, slowed or made stale; of any other, nothing. `at`: its end. */
export function traceOf(end: PullEnd, at: number): Trace | undefined {
  const { asker, upstream, kind, name, outcome, failure, bytes, resumes, ms, attempts } = end
  if (failure === undefined && !isSlowed(end)) return undefined
  return {
    ...{
      request: asker.id,
      at: Math.round(at - ms.total),
      client: asker.peer,
      upstream,
      kind,
      outcome,
      bytes,
      resumes,
    },
    ...partsOf(name, kind),
    ...(failure && { cause: failure.cause, hop: failure.hop, route: failure.route }),
    ...(failure?.status !== undefined && { status: failure.status }),
    ...(ms.header !== undefined && { headerMs: Math.round(ms.header) }),
    totalMs: Math.round(ms.total),
    facts: JSON.stringify(failure ?? null),
    attempts: JSON.stringify(attempts),
  }
}

/** It has what it wanted, but not by the first way. */
export function isSlowed({ outcome, resumes, attempts }: Pick<PullEnd, 'outcome' | 'resumes' | 'attempts'>): boolean {
  return (outcome === 'fetched' || outcome === 'hit') && (resumes > 0 || attempts.some(isTrouble))
}

/** That there is no such thing is an answer. */
function isTrouble({ cause }: AttemptMade): boolean {
  return cause !== undefined && cause !== 'not-found'
}

/** Of a canonical name: a repository, and a tag or a digest behind it. */
export function partsOf(name: string, kind: PullEnd['kind']): { repository: string; reference: string } {
  const at = name.indexOf('@')
  if (at !== -1) return { repository: name.slice(0, at), reference: name.slice(at + 1) }
  const colon = name.lastIndexOf(':')
  // A port belongs to the upstream.
  if (kind === 'tags' || colon < name.lastIndexOf('/')) return { repository: name, reference: '' }
  return { repository: name.slice(0, colon), reference: name.slice(colon + 1) }
}
