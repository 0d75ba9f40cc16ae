import type { Log } from '../base/log.ts'
import type { FillUpkeep } from '../registry/fill-table.ts'
import { oldUploadsIn, removeOldUpload } from '../registry/link-files-uploads.ts'
import type { UploadUpkeep } from '../registry/push-blob.ts'
import { backUp } from './backup.ts'
import type { Job } from './jobs.ts'
import { seeVolume } from './volume.ts'

const MINUTE = 60 * 1000

/** How often it is seen whether the day's copy is there, in milliseconds. */
const BACKUP_LOOK = 60 * MINUTE

/** How often it is seen which downloads have rested too long, in milliseconds. */
const FILLS_LOOK = 6 * 60 * MINUTE

/** `storage.maintenance.uploadpurging`; times in milliseconds. */
export interface UploadPurging {
  readonly enabled: boolean
  readonly age: number
  readonly interval: number
  readonly dryrun: boolean
}

interface UpkeepParts {
  readonly root: string
  readonly uploads: UploadUpkeep
  readonly fills: FillUpkeep
  readonly purging: UploadPurging
  readonly log: Log
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** The jobs of a server that keeps a volume. */
export function upkeepJobs(parts: UpkeepParts): Job[] {
  const { root, purging, log, now } = parts
  const backup: Job = {
    name: 'the copy of the catalog',
    first: MINUTE,
    interval: BACKUP_LOOK,
    run: () => backUp({ root, now: now(), log }),
  }
  const sweep: Job = {
    name: 'the sweep of uploads',
    // As registry:2 does: not at the very start, and once early, for a server that never runs for a whole interval.
    first: 2 * MINUTE,
    interval: purging.interval,
    run: (signal) => sweepAll(parts, signal),
  }
  const fills: Job = {
    name: 'the sweep of downloads',
    first: 3 * MINUTE,
    interval: FILLS_LOOK,
    run: (signal) => sweepFills(parts, signal),
  }
  return purging.enabled ? [backup, sweep, fills] : [backup, fills]
}

/** Takes away downloads that were put down, and that nobody came back for. */
export async function sweepFills(
  { root, fills, log, now }: Pick<UpkeepParts, 'root' | 'fills' | 'log' | 'now'>,
  signal: AbortSignal,
): Promise<void> {
  await seeVolume(root)
  for await (const swept of fills.sweep(now())) {
    log.info({ ...swept }, 'a download that nobody came back for was taken away')
    if (signal.aborted) return
  }
}

/** Ends old uploads, ours and those that registry:2 left in the folder, by the same rule. */
export async function sweepAll({ root, uploads, purging, log, now }: UpkeepParts, signal: AbortSignal): Promise<void> {
  const { age, dryrun } = purging
  // Of a disk that is not mounted every upload would look as if it had lost its bytes.
  await seeVolume(root)
  const sentence = dryrun ? 'an upload would be purged; uploadpurging.dryrun is on' : 'an upload was purged'
  for await (const swept of uploads.sweep({ now: now(), age, dryRun: dryrun })) {
    log.info({ ...swept }, sentence)
    if (signal.aborted) return
  }
  for await (const path of oldUploadsIn(root, now() - age)) {
    if (signal.aborted) return
    if (!dryrun) await removeOldUpload(root, path)
    log.info({ path, what: "registry:2's" }, sentence)
  }
}
