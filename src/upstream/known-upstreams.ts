/** What is known of a registry by its name, so that nobody has to configure it. */
export interface KnownUpstream {
  /** Where its API is. */
  readonly url: string
  /** Origins that give out tokens for it, beside its own: they may be told who we are. */
  readonly realms: readonly string[]
  /** Names of one component belong to `library/`. */
  readonly library: boolean
  /** Where the referrers API should be it sends a page (oras-go #633): its fallback tags are read at once. */
  readonly noReferrers?: true
}

/** Sources: the registries' own documents, and what they answered (`test/unit/upstream/where.test.ts` holds it). */
export const KNOWN_UPSTREAMS: Readonly<Record<string, KnownUpstream>> = {
  'docker.io': {
    url: 'https://registry-1.docker.io',
    realms: ['https://auth.docker.io'],
    library: true,
  },
  'ghcr.io': { url: 'https://ghcr.io', realms: [], library: false },
  'quay.io': { url: 'https://quay.io', realms: [], library: false },
  'registry.k8s.io': {
    url: 'https://registry.k8s.io',
    realms: [],
    library: false,
    noReferrers: true,
  },
  'gcr.io': { url: 'https://gcr.io', realms: [], library: false },
  'mcr.microsoft.com': { url: 'https://mcr.microsoft.com', realms: [], library: false },
  // Its realm has a slash at its end, and its scope is `aws` whatever is asked for: both are taken from its challenge.
  'public.ecr.aws': { url: 'https://public.ecr.aws', realms: [], library: false },
  'registry.gitlab.com': {
    url: 'https://registry.gitlab.com',
    realms: ['https://gitlab.com'],
    library: false,
  },
  // A name for ghcr.io: requests are redirected there, and tokens are from there.
  'lscr.io': { url: 'https://ghcr.io', realms: [], library: false },
}
