import { publishFile, syncFile } from '../../../src/base/durable-file.ts'
import { FsBlobStore } from '../../../src/blobs/fs-blob-store.ts'
import { type TemporaryFolder, temporaryFolder } from '../../helpers/temporary.ts'

/** An `FsBlobStore` in a folder that is removed with it. Publishes on this thread. */
export class TemporaryStore extends FsBlobStore {
  readonly folder: TemporaryFolder
  /** Thrown by what is published or synced, one each. */
  readonly failures: Error[]

  constructor(folder: TemporaryFolder, failures: Error[]) {
    super({
      root: folder.path,
      async publish(from, to) {
        const failure = failures.shift()
        if (failure !== undefined) throw failure
        publishFile(from, to, folder.path)
      },
      async makeDurable(path) {
        const failure = failures.shift()
        if (failure !== undefined) throw failure
        syncFile(path)
      },
    })
    this.folder = folder
    this.failures = failures
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    await this.folder[Symbol.asyncDispose]()
  }
}

export async function temporaryStore(): Promise<TemporaryStore> {
  return new TemporaryStore(await temporaryFolder(), [])
}
