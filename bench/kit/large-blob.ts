import { createReadStream } from 'node:fs'
import { link, mkdir, open, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Digest, hexOf } from '../../src/oci/digest.ts'
import { digestOfStream } from '../../test/helpers/digest-of.ts'
import { seededChunks } from '../../test/helpers/seeded-bytes.ts'

const GIBIBYTE = 1024 ** 3

export interface LargeBlob {
  readonly path: string
  readonly digest: Digest
}

/** A file of a gibibyte that follows from the seed. */
export async function makeLargeBlob(path: string, seed: string): Promise<LargeBlob> {
  await writeFile(path, seededChunks(seed, GIBIBYTE))
  return { path, digest: await digestOfFile(path) }
}

/** Other bytes of the same size: a registry may take a short way with a blob that it has. */
export async function changeLargeBlob({ path }: LargeBlob, text: string): Promise<LargeBlob> {
  const file = await open(path, 'r+')
  await file.write(text.padEnd(64), 0)
  await file.close()
  return { path, digest: await digestOfFile(path) }
}

/** Puts it into a registry's folder as registry:2 has it, without a copy: all contenders read the same pages. */
export async function linkIntoFolder({ path, digest }: LargeBlob, data: string, repository: string): Promise<void> {
  const hex = hexOf(digest)
  const registry = join(data, 'docker/registry/v2')
  const blob = join(registry, 'blobs/sha256', hex.slice(0, 2), hex, 'data')
  const tie = join(registry, 'repositories', repository, '_layers/sha256', hex, 'link')
  for (const file of [blob, tie]) await mkdir(dirname(file), { recursive: true })
  await link(path, blob)
  await writeFile(tie, digest)
}

async function digestOfFile(path: string): Promise<Digest> {
  return (await digestOfStream(createReadStream(path, { highWaterMark: 1024 * 1024 }))).digest
}
