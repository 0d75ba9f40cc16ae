import { type EgressError, type EgressFault, type EgressHop, SOCKS_LOGIN_REFUSED } from '../egress/egress.ts'
import { plainText, titleOf } from './plain-text.ts'
import { registryErrorIn, tokenErrorIn } from './registry-error.ts'
import { retryAtIn } from './retry-after.ts'
import type { Cause, FailureFacts, Hop, Wrong } from './upstream.ts'

/** What was asked for when it failed. `cdn`: where the upstream redirects to. */
export type AskedHop = Exclude<Hop, 'dns' | 'connect' | 'proxy' | 'tls'>

/** What a failure is, and what follows from it. */
export interface Judgement {
  readonly cause: Cause
  readonly hop: Hop
  readonly status?: number
  readonly facts: FailureFacts
  /**
   * - `end`: the registry's own word, or the same by every route.
   * - `next-route`: another way may do; this one gives the same answer again.
   * - `again`: the next way, and this one again while there is time, for it may pass.
   */
  readonly next: 'end' | 'route' | 'again'
  /** It says something about the route, not about what was asked for. */
  readonly ofRoute: boolean
  /** Milliseconds for which the route is not tried: accounts lock. */
  readonly rest?: number
}

const PASSWORD_REST = 30_000

type Row = Pick<Judgement, 'cause' | 'next'> & { readonly hop?: Hop; readonly wrong?: Wrong }

/** What a fault on the way is, by where it happened. */
const FAULTS: Readonly<Record<EgressFault, (hop: EgressHop, status: number | undefined) => Row>> = {
  'not-resolved': () => ({ cause: 'name-not-resolved', next: 'again' }),
  refused: () => ({ cause: 'connection-refused', next: 'again' }),
  'proxy-refused': (_, status) => ({
    cause: 'proxy-refused',
    // It does not change its mind on what it forbids, but it may reach in a second what it could not.
    next: status === undefined || status >= 500 ? 'again' : 'route',
  }),
  untrusted: () => ({ cause: 'tls-untrusted', next: 'route' }),
  'tls-broken': () => ({ cause: 'upstream-broken', next: 'again', wrong: 'tls' }),
  timeout: (hop) => ({ cause: hop === 'dns' ? 'name-not-resolved' : 'timeout', next: 'again' }),
  reset(hop) {
    if (hop === 'connect') return { cause: 'connection-refused', next: 'again' }
    if (hop === 'proxy') return { cause: 'proxy-refused', next: 'again' }
    return { cause: 'upstream-broken', next: 'again', wrong: hop === 'tls' ? 'tls' : 'cut' }
  },
  malformed: () => ({ cause: 'upstream-broken', next: 'route', wrong: 'http' }),
  'forbidden-address': () => ({ cause: 'upstream-broken', next: 'end', wrong: 'redirect' }),
}

/** Judges why no answer came. `asked`: what for, and the host and port. */
export function judgeFault(error: EgressError, asked: { readonly hop: AskedHop; readonly host: string }): Judgement {
  const { hop, fault, facts } = error
  const { wrong, ...row } = FAULTS[fault](hop, facts.status)
  const atProxy =
    hop === 'proxy' || row.cause === 'proxy-refused' || (facts.peer !== undefined && !isAt(facts.peer, asked.host))
  const refused = facts.status === 407 || facts.status === 401 || facts.code === SOCKS_LOGIN_REFUSED
  const password = row.cause === 'proxy-refused' && refused
  return {
    ...row,
    hop: hop === 'header' || hop === 'body' ? asked.hop : hop,
    ...(facts.status !== undefined && { status: facts.status }),
    ofRoute: fault !== 'malformed' && fault !== 'forbidden-address',
    ...(password && { rest: PASSWORD_REST }),
    facts: {
      ...(wrong !== undefined && { wrong }),
      ...(atProxy && facts.peer !== undefined && { proxy: facts.peer }),
      ...(facts.scheme !== undefined && { scheme: plainText(facts.scheme, 40) }),
      ...(facts.issuer !== undefined && { issuer: plainText(facts.issuer, 120) }),
      ...(facts.code !== undefined && { code: plainText(facts.code, 60) }),
    },
  }
}

