import { parseDigest } from '../../oci/digest.ts'
import { OCI_INDEX } from '../../oci/media-type.ts'
import { Refusal } from '../../oci/refusal.ts'
import type { Listing, PageAsked, Registry } from '../../registry/registry.ts'
import { addressOf, nextLink } from '../address.ts'
import type { Handler, Query, Reply } from '../route.ts'

/** Of a page that nobody gave a size: scripts that know no `Link` should see all tags of a usual repository. */
const TAGS_UNASKED = 10_000
const REPOSITORIES_UNASKED = 100

/** Bytes of descriptors on one page: with its frame it stays below what clients take for a manifest (4 MiB). */
const REFERRERS_BYTES = 4 * 1024 * 1024 - 1024

/** `GET /v2/<name>/tags/list`. `largest`: entries on a page, whoever asks for more. */
export function listTags(registry: Pick<Registry, 'listTags'>, largest: number): Handler {
  const sizes = { largest, unasked: Math.max(TAGS_UNASKED, largest) }
  return async (request) => {
    const { params, query } = request
    const { name = '' } = params
    const listing = await pageOf(query, sizes, (page) => registry.listTags(request.repository, page, request))
    return pageReply({ name, tags: listing.items }, { listing, path: `/v2/${name}/tags/list`, query })
  }
}

/** `GET /v2/_catalog` (registry:2). `largest`: entries on a page, whoever asks for more. */
export function listRepositories(registry: Pick<Registry, 'listRepositories'>, largest: number): Handler {
  const sizes = { largest, unasked: Math.min(REPOSITORIES_UNASKED, largest) }
  return async ({ query, caller }) => {
    const listing = await pageOf(query, sizes, (page) => registry.listRepositories(caller, page))
    return pageReply({ repositories: listing.items }, { listing, path: '/v2/_catalog', query })
  }
}

/** `GET /v2/<name>/referrers/<digest>`: an empty list for what is not there, never a 404. */
export function listReferrers(registry: Pick<Registry, 'listReferrers'>): Handler {
  return async (request) => {
    const { params, query } = request
    const { name = '', digest = '' } = params
    const artifactType = query.get('artifactType') || undefined
    const last = query.get('last') || undefined
    const { items, next, warning } = await registry.listReferrers(request.repository, parseDigest(digest), {
      asker: request,
      maxBytes: REFERRERS_BYTES,
      ...(artifactType !== undefined && { artifactType }),
      ...(last !== undefined && { last }),
    })
    const manifests = items.map(({ mediaType, digest: of, size, artifactType: type, annotations }) => ({
      ...{ mediaType, digest: of, size },
      ...(type !== undefined && { artifactType: type }),
      ...(annotations !== undefined && { annotations }),
    }))
    const path = `/v2/${name}/referrers/${digest}`
    return {
      status: 200,
      warnings: warningsOf(warning),
      headers: {
        // Exactly so: crane and oras compare it.
        'content-type': OCI_INDEX,
        ...(artifactType !== undefined && { 'oci-filters-applied': 'artifactType' }),
        ...(next !== undefined && { link: nextLink(addressOf(path, query, { last: next, artifactType })) }),
      },
      body: JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }),
    }
  }
}

/** A page as the query asks for it: `n=0` is an empty one, and too large a one is made smaller. */
async function pageOf(
  query: Query,
  { largest, unasked }: { largest: number; unasked: number },
  list: (page: PageAsked) => Promise<Listing<string>>,
): Promise<Listing<string>> {
  const asked = query.get('n')
  if (asked !== undefined && !/^\d+$/.test(asked)) {
    throw new Refusal('page-invalid', { because: `n is '${asked.slice(0, 80)}', and should be a number from 0 on` })
  }
  const limit = asked === undefined ? unasked : Math.min(Number(asked), largest)
  const last = query.get('last') || undefined
  const listing = await list({ limit: Math.max(limit, 1), ...(last !== undefined && { last }) })
  return limit === 0 ? { items: [] } : listing
}

function warningsOf(warning: string | undefined): string[] {
  return warning === undefined ? [] : [warning]
}

function pageReply(content: object, page: { listing: Listing<string>; path: string; query: Query }): Reply {
  const { listing, path, query } = page
  const { items, next, warning } = listing
  const n = query.has('n') ? String(items.length) : undefined
  return {
    status: 200,
    warnings: warningsOf(warning),
    headers: {
      'content-type': 'application/json',
      ...(next !== undefined && { link: nextLink(addressOf(path, query, { last: next, n })) }),
    },
    body: JSON.stringify(content),
  }
}
