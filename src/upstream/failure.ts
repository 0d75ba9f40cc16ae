import type { Missed } from './missed.ts'
import type { Failure } from './upstream.ts'

/** What others are told of an attempt that came to nothing. */
export function failureFrom({ judgement, host, route = 'direct' }: Missed, of: { name: string; now: number }): Failure {
  const { cause, hop, status, facts } = judgement
  return {
    ...{ cause, hop, upstream: of.name, route, host, at: of.now, facts },
    ...(status !== undefined && { status }),
  }
}
