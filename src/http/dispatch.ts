import { parseRepositoryName } from '../oci/name.ts'
import { Refusal } from '../oci/refusal.ts'
import { completeReply } from './complete-reply.ts'
import { errorResponse, type Failure } from './error-response.ts'
import { authorise, identify, type SignIn } from './guard.ts'
import { componentsOf, matchComponents, type Pattern, patternOf, splitTarget } from './match-route.ts'
import { parseQuery } from './query.ts'
import type { Arrival, Reply, Route } from './route.ts'

/** What became of a request. `reply` is complete; the rest is for the log. */
export interface Outcome {
  readonly reply: Reply
  /** Who asked; empty: nobody signed in, or nobody asked who he is. */
  readonly account: string
  /** What its path is in the table of routes, and what the parts of it are. Left out: it is none of ours. */
  readonly route?: string
  readonly params?: Readonly<Record<string, string>>
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
}

/** Finds the route, asks the guard, runs the handler, and answers for what they throw. */
export function createHandler({ routes, signIn, admit, readOnly = false, begun }: HandlerOptions): Answer {
  const table = routes.map((route) => ({ route, pattern: patternOf(route.path) }))

  return async (arrival) => {
    let account = ''
    let place: Place = {}
    try {
      const { path, query } = splitTarget(arrival.target)
      const first = firstMatch(table, path)
      place = { route: first.route.path, params: first.params }
      begun?.(first.route.path)
      if (arrival.method === 'OPTIONS') {
        return { reply: completeReply(preflight(methodsOf(table, first.route.path)), 'OPTIONS'), account, ...place }
      }
      const { access, handler } = routeOf(table, arrival.method, first.route.path)
      const { params } = first
      if (access !== 'open') admit?.(arrival.method)
      const caller = await identify(signIn, access, arrival)
      account = caller.account
      if (params['name'] !== undefined) {
        authorise(signIn, access, { caller, repository: parseRepositoryName(params['name']) })
      }
      if (readOnly && !READS.includes(arrival.method)) throw refusedChange(table, first.route.path)
      const { target: _, ...rest } = arrival
      const reply = await handler({ ...rest, params, query: parseQuery(query), caller })
      return { reply: completeReply(reply, arrival.method), account, ...place }
    } catch (error) {
      return { ...refuse(error, arrival, account), ...place }
    }
  }
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

type Place = Pick<Outcome, 'route' | 'params'>

const READS: readonly string[] = ['GET', 'HEAD']

function refusedChange(table: Table, path: string): Refusal {
  const because = 'it is read-only for maintenance, until the operator takes storage.maintenance.readonly back'
  return new Refusal('unsupported', {
    because,
    allow: methodsOf(table, path).filter((method) => READS.includes(method)),
  })
}

type Table = readonly { readonly route: Route; readonly pattern: Pattern }[]

/** The row for this method, of those of the path. Throws `unsupported` where there is none. */
function routeOf(table: Table, method: string, path: string): Route {
  const rows = table.filter(({ route }) => route.path === path).map(({ route }) => route)
  const found = rows.find(({ methods }) => methods.includes(method))
  if (found !== undefined) return found
  const allow = methodsOf(table, path)
  throw new Refusal('unsupported', { because: `the method is ${method}, and here are ${allow.join(', ')}`, allow })
}

function methodsOf(table: Table, path: string): string[] {
  return table.flatMap(({ route }) => (route.path === path ? route.methods : []))
}

/** The first row whose path it is. Throws `route-unknown`. */
function firstMatch(table: Table, path: string) {
  const components = componentsOf(path)
  for (const { route, pattern } of table) {
    const params = matchComponents(pattern, components)
    if (params !== undefined) return { params, route }
  }
  throw new Refusal('route-unknown')
}
