import { parseReference } from '../oci/name.ts'
import { Refusal } from '../oci/refusal.ts'
import { cachedRepository } from './cached-repository.ts'
import type { Parts } from './parts.ts'
import { pullCachedManifest, pullName } from './pull-cached-manifest.ts'
import type { Manifests } from './registry.ts'

/** What a cached tag is served with that no upstream can be asked for: the client should know how old it may be. */
const NOT_CONFIRMED = 'this is a copy that registry:2 cached; its upstream was not asked whether it is still current'

/** Tag or digest to manifest. What is hosted is never asked for anywhere else. */
export function pullManifest(
  parts: Pick<Parts, 'catalog' | 'blobs' | 'locks' | 'now' | 'report' | 'cache'>,
): Manifests['findManifest'] {
  const { catalog, cache } = parts
  const pullCached = pullCachedManifest(parts)

  return async (repository, text, asker) => {
    const reference = parseReference(text)
    const at = cachedRepository(repository, cache)
    const stored =
      'tag' in reference
        ? await catalog.manifestByTag(repository, reference.tag)
        : await catalog.manifest(repository, reference.digest)
    const kind = stored !== undefined && 'kind' in stored ? stored.kind : undefined
    if (at !== undefined && (kind ?? (await catalog.repository(repository))?.kind) !== 'hosted') {
      const name = pullName(at, text)
      return await pullCached({
        asker,
        at,
        kind: 'manifest',
        name,
        missing: 'manifest-unknown',
        reference: text,
        stored,
      })
    }
    if (stored !== undefined) return kind === 'cached' ? { ...stored, warning: NOT_CONFIRMED } : stored
    throw new Refusal('manifest-unknown', { because: `${repository}${'tag' in reference ? ':' : '@'}${text}` })
  }
}
