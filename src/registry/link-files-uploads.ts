import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { repositoriesIn, uploadFoldersIn } from './link-files-walk.ts'

/** Paths of registry:2's own uploads that were begun before a moment (epoch milliseconds), relative to `root`. */
export async function* oldUploadsIn(root: string, before: number): AsyncGenerator<string> {
  for await (const repository of repositoriesIn(root)) {
    if (typeof repository !== 'string') continue
    for (const folder of await uploadFoldersIn(root, repository)) {
      const startedAt = await startOf(root, folder)
      if (startedAt !== undefined && startedAt < before) yield folder
    }
  }
}

/** Takes one of them away. */
export async function removeOldUpload(root: string, folder: string): Promise<void> {
  await rm(join(root, folder), { recursive: true, force: true })
}

/** `undefined` where registry:2 did not say: it leaves such an upload alone, too. */
async function startOf(root: string, folder: string): Promise<number | undefined> {
  try {
    const startedAt = Date.parse((await readFile(join(root, folder, 'startedat'), 'utf8')).trim())
    return Number.isNaN(startedAt) ? undefined : startedAt
  } catch {
    return undefined
  }
}
