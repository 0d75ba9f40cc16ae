import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { algorithmOf, type Digest, hexOf, parseDigest } from '../../src/oci/digest.ts'
import { digestOf, digestOfStream } from './digest-of.ts'
import {
  type Content,
  type Descriptor,
  descriptorOf,
  type Image,
  imageConfig,
  jsonContent,
  MEDIA_TYPES,
} from './images.ts'
import { seededChunks } from './seeded-bytes.ts'
import { TAR_END, tarHeader, tarPadding } from './tar.ts'

/** Writes an OCI image layout (image-spec, "Image Layout"): what `skopeo copy oci:FOLDER:TAG …` reads. */
export async function writeLayout(folder: string, images: Readonly<Record<string, Image>>): Promise<void> {
  for (const { manifest, blobs } of Object.values(images).flatMap(withDescendants)) {
    await writeBlob(folder, manifest.digest, manifest.bytes)
    for (const [digest, bytes] of blobs) await writeBlob(folder, digest, bytes)
  }
  await writeIndex(
    folder,
    Object.entries(images).map(([tag, { manifest }]) => [tag, manifest]),
  )
}

/** What a layout holds: the manifest digest of each tag, and all blobs. Throws where a blob is not what its name says. */
export async function readLayout(
  folder: string,
): Promise<{ readonly tags: ReadonlyMap<string, Digest>; readonly blobs: ReadonlySet<Digest> }> {
  const index: { manifests: Descriptor[] } = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'))
  const tags = index.manifests.map(({ digest, annotations = {} }) => {
    const { [REF_NAME]: tag = '' } = annotations as Record<string, string>
    return [tag, digest] as const
  })
  const blobs = new Set<Digest>()
  for (const hex of await readdir(join(folder, 'blobs/sha256'))) {
    const named = parseDigest(`sha256:${hex}`)
    const { digest } = await digestOfStream(createReadStream(blobPath(folder, named)))
    if (digest !== named) throw new Error(`${named} in ${folder} holds ${digest}`)
    blobs.add(named)
  }
  return { tags: new Map(tags), blobs }
}

/** An image and all below it, children first. */
export function withDescendants(image: Image): Image[] {
  return [...image.children.flatMap(withDescendants), image]
}

export interface LargeImage {
  readonly manifest: Content
  readonly config: Content
  readonly layer: Descriptor
  /** The file of the layer. */
  readonly path: string
}

/** Adds an image to a new layout whose one layer holds `size` bytes that follow from the seed; they are never in memory together. */
export async function writeLargeImage(
  folder: string,
  { seed, size, tag }: { readonly seed: string; readonly size: number; readonly tag: string },
): Promise<LargeImage> {
  const types = MEDIA_TYPES.oci
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true })
  const { digest: diffId } = await digestOfStream(toAsync(largeTar(seed, size)))
  const written = join(folder, 'layer')
  await pipeline(largeTar(seed, size), createGzip({ level: 0 }), createWriteStream(written))
  const { digest } = await digestOfStream(createReadStream(written))
  const path = blobPath(folder, digest)
  await rename(written, path)

  const layer: Descriptor = { mediaType: types.layer, digest, size: (await stat(path)).size }
  const configBytes = imageConfig({ seed, diffIds: [diffId] })
  const config = { mediaType: types.config, bytes: configBytes, digest: digestOf(configBytes) }
  const manifest = jsonContent({
    ...{ schemaVersion: 2, mediaType: types.manifest },
    ...{ config: descriptorOf(config), layers: [layer] },
  })
  for (const content of [config, manifest]) await writeBlob(folder, content.digest, content.bytes)
  await writeIndex(folder, [[tag, manifest]])
  return { manifest, config, layer, path }
}

const REF_NAME = 'org.opencontainers.image.ref.name'

async function writeIndex(folder: string, tagged: readonly (readonly [string, Content])[]): Promise<void> {
  const manifests = tagged.map(([tag, manifest]) => ({ ...descriptorOf(manifest), annotations: { [REF_NAME]: tag } }))
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
}

async function writeBlob(folder: string, digest: Digest, bytes: Uint8Array): Promise<void> {
  await mkdir(join(folder, 'blobs', algorithmOf(digest)), { recursive: true })
  await writeFile(blobPath(folder, digest), bytes)
}

function blobPath(folder: string, digest: Digest): string {
  return join(folder, 'blobs', algorithmOf(digest), hexOf(digest))
}

function* largeTar(seed: string, size: number): Generator<Buffer> {
  yield tarHeader('large.bin', size)
  yield* seededChunks(seed, size)
  yield tarPadding(size)
  yield TAR_END
}

async function* toAsync<Value>(values: Iterable<Value>): AsyncGenerator<Value> {
  yield* values
}
