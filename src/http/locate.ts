import { parseRepositoryName } from '../oci/name.ts'
import { Refusal } from '../oci/refusal.ts'
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
  /** What this server calls itself in `Via`: a request that has it was sent by us. */
  readonly via?: string
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
    const located = await locating.locate({
      name: parsed,
      ns: query.all('ns'),
      ...(bound !== undefined && { bound }),
      own: [...ownHost(arrival), ...locating.own()],
      ...{ write, blob },
      named: write && (caller.names?.(access, parsed) ?? false),
    })
    if (located.upstream !== undefined) refuseOwn(located.upstream, arrival.headers['via'], locating)
    return located
  } catch (error) {
    // Who may not push there by any name is told that, and not what is cached.
    if (write) authorise(door, { access, name, arrival }, { caller, repository: parsed })
    throw error
  }
}

/** A server that is its own upstream would ask itself for ever. */
function refuseOwn(upstream: string, via: string | undefined, { via: own }: Locating): void {
  if (own === undefined || !via?.split(/[\s,]+/).includes(own)) return
  throw new Refusal('upstream-unavailable', {
    because:
      `the request was sent by this very server: the API of ${upstream} is configured at an address that leads back ` +
      `here; set upstreams.${upstream}.url to where ${upstream} is`,
  })
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
