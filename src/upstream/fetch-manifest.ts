import { hash } from 'node:crypto'
import { algorithmOf, type Digest, isDigest } from '../oci/digest.ts'
import { type Manifest, parseManifest } from '../oci/manifest.ts'
import { withoutParameters } from '../oci/media-type.ts'
import { Refusal } from '../oci/refusal.ts'
import type { Asking, Reply } from './asking.ts'
import { isEncoded, readWhole } from './body.ts'
import { isHtml } from './causes.ts'
import { wrongAnswer } from './missed.ts'
import { plainText } from './plain-text.ts'
import type { FetchedManifest } from './upstream.ts'

/** As large as manifests may be here (OCI Distribution, "Pushing Manifests"). */
export const LONGEST_MANIFEST = 4 * 1024 * 1024

/** Whatever our client reads: what is cached is for all. Some give an image only to who names its type (ghcr.io). */
const MANIFEST_HEADERS = {
  accept: [
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.v2+json',
    'application/vnd.oci.artifact.manifest.v1+json',
    '*/*',
  ].join(', '),
  'accept-encoding': 'identity',
}

/** Types that say nothing of what is in them: then the manifest's own word counts. */
const VAGUE = new Set(['', 'application/json', 'text/plain', 'application/octet-stream', 'binary/octet-stream'])

export interface ManifestAsked {
  readonly repository: string
  /** A tag or a digest. */
  readonly reference: string
}

/** What a tag points at, in one HEAD: whatever it says but 200 and 429, a GET has to tell why. */
export async function confirmTag(
  asking: Asking,
  { repository, tag, digest }: { repository: string; tag: string; digest: Digest },
): Promise<'confirmed' | 'changed'> {
  const reply = await asking.ask({
    ...{ hop: 'manifest', method: 'HEAD', repository, takes: 'any' },
    ...{ path: `${repository}/manifests/${tag}`, headers: MANIFEST_HEADERS },
  })
  reply.discard()
  const { status, headers } = reply
  const isConfirmed = status === 200 && !isHtml(headers) && headers['docker-content-digest'] === digest
  return isConfirmed ? 'confirmed' : 'changed'
}

/** A manifest that is one, and has the digest that it was asked by or told with. Throws a `Missed`. */
export async function fetchManifest(
  asking: Asking,
  { repository, reference }: ManifestAsked,
): Promise<FetchedManifest> {
  const reply = await asking.ask({
    ...{ hop: 'manifest', method: 'GET', repository, takes: [200] },
    ...{ path: `${repository}/manifests/${reference}`, headers: MANIFEST_HEADERS },
  })
  if (isEncoded(reply.headers)) {
    reply.discard()
    throw wrongAnswer(reply, 'encoding')
  }
  const bytes = await readWhole(reply, LONGEST_MANIFEST)
  const digest = checkedDigest(reply, bytes, reference)
  return { digest, bytes, manifest: parsed(reply, bytes) }
}

/** What the upstream tells and what was asked for must both be what came (distribution PR#4890). */
function checkedDigest(reply: Reply, bytes: Uint8Array, reference: string): Digest {
  const header = reply.headers['docker-content-digest']
  const told = typeof header === 'string' && isDigest(header) ? header : undefined
  const asked = isDigest(reference) ? reference : undefined
  for (const wanted of [asked, told]) {
    if (wanted !== undefined && digestOf(wanted, bytes) !== wanted) throw wrongAnswer(reply, 'digest')
  }
  return asked ?? told ?? (`sha256:${hash('sha256', bytes, 'hex')}` as Digest)
}

function digestOf(like: Digest, bytes: Uint8Array): string {
  const algorithm = algorithmOf(like)
  return `${algorithm}:${hash(algorithm, bytes, 'hex')}`
}

function parsed(reply: Reply, bytes: Uint8Array): Manifest {
  const header = reply.headers['content-type']
  const type = withoutParameters(typeof header === 'string' ? header : '')
  try {
    return parseManifest(bytes, VAGUE.has(type) ? undefined : type)
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause
    const said = plainText(cause.facts.because ?? '', 200)
    throw wrongAnswer(reply, said.includes('schema 1') ? 'schema1' : 'json', { cause, facts: { said } })
  }
}
