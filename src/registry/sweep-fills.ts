import type { BlobStore } from '../blobs/blob-store.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { everyRow } from './every-row.ts'

/** Downloads that nobody took up for so long, in milliseconds: the image is not wanted any more, or has changed. */
export const FORGOTTEN_MS = 7 * 24 * 60 * 60 * 1000

export interface SweptFill {
  readonly id: string
  /** Bytes. */
  readonly size: number
}

/**
 * Takes away downloads that were put down and have rested too long. `alone`: runs what it is given while nobody has the
 * file open, or says no.
 */
export async function* sweepFills(
  { catalog, fills }: { catalog: Catalog; fills: BlobStore },
  { now, alone }: { now: number; alone: (id: string, work: () => Promise<void>) => Promise<boolean> },
): AsyncGenerator<SweptFill> {
  const there = new Set<string>()
  for await (const { id, size, changedAt } of fills.writes()) {
    there.add(id)
    if (now - changedAt < FORGOTTEN_MS) continue
    const drop = async () => {
      await fills.drop(id)
      await catalog.write('dropFill', { id })
    }
    if (await alone(id, drop)) yield { id, size }
  }
  const rows = everyRow(
    (page) => catalog.fills(page),
    (row) => row.id,
  )
  // What a crash left of one that had its file no longer, or not yet.
  for await (const { id } of rows) {
    if (!there.has(id)) await alone(id, () => catalog.write('dropFill', { id }))
  }
}
