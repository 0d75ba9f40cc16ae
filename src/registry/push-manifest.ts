import { hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { algorithmOf, type Digest, digestFrom } from '../oci/digest.ts'
import { type Manifest, parseManifest } from '../oci/manifest.ts'
import { parseReference } from '../oci/name.ts'
import { Refusal } from '../oci/refusal.ts'
import { refuseUrls } from './foreign-urls.ts'
import { refuseCached } from './hosted.ts'
import type { Parts, Policy } from './parts.ts'
import type { ManifestPush, Manifests } from './registry.ts'
import { storeManifestBytes } from './store-manifest.ts'

const READS_A_TURN = 100

/** A manifest may name ten thousand blobs that nobody has: answer and log line get no more of them. */
const MOST_TOLD = 100

/**
 * Checks a manifest, makes its bytes durable, and only then writes its row, what it refers to and its tags,
 * in one transaction.
 */
export function pushManifest(
  parts: Pick<Parts, 'catalog' | 'blobs' | 'locks' | 'policy' | 'now'>,
): Manifests['putManifest'] {
  const { catalog, policy, now } = parts

  return async (repository, push) => {
    await refuseCached(catalog, repository)
    const manifest = parseManifest(push.bytes, push.contentType)
    const { digest, tags } = addressOf(push)
    if (policy.urls !== undefined) refuseUrls(manifest, policy.urls)
    const mustExist = required(manifest, policy)
    // Looked at first so that a refused manifest leaves no bytes; the command looks again in its transaction.
    const missing = await absent(repository, mustExist)
    if (missing.length > 0) throw missingContent(missing)

    const { subject } = manifest
    await parts.locks.run(digest, async () => {
      await storeManifestBytes(parts.blobs, digest, push.bytes)
      const { bytes, expects } = push
      const answer = await catalog.write('putManifest', {
        repository,
        digest,
        bytes,
        manifest,
        tags,
        mustExist,
        at: now(),
        ...(expects !== undefined && { ifTagIs: expects }),
      })
      if ('missing' in answer) throw missingContent(answer.missing)
      if ('typeIs' in answer)
        throw new Refusal('manifest-invalid', { because: `its bytes are stored here as '${answer.typeIs}'` })
      if ('tagIs' in answer) throw movedTag(answer.tagIs)
    })
    return { digest, tags, ...(subject !== undefined && { subject }) }
  }

  async function absent(repository: string, digests: readonly Digest[]): Promise<Digest[]> {
    const missing: Digest[] = []
    for (const [index, digest] of digests.entries()) {
      // Reads do not wait for anything, so many of them would let nobody else have a turn.
      if (index % READS_A_TURN === READS_A_TURN - 1) await nextTurn()
      const there =
        (await catalog.blobSize(repository, digest)) !== undefined ||
        (await catalog.manifest(repository, digest)) !== undefined
      if (!there) missing.push(digest)
    }
    return missing
  }
}

/** Throws `digest-invalid` where the bytes are not what the reference says. */
function addressOf({ reference, tags, bytes }: ManifestPush): { digest: Digest; tags: string[] } {
  const parsed = parseReference(reference)
  if ('tag' in parsed)
    return { digest: digestFrom('sha256', hash('sha256', bytes, 'hex')), tags: [parsed.tag, ...tags] }
  const algorithm = algorithmOf(parsed.digest)
  const digest = digestFrom(algorithm, hash(algorithm, bytes, 'hex'))
  if (digest !== parsed.digest) throw new Refusal('digest-invalid', { because: `the manifest that came is ${digest}` })
  return { digest, tags: [...tags] }
}

/** What has to be in the repository before the manifest may name it. */
function required({ references }: Manifest, { sparse, children }: Policy): Digest[] {
  const needed = references.filter(({ kind, optional, platform }) => {
    if (optional) return false
    if (kind !== 'child') return !sparse
    if (typeof children === 'string') return children === 'all'
    return (
      platform !== undefined &&
      children.some(({ os, architecture }) => os === platform.os && architecture === platform.architecture)
    )
  })
  return [...new Set(needed.map(({ digest }) => digest))]
}

function missingContent(missing: readonly Digest[]): Refusal {
  const digests = missing.slice(0, MOST_TOLD)
  const more = missing.length > MOST_TOLD ? ` and ${missing.length - MOST_TOLD} more` : ''
  return new Refusal('manifest-blob-unknown', { because: `${digests.join(', ')}${more}`, detail: { digests } })
}

function movedTag(digest: Digest | undefined): Refusal {
  return new Refusal('precondition-failed', { because: digest === undefined ? 'there is none' : `it is at ${digest}` })
}
