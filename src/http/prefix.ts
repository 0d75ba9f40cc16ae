import { Refusal } from '../oci/refusal.ts'
import { type Answer, refuse } from './dispatch.ts'
import type { Reply } from './route.ts'

/** What comes before `/v2/`; each begins and ends with a slash. */
export interface Prefix {
  /** In the requests that come. */
  readonly inward: string
  /** In `Location` and `Link`: a proxy before us may take a part of the path away. */
  readonly outward: string
}

/** Ours, as load balancers and orchestrators ask for them: they need not know of a prefix. */
const WITHOUT: ReadonlySet<string> = new Set(['/', '/healthz', '/readyz'])

/**
 * From `http.prefix`, and from `http.host`, whose path registry:2 puts before every address that it tells, unless
 * `http.relativeurls` is set: so it is told of a proxy that takes a part of the path away.
 */
export function prefixOf(http: {
  readonly prefix: string
  readonly host?: string | undefined
  readonly relativeurls: boolean
}): Prefix {
  const { prefix, host, relativeurls } = http
  const path = host === undefined || relativeurls ? '/' : new URL(host).pathname
  // As a URL is resolved against another: what stands behind the last slash is no folder.
  return { inward: prefix, outward: `${path.slice(0, path.lastIndexOf('/'))}${prefix}` }
}

/** Answers below a prefix what `answer` answers at the root. */
export function withPrefix(answer: Answer, { inward, outward }: Prefix): Answer {
  if (inward === '/' && outward === '/') return answer
  return async (arrival) => {
    const target = withoutPrefix(arrival.target, inward)
    if (target === undefined) {
      return refuse(new Refusal('route-unknown', { because: `paths begin with ${inward} here` }), arrival)
    }
    const outcome = await answer({ ...arrival, target })
    return { ...outcome, reply: outside(outcome.reply, outward) }
  }
}

/** The target as the table of routes has it. Nothing is decoded: a prefix is the same text, or none. */
function withoutPrefix(target: string, prefix: string): string | undefined {
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '')
  if (local.startsWith(prefix)) return local.slice(prefix.length - 1)
  const [path = ''] = local.split('?')
  return WITHOUT.has(path) ? local : undefined
}

/** With what comes before each address that it tells. */
export function outside(reply: Reply, prefix: string): Reply {
  const { location, link } = reply.headers
  if (typeof location !== 'string' && typeof link !== 'string') return reply
  return {
    ...reply,
    headers: {
      ...reply.headers,
      ...(typeof location === 'string' && { location: location.replace(/^\//, prefix) }),
      ...(typeof link === 'string' && { link: link.replace(/^<\//, `<${prefix}`) }),
    },
  }
}
