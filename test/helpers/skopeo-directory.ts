import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, hexOf } from '../../src/oci/digest.ts'
import { digestOf } from './digest-of.ts'
import type { Image } from './images.ts'
import { withDescendants } from './oci-layout.ts'

/**
 * Writes an image as skopeo's `dir:FOLDER` reads it. Docker types need it: from an OCI layout it takes OCI types only.
 * Source: containers/image, directory/directory_transport.go.
 */
export async function writeDirectory(folder: string, image: Image): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'version'), 'Directory Transport Version: 1.1\n')
  for (const { manifest, blobs } of withDescendants(image)) {
    const name = manifest === image.manifest ? 'manifest.json' : `${hexOf(manifest.digest)}.manifest.json`
    await writeFile(join(folder, name), manifest.bytes)
    for (const [digest, bytes] of blobs) await writeFile(join(folder, hexOf(digest)), bytes)
  }
}

/** The digests of all that such a folder holds, from the bytes, sorted. */
export async function readDirectory(folder: string): Promise<Digest[]> {
  const names = (await readdir(folder)).filter((name) => name !== 'version')
  return (await Promise.all(names.map(async (name) => digestOf(await readFile(join(folder, name)))))).sort()
}
