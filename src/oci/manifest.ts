import { type Descriptor, descriptorIn, descriptorsIn } from './descriptor.ts'
import type { Digest } from './digest.ts'
import { type Json, objectFrom, strictObjectFrom } from './manifest-json.ts'
import {
  isMediaType,
  isNondistributable,
  OCI_IMAGE,
  OCI_INDEX,
  SCHEMA1,
  SCHEMA1_SIGNED,
  type Shape,
  shapeOf,
  withoutParameters,
} from './media-type.ts'
import { Refusal } from './refusal.ts'

/** What the registry needs to know of a manifest. Plain data: it crosses to the writer thread. */
export interface Manifest {
  readonly mediaType: string
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly subject?: Digest
  readonly references: readonly ManifestReference[]
}

/** A descriptor in a manifest, and what it is there for. */
export interface ManifestReference {
  readonly digest: Digest
  readonly kind: 'config' | 'layer' | 'child'
  /** The content may be kept elsewhere: it has `urls` or a nondistributable type, or it is embedded in `data`. */
  readonly optional: boolean
  /** As `Descriptor` has them. */
  readonly urls?: readonly string[]
  readonly platform?: { readonly os: string; readonly architecture: string }
}

/**
 * Reads a manifest that is pushed, and refuses with `manifest-invalid` what is no manifest.
 *
 * Types that we do not know are taken as they are, if they are JSON objects: what they name is remembered, so
 * that it stays, but is not asked for (OCI Distribution, "Pushing Manifests").
 */
export function parseManifest(bytes: Uint8Array, contentType?: string): Manifest {
  const json = strictObjectFrom(bytes)
  const mediaType = typeFor(json, contentType)
  const shape = shapeOf(mediaType)
  if (shape === 'schema1' || json['schemaVersion'] === 1) {
    throw invalid(
      'it is of Docker schema 1, which no current client reads; build or convert the image with a current one',
    )
  }
  return describe(json, mediaType, shape)
}

/** Reads a manifest that registry:2 stored: schema 1 too, which is served as it lies. Throws `manifest-invalid`. */
export function parseStoredManifest(bytes: Uint8Array): Manifest {
  const json = objectFrom(bytes)
  if (json['schemaVersion'] !== 1) return describe(json, typeFor(json), shapeOf(typeFor(json)))
  const mediaType = json['signatures'] === undefined ? SCHEMA1 : SCHEMA1_SIGNED
  return { mediaType, references: schema1Layers(json) }
}

function describe(json: Json, mediaType: string, shape: Shape): Manifest {
  refuseTwoShapes(json, mediaType, shape)
  const references = referencesOf(json, shape)
  const subject = json['subject'] === undefined ? undefined : descriptorIn(json['subject'], 'subject')
  const artifactType = artifactTypeOf(json, shape)
  const annotations = annotationsOf(json)
  return {
    mediaType,
    references,
    ...(subject !== undefined && { subject: subject.digest }),
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
  }
}

function typeFor(json: Json, contentType?: string): string {
  const told = contentType === undefined ? '' : withoutParameters(contentType)
  const own = json['mediaType']
  if (own !== undefined && typeof own !== 'string') throw invalid('its mediaType is no text')
  for (const type of [own, told]) {
    if (type !== undefined && type !== '' && !isMediaType(type)) throw invalid('its media type is no type/subtype')
  }
  if (own !== undefined && own !== '' && told !== '' && own !== told) {
    throw invalid(`its mediaType is '${own}', and the Content-Type is '${told}'`)
  }
  if (own !== undefined && own !== '') return own
  if (told !== '') return told
  if (Array.isArray(json['manifests'])) return OCI_INDEX
  if (json['config'] !== undefined || json['layers'] !== undefined) return OCI_IMAGE
  throw invalid('it has no mediaType, came without a Content-Type, and has the shape of no image and no index')
}

/** One digest must not be an image to one reader and an index to another (GHSA-qq97-vm5h-rrhg). */
function refuseTwoShapes(json: Json, mediaType: string, shape: Shape): void {
  const image = json['layers'] !== undefined || json['config'] !== undefined
  const index = json['manifests'] !== undefined
  if (image && index) throw invalid("it has 'manifests' beside 'config' or 'layers': it is either an index or an image")
  if (shape === 'image' && index) throw invalid(`it has 'manifests', and its type is '${mediaType}'`)
  if (shape === 'index' && image) throw invalid(`it has 'config' or 'layers', and its type is '${mediaType}'`)
}

function referencesOf(json: Json, shape: Shape): ManifestReference[] {
  switch (shape) {
    case 'image': {
      const config = descriptorIn(json['config'], 'config')
      return [
        referenceTo(config, 'config'),
        ...descriptorsIn(json, 'layers').map((layer) => referenceTo(layer, 'layer')),
      ]
    }
    case 'index':
      return descriptorsIn(json, 'manifests').map((child) => referenceTo(child, 'child'))
    case 'artifact':
      return descriptorsIn(json, 'blobs').map((blob) => referenceTo(blob, 'layer'))
    case 'opaque':
      return opaqueReferences(json)
    case 'schema1':
      return schema1Layers(json)
  }
}

function referenceTo(descriptor: Descriptor, kind: ManifestReference['kind']): ManifestReference {
  const { digest, mediaType, elsewhere, urls, platform } = descriptor
  const optional = elsewhere || isNondistributable(mediaType)
  return { digest, kind, optional, ...(urls !== undefined && { urls }), ...(platform !== undefined && { platform }) }
}

/** What an unknown type seems to name: kept from the collector, never asked for. */
function opaqueReferences(json: Json): ManifestReference[] {
  const named = [
    { kind: 'config', values: [json['config']] },
    { kind: 'layer', values: json['layers'] },
    { kind: 'layer', values: json['blobs'] },
    { kind: 'child', values: json['manifests'] },
  ] as const
  return named.flatMap(({ kind, values }) =>
    (Array.isArray(values) ? values : []).flatMap((value) => {
      try {
        return [{ ...referenceTo(descriptorIn(value, kind), kind), optional: true }]
      } catch {
        return []
      }
    }),
  )
}

function schema1Layers(json: Json): ManifestReference[] {
  const layers: unknown = json['fsLayers']
  return (Array.isArray(layers) ? layers : []).map((layer: unknown) => {
    const blobSum = typeof layer === 'object' && layer !== null ? (layer as Json)['blobSum'] : undefined
    return referenceTo(descriptorIn({ digest: blobSum, size: 0 }, 'fsLayers'), 'layer')
  })
}

/** OCI Distribution, "Listing Referrers": its own, else the type of an image's config. */
function artifactTypeOf(json: Json, shape: Shape): string | undefined {
  const own = json['artifactType']
  if (typeof own === 'string' && own !== '') return own
  const config = json['config']
  if (shape !== 'image' || typeof config !== 'object' || config === null) return undefined
  const type = (config as Json)['mediaType']
  return typeof type === 'string' && type !== '' ? type : undefined
}

function annotationsOf(json: Json): Record<string, string> | undefined {
  const annotations = json['annotations']
  if (typeof annotations !== 'object' || annotations === null) return undefined
  const texts = Object.entries(annotations).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return texts.length === 0 ? undefined : Object.fromEntries(texts)
}

function invalid(because: string, cause?: unknown): Refusal {
  return new Refusal('manifest-invalid', { because, ...(cause !== undefined && { cause }) })
}
