/**
 * Which repository does a request mean? (design, "Which repository does a request mean?"; OCI Distribution, "Registry
 * Proxying".) Pure; `locate` adds what only the catalog knows.
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
}

/** A repository by its canonical name. */
export interface Located {
  /** Hosted: as in the URL. Cached: with its upstream before it. */
  readonly repository: string
  /** The upstream that it belongs to; left out: it is hosted. */
  readonly upstream?: string
  /** `ns` was honoured, as it is configured: what `OCI-Namespace` answers. */
  readonly namespace?: string
}
