import type { Egress, OutboundRequest } from '../egress/egress.ts'
import type { Problem } from './standing.ts'

/** As many as Go's client follows, which registry:2's check is made with. */
const MOST_REDIRECTS = 10

export interface HttpCheck {
  readonly uri: string
  readonly headers: OutboundRequest['headers']
  /** What the answer must have. */
  readonly statuscode: number
  /** Milliseconds, redirects included. */
  readonly timeout: number
}

/** How a URI is written where people read it: without its password, and without what may be a token. */
export function shownUri(uri: string): string {
  const url = new URL(uri)
  if (url.username === '' && url.password === '' && url.search === '') return uri
  if (url.password !== '') url.password = '***'
  else if (url.username !== '') url.username = '***'
  if (url.search !== '') url.search = '***'
  return url.href
}

/** `HEAD`, as registry:2 asks. Headers go to the origin that they were configured for, and nowhere else. */
export async function checkHttp(egress: Egress, check: HttpCheck): Promise<Problem | undefined> {
  const { uri, statuscode, timeout } = check
  const first = new URL(uri)
  const headers = { ...basicOf(first), ...check.headers }
  let url = first
  const end = performance.now() + timeout
  try {
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      const reply = await egress.head({
        method: 'HEAD',
        url,
        ...(url.origin === first.origin && { headers }),
        timeout: Math.max(1, Math.ceil(end - performance.now())),
      })
      if (reply.status === statuscode) return undefined
      const next = reply.headers['location']
      if (reply.status < 300 || reply.status > 399 || typeof next !== 'string') {
        return { message: `answered with status ${reply.status}, not ${statuscode}` }
      }
      url = new URL(next, url)
    }
    return { message: `redirected more than ${MOST_REDIRECTS} times` }
  } catch (error) {
    return { message: `did not answer: ${reasonOf(error)}` }
  }
}

/** A name and password in the URI, as Go's client sends them. */
function basicOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

export interface TcpCheck {
  readonly host: string
  readonly port: number
  /** Milliseconds. */
  readonly timeout: number
}

/** Whether somebody takes a connection there. */
export async function checkTcp(egress: Egress, check: TcpCheck): Promise<Problem | undefined> {
  try {
    await egress.dial(check)
    return undefined
  } catch (error) {
    return { message: `takes no connection: ${reasonOf(error)}` }
  }
}

/** Where a name has several addresses, each has a reason of its own, and the whole has no message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
