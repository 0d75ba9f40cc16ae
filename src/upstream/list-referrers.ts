import { algorithmOf, type Digest, hexOf, isDigest } from '../oci/digest.ts'
import { isMediaType } from '../oci/media-type.ts'
import type { Asking } from './asking.ts'
import { readWhole } from './body.ts'
import { fetchManifest, LONGEST_MANIFEST } from './fetch-manifest.ts'
import { nextLink } from './link.ts'
import { Missed, wrongAnswer } from './missed.ts'
import type { ReferrerDescriptor } from './upstream.ts'

export interface ReferrersAsked {
  readonly repository: string
  readonly subject: Digest
  /** The upstream is known to have no such interface. */
  readonly byTag: boolean
}

/** Of all pages together; what is larger is an error, not a part. */
const LONGEST_LIST = LONGEST_MANIFEST
const MOST_PAGES = 100
/** How upstreams say that they have no such interface. */
const NONE = [404, 405, 501]

/** Whatever refers to the subject. An upstream that fails is an error, never an empty list. Throws a `Missed`. */
export async function listReferrers(asking: Asking, asked: ReferrersAsked): Promise<readonly ReferrerDescriptor[]> {
  return (asked.byTag ? undefined : await byInterface(asking, asked)) ?? (await byFallbackTag(asking, asked))
}

/** OCI Distribution, "Listing Referrers". `undefined`: the upstream has it not. */
async function byInterface(asking: Asking, asked: ReferrersAsked): Promise<ReferrerDescriptor[] | undefined> {
  const { repository, subject } = asked
  const found: ReferrerDescriptor[] = []
  let left = LONGEST_LIST
  let path: string | undefined = `${repository}/referrers/${subject}`
  for (let pages = 0; path !== undefined; pages += 1) {
    const reply = await asking.ask({
      ...{ hop: 'referrers', method: 'GET', repository, path, takes: [200, ...NONE] },
      headers: { accept: 'application/vnd.oci.image.index.v1+json', 'accept-encoding': 'identity' },
    })
    if (reply.status !== 200) {
      reply.discard()
      return undefined
    }
    if (pages === MOST_PAGES) throw wrongAnswer(reply, 'too-large')
    const bytes = await readWhole(reply, left)
    left -= bytes.length
    const page = descriptorsIn(bytes)
    if (page === undefined) throw wrongAnswer(reply, 'json')
    found.push(...page)
    path = nextLink(reply)
  }
  return found
}

/** OCI Distribution, "Referrers Tag Schema". No such tag: nothing refers to it. */
async function byFallbackTag(asking: Asking, { repository, subject }: ReferrersAsked): Promise<ReferrerDescriptor[]> {
  const tag = `${algorithmOf(subject)}-${hexOf(subject).slice(0, 64)}`
  try {
    const { bytes } = await fetchManifest(asking, { repository, reference: tag })
    return descriptorsIn(bytes) ?? []
  } catch (error) {
    if (error instanceof Missed && error.judgement.cause === 'not-found') return []
    throw error
  }
}

function descriptorsIn(bytes: Uint8Array): ReferrerDescriptor[] | undefined {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (typeof json !== 'object' || json === null || !('manifests' in json)) return undefined
    if (json.manifests === null) return []
    return Array.isArray(json.manifests) ? json.manifests.flatMap((value) => descriptorIn(value) ?? []) : undefined
  } catch {
    return undefined
  }
}

function descriptorIn(value: unknown): ReferrerDescriptor | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { digest, mediaType, size, artifactType, annotations } = value as Record<string, unknown>
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined
  if (typeof mediaType !== 'string' || !isMediaType(mediaType)) return undefined
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined
  const texts = textsIn(annotations)
  return {
    ...{ digest, mediaType, size },
    ...(typeof artifactType === 'string' && artifactType !== '' && { artifactType }),
    ...(texts !== undefined && { annotations: texts }),
  }
}

function textsIn(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const texts = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return texts.length === 0 ? undefined : Object.fromEntries(texts)
}
