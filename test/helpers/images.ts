import { gzipSync } from 'node:zlib'
import type { Digest } from '../../src/oci/digest.ts'
import { digestOf } from './digest-of.ts'
import { OWN_ARCHITECTURE } from './hello-program.ts'
import { seededBytes } from './seeded-bytes.ts'
import { type TarFile, tarOf } from './tar.ts'

/** A manifest or an index, with all that it names. Equal arguments give equal bytes, on every machine. */
export interface Image {
  readonly manifest: Content
  /** Config and layers by digest; of an index none. */
  readonly blobs: ReadonlyMap<Digest, Buffer>
  /** Of an index: what it names. */
  readonly children: readonly Image[]
  /** As an index names this one. */
  readonly platform?: Platform
}

export interface Content {
  readonly bytes: Buffer
  readonly mediaType: string
  readonly digest: Digest
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly [field: string]: unknown
}

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

export type Format = keyof typeof MEDIA_TYPES

export const MEDIA_TYPES = {
  oci: {
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    index: 'application/vnd.oci.image.index.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
    tar: 'application/vnd.oci.image.layer.v1.tar',
  },
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    tar: 'application/vnd.docker.image.rootfs.diff.tar',
  },
} as const

const OWN_PLATFORM: Platform = { os: 'linux', architecture: OWN_ARCHITECTURE }
const EMPTY_CONFIG = { mediaType: 'application/vnd.oci.empty.v1+json', bytes: Buffer.from('{}') }

/**
 * - a list of files: a gzipped tar of them; an empty list is a layer that changes nothing
 * - `zero-bytes`: a blob of no bytes at all
 */
export type Layer = readonly TarFile[] | 'zero-bytes'

export interface ImageOptions {
  readonly format?: Format
  readonly platform?: Platform
  /** Default: one layer, with one file of a kibibyte that follows from the seed. */
  readonly layers?: readonly Layer[]
  /** What the image runs. */
  readonly command?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
}

/** An image for one platform. Every client takes it, but for a `zero-bytes` layer, which is no archive. */
export function makeImage(seed: string, options: ImageOptions = {}): Image {
  const { format = 'oci', platform = OWN_PLATFORM, command = [], annotations } = options
  const types = MEDIA_TYPES[format]
  const layers = (options.layers ?? [[seededFile(seed)]]).map((layer) => packLayer(layer, format))
  const config = imageConfig({ seed, platform, command, diffIds: layers.map(({ diffId }) => diffId) })
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptorOf({ mediaType: types.config, bytes: config, digest: digestOf(config) }),
    layers: layers.map(descriptorOf),
    ...(annotations && { annotations }),
  }
  const blobs = [config, ...layers.map(({ bytes }) => bytes)]
  return { manifest: jsonContent(manifest), blobs: byDigest(blobs), children: [], platform }
}

/** An index of images, artifacts, or indexes. */
export function makeIndex(
  children: readonly Image[],
  options: {
    readonly format?: Format
    readonly subject?: Image
    readonly artifactType?: string
    readonly annotations?: Readonly<Record<string, string>>
  } = {},
): Image {
  const { format = 'oci', subject, artifactType, annotations } = options
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES[format].index,
    ...(artifactType !== undefined && { artifactType }),
    manifests: children.map(({ manifest, platform }) => ({ ...descriptorOf(manifest), ...(platform && { platform }) })),
    ...(subject && { subject: descriptorOf(subject.manifest) }),
    ...(annotations && { annotations }),
  }
  return { manifest: jsonContent(index), blobs: new Map(), children }
}

/** The same image for amd64 and arm64. */
export function makeMultiPlatform(seed: string, format: Format = 'oci'): Image {
  const platforms: readonly Platform[] = [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64', variant: 'v8' },
  ]
  const children = platforms.map((platform) => makeImage(`${seed} ${platform.architecture}`, { format, platform }))
  return makeIndex(children, { format })
}

/** Something that is no image: a signature, a list of parts. With a `subject` it is one of that one's referrers. */
export function makeArtifact(
  seed: string,
  options: {
    readonly subject?: Image
    readonly artifactType?: string
    readonly annotations?: Readonly<Record<string, string>>
  } = {},
): Image {
  const { subject, artifactType = 'application/vnd.example.note', annotations } = options
  const bytes = seededBytes(seed, 64)
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.oci.manifest,
    artifactType,
    config: descriptorOf({ ...EMPTY_CONFIG, digest: digestOf(EMPTY_CONFIG.bytes) }),
    layers: [descriptorOf({ mediaType: 'application/octet-stream', bytes, digest: digestOf(bytes) })],
    ...(subject && { subject: descriptorOf(subject.manifest) }),
    ...(annotations && { annotations }),
  }
  return { manifest: jsonContent(manifest), blobs: byDigest([EMPTY_CONFIG.bytes, bytes]), children: [] }
}

export function descriptorOf({ mediaType, bytes, digest }: Content): Descriptor {
  return { mediaType, digest, size: bytes.length }
}

/** A configuration as every client wants it. `diffIds`: the digests of the layers before compression. */
export function imageConfig(image: {
  readonly seed: string
  readonly platform?: Platform
  readonly command?: readonly string[]
  readonly diffIds: readonly Digest[]
}): Buffer {
  const { seed, platform = OWN_PLATFORM, command = [], diffIds } = image
  const config = {
    ...platform,
    created: '2024-01-01T00:00:00Z',
    config: { Cmd: command, Labels: { seed } },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map(() => ({ created: '2024-01-01T00:00:00Z', created_by: 'test kit' })),
  }
  return Buffer.from(JSON.stringify(config))
}

export function jsonContent(value: { readonly mediaType: string }): Content {
  const bytes = Buffer.from(JSON.stringify(value, null, 2))
  return { bytes, mediaType: value.mediaType, digest: digestOf(bytes) }
}

function seededFile(seed: string): TarFile {
  return { path: 'seeded.bin', bytes: seededBytes(seed, 1024) }
}

function packLayer(layer: Layer, format: Format): Content & { readonly diffId: Digest } {
  const types = MEDIA_TYPES[format]
  const tar = layer === 'zero-bytes' ? Buffer.alloc(0) : tarOf(layer)
  // Not compressed: what a compressor makes differs between machines, and with it the digest.
  const bytes = layer === 'zero-bytes' ? tar : gzipSync(tar, { level: 0 })
  const mediaType = layer === 'zero-bytes' ? types.tar : types.layer
  return { bytes, mediaType, digest: digestOf(bytes), diffId: digestOf(tar) }
}

function byDigest(blobs: readonly Buffer[]): Map<Digest, Buffer> {
  return new Map(blobs.map((bytes) => [digestOf(bytes), bytes]))
}
