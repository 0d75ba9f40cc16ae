import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leftBehind } from './left-behind.ts'

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string
  /** A path inside. */
  at(...parts: readonly string[]): string
}

/** A folder that is gone at the end of its block, or of the test process, however that ends. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'homeport-test-'))
  leftBehind.addFolder(path)
  return {
    path,
    at: (...parts) => join(path, ...parts),
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true, maxRetries: 3 })
      leftBehind.forgetFolder(path)
    },
  }
}
