import type { Digest } from '../../oci/digest.ts'
import { isTag, parseReference, parseTag } from '../../oci/name.ts'
import { Refusal, type RefusalKind } from '../../oci/refusal.ts'
import type { Registry } from '../../registry/registry.ts'
import { addressOf } from '../address.ts'
import { etagOf, expectationOf, isUnchanged } from '../conditional.ts'
import { readBody } from '../read-body.ts'
import type { Handler, Query, Request } from '../route.ts'

/** Bytes. What containerd, c/image and registry:2 take: a larger one could be pushed, and pulled by nobody. */
const LARGEST = 4 * 1024 * 1024

/**
 * Bytes that may wait in memory for one client to take them. Larger manifests are read again while they go out, as
 * blobs are: a thousand clients that take nothing of 4 MiB each would fill the memory.
 */
const MOST_HELD = 256 * 1024

/** A manifest has the type that its pusher chose, `text/html` too: no browser may run what is in it. */
const INERT = { 'content-security-policy': "default-src 'none'; sandbox" }

/** `?tag=` in one request. The specification wants at least 10. */
const MOST_TAGS = 100

/**
 * `GET` and `HEAD /v2/<name>/manifests/<reference>`.
 *
 * The stored bytes, whatever `Accept` says: to those who ask with a short list (Watchtower, curl), what there is
 * serves better than a 404.
 */
export function readManifest(registry: Pick<Registry, 'findManifest' | 'findBlob'>): Handler {
  return async (request) => {
    const { method, params, headers, repository } = request
    const { reference = '' } = params
    if (!reference.includes(':') && !isTag(reference)) {
      throw new Refusal('manifest-unknown', { because: `'${reference.slice(0, 140)}' can be no tag` })
    }
    const {
      digest,
      mediaType,
      bytes,
      warning,
      unkept = false,
    } = await registry.findManifest(repository, reference, request).catch((error: unknown) => {
      throw isLookBeforePush(request, error) ? new Refusal('manifest-unknown', { because: error.message }) : error
    })
    const common = {
      'cache-control': reference.includes(':') ? 'private, max-age=31536000, immutable' : 'no-cache',
      'docker-content-digest': digest,
      etag: etagOf(digest),
    }
    const warnings = warning === undefined ? [] : [warning]
    if (isUnchanged(headers, digest)) return { status: 304, headers: common, warnings }
    const reply = { status: 200, headers: { ...common, ...INERT, 'content-type': mediaType }, warnings }
    if (method === 'HEAD' || bytes.length <= MOST_HELD || unkept) return { ...reply, body: bytes }
    const blob = await registry.findBlob(repository, digest, { asker: request })
    return { ...reply, body: { reader: await blob.open(), start: 0, end: bytes.length } }
  }
}

/** What says that the default upstream would not, or could not, be asked. */
const NOT_ASKED: ReadonlySet<RefusalKind> = new Set([
  ...(['upstream-denied', 'upstream-unavailable', 'upstream-timeout', 'rate-limited', 'not-cached'] as const),
])

/**
 * Many look by HEAD whether a manifest is there before they push it, and give up at anything but 200 and 404 (oras, helm):
 * what is about to become ours must not hang on an upstream that never had it. Docker Hub says 401 to names that it does
 * not have. To whoever may not push the upstream's own answer is told.
 */
function isLookBeforePush({ method, unclaimed, caller, params }: Request, error: unknown): error is Refusal {
  if (method !== 'HEAD' || !unclaimed || !caller.may('push', params['name'] ?? '')) return false
  return error instanceof Refusal && NOT_ASKED.has(error.kind)
}

/** `PUT /v2/<name>/manifests/<reference>`, with `?tag=` for more tags. */
export function putManifest(registry: Pick<Registry, 'putManifest' | 'findManifest'>): Handler {
  return async (request) => {
    const { params, query, headers, body, repository } = request
    const { name = '', reference = '' } = params
    const parsed = parseReference(reference)
    const tags = tagsOf(query)
    const expects = await expectationOf(headers, () => currentDigest(registry, request))
    const bytes = await readBody(body, { headers, limit: LARGEST })
    const { digest, subject } = await registry.putManifest(repository, {
      ...{ reference, tags, bytes },
      contentType: headers['content-type'],
      // What lies under a digest cannot change, so the condition that held still holds.
      ...(expects !== undefined && 'tag' in parsed && { expects }),
    })
    return {
      status: 201,
      headers: {
        location: addressOf(`/v2/${name}/manifests/${digest}`, query),
        'docker-content-digest': digest,
        ...(subject !== undefined && { 'oci-subject': subject }),
        ...(tags.length > 0 && { 'oci-tag': tags.join(', ') }),
      },
    }
  }
}

/** `DELETE /v2/<name>/manifests/<reference>`: by tag only the tag goes. */
export function deleteManifest(registry: Pick<Registry, 'deleteManifest'>): Handler {
  return async ({ params, repository }) => {
    const { reference = '' } = params
    await registry.deleteManifest(repository, reference)
    return { status: 202, headers: {} }
  }
}

function tagsOf(query: Query): string[] {
  const tags = query.all('tag').map(parseTag)
  if (tags.length > MOST_TAGS)
    throw new Refusal('tags-too-many', { because: `these are ${tags.length} of ${MOST_TAGS}` })
  return [...new Set(tags)]
}

async function currentDigest(registry: Pick<Registry, 'findManifest'>, request: Request): Promise<Digest | undefined> {
  const { params, repository } = request
  try {
    return (await registry.findManifest(repository, params['reference'] ?? '', request)).digest
  } catch (error) {
    if (error instanceof Refusal && (error.kind === 'manifest-unknown' || error.kind === 'name-unknown'))
      return undefined
    throw error
  }
}
