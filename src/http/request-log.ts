import type { Outcome } from './dispatch.ts'
import type { Arrival } from './route.ts'

/** Where lines go; `base/log.ts` has one. */
export interface RequestLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** What is known of a request when it is over. */
export interface RequestEnd {
  readonly arrival: Arrival
  readonly outcome: Outcome | undefined
  /**
   * - `whole`: the client has its answer.
   * - `left`: it hung up before.
   * - `idle`: it was cut off, because it neither sent nor took anything.
   * - `broken`: we broke the answer off, because of `fault`.
   */
  readonly ending: 'whole' | 'left' | 'idle' | 'broken'
  readonly fault?: unknown
  /** Of the body. */
  readonly bytes: number
  readonly ms: number
  readonly peer: string
}

const CLIENT_CLOSED = 499

const SAID = {
  left: 'the client left before the end',
  idle: 'the client neither sent nor took anything, and was cut off',
} as const

/** What clients write goes into a line only so far. */
const LONGEST = 2048

/** One line a request, with the names of registry:2. A client that leaves is 499, and no fault of ours. */
export function logRequest(log: RequestLog, end: RequestEnd): void {
  const { outcome, ending } = end
  const fault = ending === 'broken' ? end.fault : ending === 'whole' ? outcome?.failure?.fault : undefined
  const fields = { ...requestFields(end), ...errorFields(end), ...(fault !== undefined && { error: fault }) }
  const completed = ending === 'whole' && outcome?.failure === undefined
  const message = completed ? 'response completed' : 'response completed with error'
  if (fault === undefined) log.info(fields, message)
  else log.error(fields, message)
}

function requestFields({ arrival, outcome, ending, bytes, ms, peer }: RequestEnd): Record<string, unknown> {
  const { id, method, target, headers } = arrival
  const left = ending === 'left' || ending === 'idle'
  return {
    'http.request.id': id,
    'http.request.method': method,
    'http.request.host': headers['host']?.slice(0, LONGEST),
    'http.request.uri': target.slice(0, LONGEST),
    'http.request.useragent': headers['user-agent']?.slice(0, LONGEST),
    'http.request.remoteaddr': peer,
    'http.response.status': left ? CLIENT_CLOSED : (outcome?.reply.status ?? 500),
    'http.response.written': bytes,
    'http.response.duration': `${ms.toFixed(3)}ms`,
    ...(outcome?.account && { 'auth.user.name': outcome.account }),
  }
}

function errorFields({ outcome, ending }: RequestEnd): Record<string, unknown> {
  if (ending === 'left' || ending === 'idle') return { 'err.message': SAID[ending] }
  const { failure } = outcome ?? {}
  if (failure === undefined) return {}
  const { code, message, detail } = failure
  return { 'err.code': code, 'err.message': message, ...(detail !== undefined && { 'err.detail': detail }) }
}
