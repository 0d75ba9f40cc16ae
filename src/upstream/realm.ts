/** Where an upstream sends us for a token, and what it may be told there. */
export interface Realm {
  readonly url: URL
  /** Our name and password may be sent. */
  readonly trusted: boolean
}

export interface RealmRules {
  /** Of the upstream's API. */
  readonly base: URL
  /** Hosts or origins that the operator listed, or that are known: `auth.docker.io`, `https://auth.docker.io`. */
  readonly realms: readonly string[]
}

/**
 * Judges a realm: it is written by the upstream, or by whoever stands before it (CVE-2026-33540). `undefined`: nobody
 * is asked there, for it is no address, has a name and password in it, or is plain http where the upstream is not.
 */
export function judgeRealm(text: string, { base, realms }: RealmRules): Realm | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.username !== '' || url.password !== '') return undefined
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && base.protocol === 'http:')) return undefined
  url.hash = ''
  const trusted = url.origin === base.origin || realms.some((realm) => names(realm, url))
  return { url, trusted }
}

function names(realm: string, url: URL): boolean {
  if (realm.includes('://')) return URL.canParse(realm) && new URL(realm).origin === url.origin
  const written = `${url.protocol}//${realm}`
  return URL.canParse(written) && new URL(written).origin === url.origin
}
