import type { Log } from '../base/log.ts'
import type { PullEnd } from '../registry/activity.ts'
import { type Failure, sentenceOf } from '../upstream/upstream.ts'
import type { Recovery } from './troubles.ts'

/** Milliseconds between lines of what fails again and again while clients have what they want. */
const AGAIN = 10 * 60_000

/** Lines of what upstreams do. */
export class ActivityLog {
  readonly #log: Pick<Log, 'info' | 'warn'>
  readonly #now: () => number
  /** By cause, upstream and route: there are as many as those. */
  readonly #said = new Map<string, { readonly at: number; since: number }>()

  constructor(log: Pick<Log, 'info' | 'warn'>, now: () => number) {
    this.#log = log
    this.#now = now
  }

  /** One line for each client that has not got what he wanted. That there is no such image is his mistake. */
  failed(end: PullEnd, failure: Failure): void {
    const fields = { ...pullFields(end), ...failureFields(failure) }
    this.#log[failure.cause === 'not-found' ? 'info' : 'warn'](fields, `${end.name}: ${sentenceOf(failure)}`)
  }

  /** A client was served what is cached: one line, and another from time to time. */
  stale(end: PullEnd, failure: Failure): void {
    const fields = { ...pullFields(end), ...failureFields(failure) }
    this.#seldom(failure, fields, `${end.name} is served as it was last confirmed: ${sentenceOf(failure)}`)
  }

  behind(failure: Failure, { name, kind }: Pick<PullEnd, 'name' | 'kind'>): void {
    const fields = { 'homeport.name': name, 'homeport.kind': kind, ...failureFields(failure) }
    this.#seldom(failure, fields, `${name}, while nobody waits: ${sentenceOf(failure)}`)
  }

  slowed(end: PullEnd): void {
    const tried = end.attempts.flatMap(({ cause, hop, route }) =>
      cause === undefined ? [] : [`${cause} at ${hop} by ${route}`],
    )
    const met = [...new Set(tried)].slice(0, 5).join(', ')
    const resumed = end.resumes === 0 ? '' : `, after ${end.resumes} resumes`
    this.#log.info(pullFields(end), `${end.name} came, not by the first way${resumed}${met === '' ? '' : `: ${met}`}`)
  }

  recovered({ upstream, route, causes, since, signs }: Recovery): void {
    for (const key of this.#said.keys()) if (key.startsWith(`${upstream} ${route} `)) this.#said.delete(key)
    const from = new Date(since).toISOString()
    const fields = { 'homeport.upstream': upstream, 'homeport.route': route, 'homeport.causes': causes.join(' ') }
    this.#log.info(
      { ...fields, 'homeport.since': from, 'homeport.count': signs },
      `${upstream} works again ${route === 'direct' ? 'directly' : `through ${route}`}, after ${signs} failures since ${from} (${causes.join(', ')})`,
    )
  }

  #seldom(failure: Failure, fields: object, message: string): void {
    const key = `${failure.upstream} ${failure.route} ${failure.cause}`
    const [said, now] = [this.#said.get(key), this.#now()]
    if (said !== undefined && now - said.at < AGAIN) {
      said.since += 1
      return
    }
    this.#said.set(key, { at: now, since: 0 })
    const repeated = said === undefined || said.since === 0 ? {} : { 'homeport.repeated': said.since }
    this.#log.warn({ ...fields, ...repeated }, message)
  }
}

function pullFields({ asker, upstream, kind, name, outcome, bytes, resumes, attempts, ms }: PullEnd): object {
  return {
    'http.request.id': asker.id,
    'homeport.upstream': upstream,
    'homeport.name': name,
    'homeport.kind': kind,
    'homeport.outcome': outcome,
    'homeport.bytes': bytes,
    'homeport.resumes': resumes,
    'homeport.attempts': attempts.length,
    'homeport.duration': `${ms.total.toFixed(3)}ms`,
  }
}

function failureFields({ upstream, cause, hop, route, host, status }: Failure): object {
  return {
    'homeport.upstream': upstream,
    'homeport.cause': cause,
    'homeport.hop': hop,
    'homeport.route': route,
    'homeport.host': host,
    ...(status !== undefined && { 'homeport.status': status }),
  }
}
