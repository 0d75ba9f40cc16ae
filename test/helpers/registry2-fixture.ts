import { hexOf } from '../../src/oci/digest.ts'
import { type Image, makeArtifact, makeImage, makeIndex, makeMultiPlatform } from './images.ts'
import type { RegistryClient } from './registry-client.ts'
import { signedSchema1 } from './schema1.ts'

const PUSHES_AT_ONCE = 6

export interface Fixture {
  readonly repositories: readonly string[]
  /** What was pushed under a tag, and its digest. */
  readonly tags: readonly { readonly repository: string; readonly tag: string; readonly digest: string }[]
  /** Manifests with a subject. */
  readonly referrers: readonly { readonly repository: string; readonly subject: string; readonly digest: string }[]
  /** Tags on images of schema 1. */
  readonly schema1: readonly string[]
}

/**
 * Fills a registry with images that all have different layers, by name: `a`, `a/b` and `a/b/c` lie in each other's
 * folders. One of five is an index, one of five of Docker's types, one of ten an artifact with a subject and its
 * fallback tag, one of fifty of schema 1.
 */
export async function fillRegistry2(
  client: RegistryClient,
  sizes: { images: number; repositories: number },
): Promise<Fixture> {
  const repositories = Array.from({ length: sizes.repositories }, (_, index) => nameOf(index))
  const fixture = { repositories, tags: [], referrers: [], schema1: [] } as {
    repositories: string[]
    tags: Fixture['tags'][number][]
    referrers: Fixture['referrers'][number][]
    schema1: string[]
  }

  async function push(number: number): Promise<void> {
    const repository = nameOf(number % sizes.repositories)
    const tag = `v${number}`
    if (number % 50 === 9) {
      const layer = await client.pushBlob(repository, Buffer.from(`layer of ${number}`))
      const { pushed, stored } = signedSchema1(repository, tag, [layer])
      await client.pushManifest(repository, pushed, tag)
      fixture.tags.push({ repository, tag, digest: stored })
      fixture.schema1.push(`${repository}:${tag}`)
      return
    }
    const image = imageOf(number)
    await client.pushImage(repository, image, tag)
    fixture.tags.push({ repository, tag, digest: image.manifest.digest })
    if (number % 10 !== 4) return
    const note = makeArtifact(`note ${number}`, { subject: image })
    const fallback = { image: makeIndex([note]), tag: `sha256-${hexOf(image.manifest.digest)}` }
    await client.pushImage(repository, note)
    await client.pushImage(repository, fallback.image, fallback.tag)
    fixture.tags.push({ repository, tag: fallback.tag, digest: fallback.image.manifest.digest })
    fixture.referrers.push({ repository, subject: image.manifest.digest, digest: note.manifest.digest })
  }

  const waiting = Array.from({ length: sizes.images }, (_, number) => number)
  const worker = async () => {
    for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) await push(number)
  }
  await Promise.all(Array.from({ length: PUSHES_AT_ONCE }, worker))
  return fixture
}

function nameOf(index: number): string {
  const team = `team${Math.floor(index / 3)}`
  return [team, `${team}/app`, `${team}/app/part-${index}`][index % 3] ?? team
}

function imageOf(number: number): Image {
  const seed = `image ${number}`
  if (number % 5 === 0) return makeMultiPlatform(seed)
  return makeImage(seed, { format: number % 5 === 1 ? 'docker' : 'oci' })
}
