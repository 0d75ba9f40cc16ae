import type { Catalog, StoredManifest } from '../catalog/catalog.ts'
import { algorithmOf, type Digest } from '../oci/digest.ts'
import { parseStoredManifest } from '../oci/manifest.ts'
import { shapeOf } from '../oci/media-type.ts'
import type { LinkPlace } from './link-files.ts'

/** What a link file should say, by the catalog. */
export type WantedLink =
  | { readonly digest: Digest }
  /** It should not be there. `why`: the catalog has it, but registry:2 cannot hold it. */
  | { readonly digest: undefined; readonly why?: string }

/** Resolves to `undefined` where the link is not ours: those of cached repositories are registry:2's own. */
export async function linkWanted(catalog: Catalog, place: LinkPlace): Promise<WantedLink | undefined> {
  const { repository } = place
  if ((await catalog.repository(repository))?.kind !== 'hosted') return undefined
  switch (place.what) {
    case 'blob': {
      const there = (await catalog.blobSize(repository, place.digest)) !== undefined
      return there ? wanted(place.digest, notOfSha256(place.digest)) : { digest: undefined }
    }
    case 'manifest':
      return ofManifest(await catalog.manifest(repository, place.digest))
    case 'tag':
      return ofManifest(await catalog.manifestByTag(repository, place.tag))
  }
}

function ofManifest(manifest: StoredManifest | undefined): WantedLink {
  return manifest === undefined ? { digest: undefined } : wanted(manifest.digest, whyNotHeld(manifest))
}

function wanted(digest: Digest, why: string | undefined): WantedLink {
  return why === undefined ? { digest } : { digest: undefined, why }
}

/**
 * Why registry:2 cannot hold the manifest. It stores no media type, and so infers it from the bytes; its
 * `garbage-collect` ends in the middle at one that it does not know.
 */
export function whyNotHeld({ digest, mediaType, bytes }: StoredManifest): string | undefined {
  const shape = shapeOf(mediaType)
  if (shape === 'opaque' || shape === 'artifact') return `registry:2 does not know the type '${mediaType}'`
  const inferred = typeIn(bytes)
  if (inferred !== mediaType) return `registry:2 would take it for '${inferred}', and it is '${mediaType}'`
  return notOfSha256(digest)
}

function notOfSha256(digest: Digest): string | undefined {
  return algorithmOf(digest) === 'sha256' ? undefined : `registry:2 does not serve ${algorithmOf(digest)}`
}

function typeIn(bytes: Uint8Array): string {
  try {
    return parseStoredManifest(bytes).mediaType
  } catch {
    return 'no manifest'
  }
}
