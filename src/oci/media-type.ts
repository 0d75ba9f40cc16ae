/** What a manifest's media type says of its shape. */
export type Shape = 'image' | 'index' | 'artifact' | 'schema1' | 'opaque'

const SHAPES: Readonly<Record<string, Shape>> = {
  'application/vnd.oci.image.manifest.v1+json': 'image',
  'application/vnd.docker.distribution.manifest.v2+json': 'image',
  'application/vnd.oci.image.index.v1+json': 'index',
  'application/vnd.docker.distribution.manifest.list.v2+json': 'index',
  // Deprecated, but old oras and notation push it.
  'application/vnd.oci.artifact.manifest.v1+json': 'artifact',
  'application/vnd.docker.distribution.manifest.v1+json': 'schema1',
  'application/vnd.docker.distribution.manifest.v1+prettyjws': 'schema1',
}

export const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const SCHEMA1_SIGNED = 'application/vnd.docker.distribution.manifest.v1+prettyjws'
export const SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+json'

export function shapeOf(mediaType: string): Shape {
  return Object.hasOwn(SHAPES, mediaType) ? (SHAPES[mediaType] ?? 'opaque') : 'opaque'
}

/** Layers that stay where they are: the registry need not have them (image-spec, "Non-Distributable Layers"). */
export function isNondistributable(mediaType: string): boolean {
  return (
    mediaType.includes('.nondistributable.') || mediaType.startsWith('application/vnd.docker.image.rootfs.foreign.')
  )
}

/** `type/subtype` of a Content-Type: parameters say nothing about a manifest. */
export function withoutParameters(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim()
}

/** RFC 6838, 4.2: it becomes a header, so nothing else may. */
export function isMediaType(text: string): boolean {
  return /^[a-zA-Z0-9][\w!#$&^.+-]{0,126}\/[a-zA-Z0-9][\w!#$&^.+-]{0,126}$/.test(text)
}
