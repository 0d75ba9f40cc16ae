import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoggedCall } from '../helpers/disk-faults.ts'

/** Bytes of a file, `to` exclusive. */
export interface Span {
  readonly from: number
  readonly to: number
}

interface Pages {
  /** Written, and not synced since. */
  dirty: Span[]
  /** A sync of them failed: the kernel takes them for clean, so that no later sync writes them (fsync(2), EIO). */
  lost: Span[]
}

/**
 * What of each file, by inode, a power cut could take: all that no sync took to the disk since it was written, and
 * whatever a failed sync let go of, unless it was written again. The log must hold every call since the folder was new.
 */
export function unsyncedBytes(log: readonly LoggedCall[]): Map<string, Span[]> {
  const files = new Map<string, Pages>()
  const names = new Map<string, string>()
  for (const { call, inode, offset, bytes, error, path } of log) {
    if (inode === '0') continue
    // The number of a file that is gone goes to a new one.
    if (call === 'create' && names.get(inode) !== path) files.delete(inode)
    if (call === 'create' || call === 'rename') names.set(inode, path)
    const pages = files.get(inode) ?? { dirty: [], lost: [] }
    files.set(inode, pages)
    if (call === 'write' && error === 0) {
      const span = { from: offset, to: offset + bytes }
      pages.lost = without(pages.lost, span)
      pages.dirty = [...without(pages.dirty, span), span]
    }
    if (call === 'truncate' && error === 0) {
      const gone = { from: offset, to: Number.POSITIVE_INFINITY }
      pages.lost = without(pages.lost, gone)
      pages.dirty = without(pages.dirty, gone)
    }
    if (call === 'fsync' || call === 'fdatasync') {
      if (error !== 0) pages.lost.push(...pages.dirty)
      pages.dirty = []
    }
  }
  return new Map([...files].map(([inode, { dirty, lost }]) => [inode, [...lost, ...dirty]]))
}

/** Does to a folder, whose server was killed, what a power cut may do: what was not synced reads as zeros. */
export async function cutPower(folder: string, log: readonly LoggedCall[]): Promise<void> {
  const unsynced = unsyncedBytes(log)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    // Shared memory, never meant for the disk.
    if (path.endsWith('-shm')) {
      await rm(path)
      continue
    }
    const { ino, size } = await stat(path)
    const spans = unsynced.get(String(ino)) ?? []
    if (spans.length === 0) continue
    await using file = await open(path, 'r+')
    for (const { from, to } of spans) {
      const end = Math.min(to, size)
      if (end > from) await file.write(Buffer.alloc(end - from), 0, end - from, from)
    }
  }
}

function without(spans: readonly Span[], gone: Span): Span[] {
  return spans.flatMap(({ from, to }) =>
    [
      { from, to: Math.min(to, gone.from) },
      { from: Math.max(from, gone.to), to },
    ].filter((span) => span.from < span.to),
  )
}
