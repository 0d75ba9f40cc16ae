import type { BlobStore, WriteStat } from '../blobs/blob-store.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { everyRow } from './every-row.ts'
import type { UploadSessions } from './upload-sessions.ts'

/** What no session explains is left alone for so long: a manifest that is being written has no session either. */
const LEFTOVER_MS = 24 * 60 * 60 * 1000

export interface Sweep {
  /** Epoch milliseconds. */
  readonly now: number
  /** How long an upload may rest, in milliseconds. */
  readonly age: number
  /** Changes nothing, and tells what would go. */
  readonly dryRun: boolean
}

export interface Swept {
  readonly id: string
  /** Bytes. */
  readonly size: number
  readonly what: 'upload' | 'leftover'
}

/**
 * Ends upload sessions that have rested too long, and takes away what crashes left among them; never what a request is
 * at work on. A session has rested since it was begun, or since bytes last came.
 */
export async function* sweepUploads(
  { catalog, blobs, sessions }: { catalog: Catalog; blobs: BlobStore; sessions: UploadSessions },
  { now, age, dryRun }: Sweep,
): AsyncGenerator<Swept> {
  const writes = new Map<string, WriteStat>()
  for await (const write of blobs.writes()) writes.set(write.id, write)

  for await (const { id, startedAt } of everyRow(
    (page) => catalog.uploads(page),
    (row) => row.id,
  )) {
    const write = writes.get(id)
    writes.delete(id)
    if (now - Math.max(startedAt, write?.changedAt ?? 0) < age || sessions.isBusy(id)) continue
    if (dryRun || (await sessions.expire(id))) yield { id, size: write?.size ?? 0, what: 'upload' }
  }

  for (const { id, size, changedAt } of writes.values()) {
    if (now - changedAt < LEFTOVER_MS || sessions.isBusy(id)) continue
    if (dryRun || (await blobs.drop(id))) yield { id, size, what: 'leftover' }
  }
}
