import { parentPort, workerData } from 'node:worker_threads'
import { publishFile } from '../base/durable-file.ts'
import { copyCatalog } from '../catalog/copy.ts'
import { pack, type SentError } from './writer-messages.ts'

export interface BackupSetup {
  /** Folder of the volume. */
  readonly root: string
  readonly catalog: string
  /** Where the copy grows, on the same disk as `to`. */
  readonly copy: string
  readonly to: string
}

/** How it ended. */
export type BackupEnd = { readonly error?: SentError }

/** The thread's own file: one copy, and it ends. It reads for seconds, and no request waits for it. */
if (parentPort !== null) {
  const { root, catalog, copy, to } = workerData as BackupSetup
  let end: BackupEnd = {}
  try {
    copyCatalog(catalog, copy)
    publishFile(copy, to, root)
  } catch (error) {
    end = { error: pack(error) }
  }
  parentPort.postMessage(end)
}
