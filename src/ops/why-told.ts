import { type AttemptMade, type Failure, remedyOf, sentenceOf } from '../upstream/upstream.ts'
import type { WhyRequest, WhyStanding } from './why.ts'

/** The same for programs and for people. */
export interface ToldWhy {
  readonly row: Readonly<Record<string, unknown>>
  readonly lines: readonly string[]
}

/** Lines of attempts that a person reads; a program gets all. */
const MOST_SHOWN = 12

/** What became of a request. */
export function requestTold(request: WhyRequest): ToldWhy {
  const { failure, attempts, kind, at, headerMs, totalMs, outcome, client, bytes, resumes, upstream } = request
  const name = nameOf(request)
  const row = {
    ...{ what: 'request', request: request.request, at: time(at), client, name, kind, outcome, upstream },
    ...(failure && causeOf(failure)),
    ...{ bytes, resumes, ms: { ...(headerMs !== undefined && { header: headerMs }), total: totalMs }, attempts },
  }
  const first = headerMs === undefined ? 'no answer' : `first header after ${seconds(headerMs)}`
  const lines = [
    `${name}: ${OUTCOMES[outcome] ?? outcome}`,
    `  request   ${request.request} at ${time(at)}, of ${client}, for ${KINDS[kind] ?? kind}`,
    ...(failure === undefined ? [] : failureLines(failure)),
    `  bytes     ${bytes} from ${upstream}, ${resumes === 0 ? 'in one go' : `taken up again ${times(resumes)}`}`,
    `  time      ${first}, over after ${seconds(totalMs)}`,
    ...attemptLines(attempts, failure),
  ]
  return { row, lines }
}

/** What is wrong with an upstream; `shown`: requests that it was told of before. */
export function standingTold({ failure, ...record }: WhyStanding, shown: readonly WhyRequest[] = []): ToldWhy {
  const { upstream, route, cause, since, lastAt, signs, firstAt, count, request } = record
  const row = {
    ...{ what: 'failing', upstream, ...causeOf(failure) },
    ...{ since: time(since), last: time(lastAt), signs, first: time(firstAt), count },
    ...(request !== undefined && { request }),
  }
  const by = route === 'direct' ? 'directly' : `through ${route}`
  const met = request === undefined ? '' : `; request ${request} met it last`
  const lines = [
    `${upstream} fails ${by} since ${time(since)} (${cause})`,
    ...(shown.some((other) => isSame(other, record)) ? [] : failureLines(failure)),
    `  signs     ${signs}, the last at ${time(lastAt)}${met}`,
    ...(count === signs ? [] : [`  before    the first sign ever was at ${time(firstAt)}; ${count} in all`]),
  ]
  return { row, lines }
}

/** What is to be said of it was said of the request. */
function isSame({ failure }: WhyRequest, { cause, route }: { cause: string; route: string }): boolean {
  return failure?.cause === cause && failure.route === route
}

const OUTCOMES: Readonly<Record<string, string>> = {
  failed: 'failed',
  stale: 'served as it was last confirmed',
  fetched: 'came, not by the first way',
  hit: 'confirmed, not by the first way',
}

const KINDS: Readonly<Record<string, string>> = { manifest: 'a manifest', blob: 'a blob' }

function failureLines(failure: Failure): string[] {
  const { what, remedy } = toldOf(failure)
  const { cause, hop, route, status, host } = failure
  return [
    `  why       ${what}`,
    `  remedy    ${remedy}`,
    `  cause     ${cause} at ${hop} of ${host}, route ${route}${status === undefined ? '' : `, status ${status}`}`,
  ]
}

function attemptLines(attempts: readonly AttemptMade[], failure: Failure | undefined): string[] {
  if (attempts.length === 0) {
    // Who waits no longer has his error before the attempt has its end.
    const why =
      failure?.cause === 'timeout'
        ? 'what has no end yet'
        : 'nothing: it was known already, or another request had asked'
    return [`  tried     ${why}`]
  }
  const alike = alikeTogether(attempts)
  const shown = alike.slice(0, MOST_SHOWN).map(({ what, times: many, ms }, index) => {
    const start = index === 0 ? '  tried     ' : '            '
    return `${start}${what}, ${many === 1 ? seconds(ms) : `${many} times, ${seconds(ms)} together`}`
  })
  return shown.length === alike.length ? shown : [...shown, '            and more: --json has all']
}

/** What was tried again and again, with the same end, once. */
function alikeTogether(attempts: readonly AttemptMade[]): { what: string; times: number; ms: number }[] {
  const groups: { what: string; times: number; ms: number }[] = []
  for (const { route, hop, host, status, cause, ms } of attempts) {
    const came = [...(status === undefined ? [] : [String(status)]), ...(cause === undefined ? [] : [cause])]
    const what = `${hop} of ${host}, route ${route}: ${came.join(' ') || 'answered'}`
    const last = groups.at(-1)
    if (last?.what === what) Object.assign(last, { times: last.times + 1, ms: last.ms + ms })
    else groups.push({ what, times: 1, ms })
  }
  return groups
}

function causeOf(failure: Failure) {
  const { cause, hop, route, host, status, facts } = failure
  const { what, remedy } = toldOf(failure)
  const answered = status === undefined ? {} : { status }
  return { cause, hop, route, host, ...answered, facts, message: what, remedy }
}

/** The sentence, and its end by itself. */
function toldOf(failure: Failure): { what: string; remedy: string } {
  const [sentence, remedy] = [sentenceOf(failure), remedyOf(failure)]
  const end = `; ${remedy}`
  return { what: sentence.endsWith(end) ? sentence.slice(0, -end.length) : sentence, remedy }
}

function nameOf({ repository, reference }: WhyRequest): string {
  if (reference === '') return repository
  return `${repository}${reference.includes(':') ? '@' : ':'}${reference}`
}

function time(at: number): string {
  return new Date(at).toISOString()
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