/** `peer` always has a port, `host` only an unusual one. */
function isAt(peer: string, host: string): boolean {
  return peer === host || peer === `${host}:443` || peer === `${host}:80`
}

export interface AnswerSeen {
  readonly hop: AskedHop
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** How its body begins. */
  readonly start: string
  /** Our name and password were sent, or a token that was got with them. */
  readonly loggedIn: boolean
  /** A proxy that could have written it itself, for the request was not inside of a tunnel. */
  readonly proxy?: string
  /** Epoch milliseconds. */
  readonly now: number
}

/** Judges an answer that is not the one that was asked for. */
export function judgeAnswer(seen: AnswerSeen): Judgement {
  const { status, hop } = seen
  return proxyAnswer(seen) ?? { hop, status, ofRoute: false, next: 'end', ...ownAnswer(seen) }
}

function ownAnswer(seen: AnswerSeen): Partial<Judgement> & Pick<Judgement, 'cause' | 'facts'> {
  const { status, hop, start, now } = seen
  // A redirect may lead to another registry (registry.k8s.io): its word counts.
  const error = registryErrorIn(start)
  const said = error?.said ?? (hop === 'token' ? tokenErrorIn(start) : undefined)
  const facts = said === undefined || said === '' ? pageFacts(seen) : { said }

  if (status === 429 || error?.code === 'TOOMANYREQUESTS') {
    return { cause: 'rate-limited', facts: { ...facts, retryAt: retryAtIn(seen.headers, now) } }
  }
  if (status === 401) return { cause: seen.loggedIn ? 'credentials-rejected' : 'denied', facts }
  if (status === 403 || status === 451) {
    return said === undefined ? { cause: 'blocked', next: 'route', ofRoute: true, facts } : { cause: 'denied', facts }
  }
  if (status === 404 && hop !== 'token' && error !== undefined && /UNKNOWN$|NOT_FOUND$/.test(error.code)) {
    return { cause: 'not-found', facts }
  }
  if (status >= 500) return { cause: 'upstream-broken', next: 'again', ofRoute: true, facts }
  if (isHtml(seen.headers)) {
    return { cause: 'upstream-broken', next: 'route', ofRoute: status < 300, facts: { ...facts, wrong: 'html' } }
  }
  if (said === undefined) return { cause: 'upstream-broken', next: 'route', facts: { ...facts, wrong: 'foreign' } }
  return { cause: 'upstream-broken', facts }
}

/** Plain http through a proxy: what it could not reach it answers for itself. That it would not, `egress` has told. */
function proxyAnswer({ status, hop, start, proxy }: AnswerSeen): Judgement | undefined {
  if (proxy === undefined || status < 502 || status > 504 || registryErrorIn(start) !== undefined) return undefined
  const facts = { proxy }
  return { cause: 'proxy-refused', hop: hop === 'cdn' ? 'cdn' : 'proxy', status, ofRoute: true, next: 'again', facts }
}

function pageFacts({ headers, start }: AnswerSeen): FailureFacts {
  const title = isHtml(headers) || /^\s*<(?:!doctype|html)/i.test(start) ? titleOf(start) : undefined
  return title === undefined ? {} : { title }
}

export function isHtml(headers: AnswerSeen['headers']): boolean {
  return /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test([headers['content-type'] ?? ''].flat()[0] ?? '')
}

/** What came is not what was asked for: another route may bring it. */
export function judgeWrong(
  hop: AskedHop,
  wrong: Wrong,
  more: { status?: number; facts?: FailureFacts } = {},
): Judgement {
  const { status, facts } = more
  return {
    ...{ cause: 'upstream-broken', hop, next: 'route', ofRoute: false, facts: { ...facts, wrong } },
    ...(status !== undefined && { status }),
  }
}

/** Nothing came so far. */
export function judgeSilence(hop: Hop, waited: number): Judgement {
  return { cause: 'timeout', hop, next: 'again', ofRoute: true, facts: { waited } }
}
