import { Refusal, type RefusalFacts, type RefusalKind } from '../oci/refusal.ts'
import { diskRefusal } from './disk-refusal.ts'
import { receivedRange } from './range.ts'
import type { Reply } from './route.ts'

/**
 * How each refusal is told. Sources: OCI Distribution 1.1, "Error Codes"; for the rest what registry:2 sends.
 *
 * Clients go by the code as well as by the status: docker falls back or gives up by it.
 */
// biome-ignore format: one refusal a line
export const ANSWERS: Readonly<Record<RefusalKind, { readonly status: number; readonly code: string }>> = {
  unauthorized: { status: 401, code: 'UNAUTHORIZED' },
  denied: { status: 403, code: 'DENIED' },
  unsupported: { status: 405, code: 'UNSUPPORTED' },
  'route-unknown': { status: 404, code: 'NOT_FOUND' },
  'request-invalid': { status: 400, code: 'BAD_REQUEST' },
  'name-invalid': { status: 400, code: 'NAME_INVALID' },
  'name-unknown': { status: 404, code: 'NAME_UNKNOWN' },
  'tag-invalid': { status: 400, code: 'TAG_INVALID' },
  'tags-too-many': { status: 414, code: 'TAG_INVALID' },
  'page-invalid': { status: 400, code: 'PAGINATION_NUMBER_INVALID' },
  'digest-invalid': { status: 400, code: 'DIGEST_INVALID' },
  'size-invalid': { status: 400, code: 'SIZE_INVALID' },
  'manifest-unknown': { status: 404, code: 'MANIFEST_UNKNOWN' },
  'manifest-invalid': { status: 400, code: 'MANIFEST_INVALID' },
  'manifest-too-large': { status: 413, code: 'MANIFEST_INVALID' },
  'manifest-blob-unknown': { status: 400, code: 'MANIFEST_BLOB_UNKNOWN' },
  'blob-unknown': { status: 404, code: 'BLOB_UNKNOWN' },
  'range-unsatisfiable': { status: 416, code: 'RANGE_INVALID' },
  'upload-unknown': { status: 404, code: 'BLOB_UPLOAD_UNKNOWN' },
  'upload-out-of-order': { status: 416, code: 'RANGE_INVALID' },
  'precondition-failed': { status: 412, code: 'PRECONDITION_FAILED' },
  'rate-limited': { status: 429, code: 'TOOMANYREQUESTS' },
  'upstream-denied': { status: 403, code: 'DENIED' },
  'upstream-unavailable': { status: 502, code: 'UNAVAILABLE' },
  'upstream-timeout': { status: 504, code: 'UNAVAILABLE' },
  'not-cached': { status: 503, code: 'UNAVAILABLE' },
  unavailable: { status: 503, code: 'UNAVAILABLE' },
  'storage-full': { status: 507, code: 'UNAVAILABLE' },
}

const FAULT = 'Something went wrong here; the log says what'

/** What was answered instead of what was asked for: the client gets `reply`, the log the rest. */
export interface Failure {
  readonly reply: Reply
  readonly code: string
  readonly message: string
  readonly detail?: unknown
  /** What the operator has to look at; a client's mistake is none. */
  readonly fault?: unknown
}

/** Turns whatever a handler threw into the answer that the client gets. */
export function errorResponse(error: unknown, requestId: string): Failure {
  const refusal = error instanceof Refusal ? error : diskRefusal(error)
  if (refusal === undefined)
    return failure({ status: 500, code: 'UNKNOWN', message: FAULT }, { requestId, fault: error })
  const { message, facts, kind } = refusal
  const fault = refusal === error ? undefined : error
  return failure({ ...ANSWERS[kind], message, facts }, { requestId, ...(fault !== undefined && { fault }) })
}

/** The body of an error (OCI Distribution, "Error Codes"). */
export function errorEnvelope(code: string, message: string, detail?: unknown): string {
  return JSON.stringify({ errors: [{ code, message, ...(detail !== undefined && { detail }) }] })
}

function failure(
  answer: { status: number; code: string; message: string; facts?: RefusalFacts },
  { requestId, fault }: { requestId: string; fault?: unknown },
): Failure {
  const { status, code, message, facts = {} } = answer
  const { detail } = facts
  const body = errorEnvelope(code, `${message} (request ${requestId})`, detail)
  return {
    reply: { status, headers: headersOf(facts), body },
    ...{ code, message },
    ...(detail !== undefined && { detail }),
    ...(fault !== undefined && { fault }),
  }
}

function headersOf({ challenge, location, received, size, retryAfter, allow }: RefusalFacts): Record<string, string> {
  return {
    'content-type': 'application/json',
    ...(challenge !== undefined && { 'www-authenticate': utf8Header(challenge) }),
    ...(location !== undefined && { location }),
    ...(received !== undefined && { range: receivedRange(received) }),
    ...(size !== undefined && { 'content-range': `bytes */${size}` }),
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    ...(allow !== undefined && { allow: allow.join(', ') }),
  }
}

/** A realm is the operator's, in his own language: headers are bytes, and these are UTF-8, as registry:2 sends them. */
function utf8Header(text: string): string {
  return Buffer.from(text).toString('latin1')
}
