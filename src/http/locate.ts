import { parseRepositoryName } from '../oci/name.ts'
import type { Located, NameAsked } from '../registry/addressing.ts'
import { authorise, type Door, type Visitor } from './guard.ts'
import { hostName, hostOf } from './host.ts'
import type { Mirror } from './mirror.ts'
import type { Access, Arrival, Query } from './route.ts'

/** How it is found out which repository a request means. */
export interface Locating {
  readonly locate: (asked: NameAsked) => Promise<Located>
  /** Names of this server, beside the one that the request names: of its certificate and `http.host`. */
  readonly own: () => readonly string[]
}

interface Asked {
  /** As in the path, percent-decoded. */
  readonly name: string
  readonly query: Query
  readonly access: Access
  readonly blob: boolean
  readonly caller: Visitor
  readonly arrival: Pick<Arrival, 'bound' | 'origin' | 'headers' | 'peer'>
}

interface Parts {
  readonly door: Door
  readonly locating: Locating | undefined
  readonly mirror: Mirror | undefined
}

/** Which repository is meant. Throws `name-invalid`, and what `Registry.locate` does. */
export async function locate(
  { name, query, access, blob, caller, arrival }: Asked,
  { door, locating, mirror }: Parts,
): Promise<Located> {
  const parsed = parseAskedName(name)
  if (locating === undefined) return { repository: parsed }
  const bound = mirror?.upstream ?? arrival.bound
  const write = access === 'push' || access === 'delete'
  try {
    return await locating.locate({
      name: parsed,
      ns: query.all('ns'),
      ...(bound !== undefined && { bound }),
      own: [...ownHost(arrival), ...locating.own()],
      ...{ write, blob },
      named: write && (caller.names?.(access, parsed) ?? false),
    })
  } catch (error) {
    // Who may not push there by any name is told that, and not what is cached.
    if (write) authorise(door, { access, name, arrival }, { caller, repository: parsed })
    throw error
  }
}

/** With and without its port: a client may write either into `ns`. */
function ownHost(arrival: Asked['arrival']): string[] {
  const host = hostOf(arrival)
  return host === '' ? [] : [...new Set([host.toLowerCase(), hostName(host)])]
}

/** The first component may be a registry with its port, which no repository of ours is called. */
const WITH_PORT = /^[a-z\d](?:[a-z\d.-]*[a-z\d])?:\d{1,5}\//

/** Throws `name-invalid`. */
function parseAskedName(text: string): string {
  const host = WITH_PORT.exec(text)?.[0] ?? ''
  return host + parseRepositoryName(text.slice(host.length))
}
