import { registryName } from '../base/registry-name.ts'
import { parseRepositoryName } from '../oci/name.ts'
import { Refusal } from '../oci/refusal.ts'

/**
 * Which repository does a request mean? (OCI Distribution, "Registry Proxying".) Pure; `locate.ts` adds what only the
 * catalog knows.
 *
 * 1. what the request is bound to (a listener, a host name, a path before `/v2`);
 * 2. `ns`: an upstream's, never a hosted repository; our own name: hosted;
 * 3. a first component that is an upstream; what else looks like a host is never asked for at the default upstream;
 * 4. a hosted repository, and whatever is pushed;
 * 5. the default upstream.
 */

/** How a request names a repository. */
export interface NameAsked {
  /** As in the URL: `library/alpine`, `docker.io/library/alpine`, `team/app`. */
  readonly name: string
  /** `?ns=`, as sent; a list where it came several times. */
  readonly ns: readonly string[]
  /** The upstream that the listener, the host name or the path before `/v2` is bound to. */
  readonly bound?: string
  /** Names of this registry: of `http.host`, its certificate, and the request's Host. */
  readonly own: readonly string[]
  /** Whether it is to be changed. */
  readonly write: boolean
  /** An access rule of the caller names this very repository: he may push where a default upstream is. */
  readonly named: boolean
  /** It is asked whether a blob is there. Who pushes asks so before anything is: that is not for the default upstream. */
  readonly blob?: boolean
}

/** A repository by its canonical name. */
export interface Located {
  /** Hosted: as in the URL. Cached: with its upstream before it. */
  readonly repository: string
  /** The upstream that it belongs to; left out: it is hosted. */
  readonly upstream?: string
  /** `ns` was honoured, as it is configured: what `OCI-Namespace` answers. */
  readonly namespace?: string
  /** Nobody has pushed or pulled it yet, and its name does not say whose it is: the default upstream's, or to be ours. */
  readonly unclaimed?: true
}

/** What is cached here, as far as names go. */
export interface Known {
  /** By name: `docker.io`. */
  readonly upstreams: ReadonlyMap<string, { readonly library: boolean }>
  readonly defaultUpstream?: string
}

/** A repository of an upstream. */
export interface Theirs {
  readonly upstream: string
  /** With its upstream before it. */
  readonly repository: string
}

export type Meaning =
  /** It says itself that it is an upstream's. */
  | ({ readonly kind: 'cached'; readonly namespace?: string } & Theirs)
  /** It says itself that it is ours. `otherwise`: what the name means without `ns`, which a push would hide. */
  | { readonly kind: 'hosted'; readonly repository: string; readonly namespace?: string; readonly otherwise?: Theirs }
  /** A name as it stands: the catalog knows whether it is hosted. If not, it is the default upstream's (`otherwise`), or names a registry that is not cached (`host`). */
  | { readonly kind: 'plain'; readonly repository: string; readonly otherwise?: Theirs; readonly host?: string }

/** Throws `name-unknown` for a registry that is not cached here, `name-invalid`, and `request-invalid` for several `ns`. */
export function meaningOf(asked: NameAsked, known: Known): Meaning {
  const { bound } = asked
  const namespace = namespaceOf(asked)
  const upstream = namespace === undefined ? undefined : upstreamNamed(namespace, known)
  if (bound !== undefined) {
    if (namespace !== undefined && upstream !== bound && !isOwn(namespace, asked.own)) {
      throw unknownRegistry(namespace, `this address is bound to ${bound}`)
    }
    return { kind: 'cached', ...theirs(bound, asked.name, known), ...(upstream && { namespace: upstream }) }
  }
  if (upstream !== undefined) return { kind: 'cached', ...theirs(upstream, asked.name, known), namespace: upstream }

  const [first, rest] = split(asked.name)
  const named = rest === undefined ? undefined : upstreamNamed(first, known)
  if (namespace !== undefined) {
    if (!isOwn(namespace, asked.own)) throw unknownRegistry(namespace)
    if (named === undefined) return { kind: 'hosted', namespace, ...ours(asked.name, known) }
    return { kind: 'cached', ...theirs(named, asked.name, known), namespace }
  }
  if (named !== undefined) return { kind: 'cached', ...theirs(named, asked.name, known) }
  if (rest !== undefined && looksLikeHost(first)) {
    // No repository of ours has such a name; a push of it is told so.
    if (first.includes(':') && !asked.write) throw unknownRegistry(first)
    return { kind: 'plain', repository: parseRepositoryName(asked.name), host: first }
  }
  return { kind: 'plain', ...ours(asked.name, known) }
}

/** The name as it stands, and whose else it may be. */
function ours(name: string, known: Known): { readonly repository: string; readonly otherwise?: Theirs } {
  const { defaultUpstream } = known
  const repository = parseRepositoryName(name)
  return { repository, ...(defaultUpstream !== undefined && { otherwise: whole(defaultUpstream, repository, known) }) }
}

/** Whether a first component is a registry's name rather than a part of a repository's. */
function looksLikeHost(component: string): boolean {
  return /[.:]/.test(component)
}

export function unknownRegistry(host: string, because = 'it is not cached here'): Refusal {
  const shown = host.slice(0, 100)
  return new Refusal('name-unknown', {
    because: `'${shown}' was not asked: ${because}; the operator can add it under upstreams`,
  })
}

/** The upstream that a canonical name begins with, and its own name for the repository. */
export function splitCanonical(
  repository: string,
  { upstreams }: Known,
): { upstream: string; name: string } | undefined {
  const [first, name] = split(repository)
  return name !== undefined && upstreams.has(first) ? { upstream: first, name } : undefined
}

/** `ns`, by the registry's one name. */
function namespaceOf({ ns }: NameAsked): string | undefined {
  const [namespace, another] = new Set(ns.filter((value) => value !== '').map(registryName))
  if (another === undefined) return namespace
  throw new Refusal('request-invalid', { because: 'it has several ns, which name different registries' })
}

function upstreamNamed(host: string, { upstreams }: Known): string | undefined {
  const name = registryName(host)
  return upstreams.has(name) ? name : undefined
}

/** A name of ours that has no port, like those of a certificate, is ours on each. */
function isOwn(namespace: string, own: readonly string[]): boolean {
  const withoutPort = namespace.replace(/:\d+$/, '')
  return own.map(registryName).some((name) => name === namespace || name === withoutPort)
}

/** The name as that upstream has it: a prefix that repeats the upstream goes, once. */
function theirs(upstream: string, name: string, known: Known): Theirs {
  const [first, rest] = split(name)
  return whole(
    upstream,
    parseRepositoryName(rest !== undefined && registryName(first) === upstream ? rest : name),
    known,
  )
}

function whole(upstream: string, name: string, { upstreams }: Known): Theirs {
  const below = upstreams.get(upstream)?.library === true && !name.includes('/') ? `library/${name}` : name
  return { upstream, repository: `${upstream}/${below}` }
}

/** The first component, and what is behind it. */
function split(name: string): [first: string, rest: string | undefined] {
  const slash = name.indexOf('/')
  return slash === -1 ? [name, undefined] : [name.slice(0, slash), name.slice(slash + 1)]
}
