import { Refusal } from '../oci/refusal.ts'
import type { Located } from '../registry/addressing.ts'
import { closeBody } from './close-body.ts'
import { completeReply } from './complete-reply.ts'
import { enter } from './enter.ts'
import { errorResponse, type Failure } from './error-response.ts'
import type { Door, SignIn } from './guard.ts'
import type { Locating } from './locate.ts'
import { componentsOf, matchPath, type Pattern, patternOf, splitTarget } from './match-route.ts'
import { asMirror, listsAll, type Mirror, mirrored, onlyRead } from './mirror.ts'
import { parseQuery } from './query.ts'
import type { Arrival, Reply, Route } from './route.ts'
import { tokenAddresses } from './token-address.ts'

/** What became of a request. `reply` is complete; the rest is for the log. */
export interface Outcome {
  readonly reply: Reply
  /** Who asked; empty: nobody signed in, or nobody asked who he is. */
  readonly account: string
  /** What its path is in the table of routes, and what the parts of it are. Left out: it is none of ours. */
  readonly route?: string
  readonly params?: Readonly<Record<string, string>>
  /** The repository that was meant. Left out: none, or it was not found out. */
  readonly located?: Located
  readonly failure?: Omit<Failure, 'reply'>
}

/** Never rejects: whatever goes wrong is an answer. */
export type Answer = (arrival: Arrival) => Promise<Outcome>

export interface HandlerOptions {
  readonly routes: readonly Route[]
  readonly signIn: SignIn
  /** Throws a refusal while nothing, or nothing of this kind, can be answered. Asked before who it is; not on `open` routes. */
  readonly admit?: (method: string) => void
  /** Nothing may be changed: who may change things otherwise is told why not. Default: `false`. */
  readonly readOnly?: boolean
  /** Told of each request whose path is known, before it is answered. */
  readonly begun?: (route: string) => void
  /** Finds out which repository a request means. Left out: the one that its path names. */
  readonly locating?: Locating
  /** The listener of one upstream: it is only read there. Left out: everything is here. */
  readonly mirror?: Mirror
  /** Where tokens are had, if there are any. Left out: at the address of the request. */
  readonly tokenAddress?: Door['tokenAddress']
}

/** Finds the route, asks who it is and which repository he means, asks the guard, runs the handler, and answers for what they throw. */
export function createHandler(options: HandlerOptions): Answer {
  const { signIn, admit, readOnly = false, begun, locating, mirror } = options
  const door: Door = { signIn, tokenAddress: options.tokenAddress ?? tokenAddresses({ prefix: '/' }) }
  const paths = pathsOf(mirror === undefined ? options.routes : asMirror(options.routes))
  const ofOne = paths.filter(({ rows }) => !rows.some(listsAll))

  return async (arrival) => {
    let account = ''
    let place: Place = {}
    try {
      const { path, query: text } = splitTarget(arrival.target)
      const found = find(arrival.bound === undefined ? paths : ofOne, path)
      const { params } = found
      const { rows, methods } = found.at
      place = { route: found.at.path, params }
      begun?.(found.at.path)
      if (arrival.method === 'OPTIONS') {
        return { reply: completeReply(preflight(methods), 'OPTIONS'), account, ...place }
      }
      const { access, handler } = routeFor(arrival.method, rows, { allow: methods, mirror })
      if (access !== 'open') admit?.(arrival.method)
      const query = parseQuery(text)
      const blob = found.at.path.includes('/blobs/') && arrival.method === 'HEAD'
      const wanted = { access, arrival, query, name: params['name'], blob }
      const caller = await enter(wanted, {
        ...{ door, locating, mirror },
        met: (visitor) => (account = visitor.account),
        found: (located) => (place = { ...place, located }),
      })
      if (readOnly && access !== 'open' && !READS.includes(arrival.method)) throw refusedChange(methods)
      const { target: _, bound: __, ...rest } = arrival
      const { repository = '', unclaimed = false } = place.located ?? {}
      const request = { ...rest, params, query, caller, signIn, repository, unclaimed }
      const reply = await mirrored(mirror, found.at.path, () => handler(request))
      return { reply: await completed(answering(reply, place.located), arrival.method), account, ...place }
    } catch (error) {
      const { reply, ...outcome } = refuse(error, arrival, account)
      return { reply: answering(reply, place.located), ...outcome, ...place }
    }
  }
}

/** Whoever sends a blob closes its reader: where it cannot be sent, nobody else would. */
async function completed(reply: Reply, method: string): Promise<Reply> {
  try {
    return completeReply(reply, method)
  } catch (fault) {
    await closeBody(reply)
    throw fault
  }
}

/** Says that `ns` was honoured (OCI Distribution, "Registry Proxying"). */
function answering(reply: Reply, located: Located | undefined): Reply {
  if (located?.namespace === undefined) return reply
  return { ...reply, headers: { ...reply.headers, 'oci-namespace': located.namespace } }
}

/** What a request gets that was not, or could not be, answered. */
export function refuse(error: unknown, { id, method }: Pick<Arrival, 'id' | 'method'>, account = ''): Outcome {
  const { reply, ...failure } = errorResponse(error, id)
  try {
    return { reply: completeReply(reply, method), account, failure }
  } catch (fault) {
    // What the refusal carries cannot be sent; a fault carries nothing.
    return refuse(fault, { id, method }, account)
  }
}

/**
 * A browser asks this, without credentials, before a page of another origin may ask something else. Which pages may is
 * for `http.headers` to say.
 */
function preflight(methods: readonly string[]): Reply {
  return { status: 200, headers: { allow: methods.join(', ') } }
}

type Place = Pick<Outcome, 'route' | 'params' | 'located'>

const READS: readonly string[] = ['GET', 'HEAD']

function refusedChange(methods: readonly string[]): Refusal {
  const because = 'it is read-only for maintenance, until the operator takes storage.maintenance.readonly back'
  return new Refusal('unsupported', { because, allow: methods.filter((method) => READS.includes(method)) })
}

/** A path of the table, with all its rows. */
interface PathOfTable {
  readonly path: string
  readonly pattern: Pattern
  readonly rows: readonly Route[]
  readonly methods: readonly string[]
}

function pathsOf(routes: readonly Route[]): PathOfTable[] {
  return [...Map.groupBy(routes, ({ path }) => path)].map(([path, rows]) => {
    return { path, pattern: patternOf(path), rows, methods: rows.flatMap(({ methods }) => methods) }
  })
}

/** The first whose path it is. Throws `route-unknown`. */
function find(paths: readonly PathOfTable[], path: string) {
  const components = componentsOf(path)
  for (const at of paths) {
    const params = matchPath(at.pattern, components)
    if (params !== undefined) return { at, params }
  }
  throw new Refusal('route-unknown')
}

/** Throws `unsupported` where there is none. */
function routeFor(
  method: string,
  rows: readonly Route[],
  { allow, mirror }: { allow: readonly string[]; mirror: Mirror | undefined },
): Route {
  const row = rows.find(({ methods }) => methods.includes(method))
  if (row !== undefined) return row
  const because = mirror === undefined ? `the method is ${method}, and here are ${allow.join(', ')}` : onlyRead(mirror)
  throw new Refusal('unsupported', { because, allow })
}
