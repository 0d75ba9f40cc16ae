import { mkdirSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BlobStore } from '../../src/blobs/blob-store.ts'
import { FsBlobStore } from '../../src/blobs/fs-blob-store.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Problem } from '../../src/registry/link-files.ts'
import type { VolumeContext } from '../../src/registry/read-volume.ts'
import { Registry2Folder } from './registry2-folder.ts'
import { temporaryFolder } from './temporary.ts'
import { openTestCatalog } from './test-catalog.ts'

/** A folder of registry:2, a catalog beside it, and what reads the one into the other. */
export interface TestVolume extends AsyncDisposable {
  readonly root: string
  readonly folder: Registry2Folder
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly context: VolumeContext
  /** What could not be used, in order of its path. */
  problems(): Problem[]
  /** Progress as `done/total`. */
  readonly progress: string[]
}

export async function openTestVolume(): Promise<TestVolume> {
  const temporary = await temporaryFolder()
  const root = temporary.path
  const catalog = await openTestCatalog()
  const blobs = new FsBlobStore({
    root,
    async publish(from, to) {
      mkdirSync(dirname(to), { recursive: true })
      await rename(from, to)
    },
  })
  const problems: Problem[] = []
  const progress: string[] = []
  const context: VolumeContext = {
    parts: { catalog, blobs, now: () => 1_000 },
    root,
    signal: new AbortController().signal,
    tell(news) {
      if ('why' in news) problems.push(news)
      else progress.push(`${news.done}/${news.total}`)
    },
  }
  return {
    root,
    folder: new Registry2Folder(root),
    catalog,
    blobs,
    context,
    progress,
    problems: () => problems.splice(0).sort((a, b) => (a.path < b.path ? -1 : 1)),
    async [Symbol.asyncDispose]() {
      await catalog[Symbol.asyncDispose]()
      await temporary[Symbol.asyncDispose]()
    },
  }
}
