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
  /** The client: with its port, where it is the other end of the connection. */
  readonly peer: string
  /** Of HTTP: `1.1`. */
  readonly version: string
}

const CLIENT_CLOSED = 499

const SAID = {
  left: 'the client left before the end',
  idle: 'the client neither sent nor took anything, and was cut off',
} as const

const LONGEST = 2048

/** One line a request, with the names of registry:2. A client that leaves is 499, and no fault of ours. */
export function logRequest(log: RequestLog, end: RequestEnd): void {
  const { outcome, ending } = end
  const fault = ending === 'broken' ? end.fault : ending === 'whole' ? outcome?.failure?.fault : undefined
  const fields = requestFields(end)
  if (fault !== undefined) fields['error'] = fault
  const completed = ending === 'whole' && outcome?.failure === undefined
  const message = completed ? 'response completed' : 'response completed with error'
  if (fault === undefined) log.info(fields, message)
  else log.error(fields, message)
}

/** The status that a log has for it. */
export function statusOf({ outcome, ending }: RequestEnd): number {
  return ending === 'left' || ending === 'idle' ? CLIENT_CLOSED : (outcome?.reply.status ?? 500)
}

/** What is known of a request, under registry:2's names. A field without a value is not written. */
export function requestFields(end: RequestEnd): Record<string, unknown> {
  const { arrival, outcome, bytes, ms, peer } = end
  const { id, method, target, headers } = arrival
  const type = outcome?.reply.headers['content-type']
  const fields: Record<string, unknown> = {
    'http.request.id': id,
    'http.request.method': method,
    'http.request.host': written(arrival.origin?.host ?? headers['host']),
    'http.request.uri': written(target),
    'http.request.referer': written(headers['referer']),
    'http.request.useragent': short(headers['user-agent']),
    'http.request.contenttype': short(headers['content-type']),
    'http.request.remoteaddr': peer,
    'http.response.status': statusOf(end),
    'http.response.written': bytes,
    'http.response.duration': `${ms.toFixed(3)}ms`,
    'http.response.contenttype': type,
  }
  if (outcome !== undefined) {
    const { account, params, located } = outcome
    if (account !== '') fields['auth.user.name'] = account
    if (located?.upstream !== undefined) {
      fields['homeport.upstream'] = located.upstream
      fields['homeport.repository'] = located.repository
    }
    for (const name in params) fields[VARS[name] ?? `vars.${name}`] = short(params[name])
  }
  addError(fields, end)
  return fields
}

/** What registry:2 calls the parts of a path otherwise. */
const VARS: Readonly<Record<string, string>> = { id: 'vars.uuid' }

function addError(fields: Record<string, unknown>, { outcome, ending }: RequestEnd): void {
  if (ending === 'left' || ending === 'idle') {
    fields['err.message'] = SAID[ending]
    return
  }
  const failure = outcome?.failure
  if (failure === undefined) return
  // registry:2 writes MANIFEST_UNKNOWN as "manifest unknown".
  fields['err.code'] = failure.code.toLowerCase().replaceAll('_', ' ')
  fields['err.message'] = failure.message
  fields['err.detail'] = failure.detail
}

/** An address as a client wrote it, but for the name and the password that may stand in it. */
export function written(text: string | undefined): string | undefined {
  const plain = text?.includes('@') ? text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/?#]*@/i, '$1***@') : text
  return short(plain)
}

/** What clients write goes into a line only so far. */
export function short(text: string | undefined): string | undefined {
  return text === undefined || text.length <= LONGEST ? text : text.slice(0, LONGEST)
}
