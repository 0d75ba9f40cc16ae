import type { Failure } from '../upstream/upstream.ts'
import { IN_TIME } from './shared-run.ts'

/** How long is waited for a download, in milliseconds (design, "Blobs"). */
export interface Patience {
  /** For a byte on one connection: then it is asked for anew. */
  readonly stalled: number
  /** For a byte at all: then its readers are told. */
  readonly silent: number
  /** That it goes on with nobody reading. */
  readonly alone: number
  /** Between two questions of which the first brought nothing. */
  readonly retry: number
  /** That one reader may hold up others, where there is no file to read from. */
  readonly held: number
  /** To the first header, or an error: of 10 s, a little is left for the answer itself. */
  readonly header: number
}

export const PATIENCE: Patience = {
  stalled: 20_000,
  silent: 60_000,
  alone: 10 * 60_000,
  retry: 1_000,
  held: 10_000,
  header: IN_TIME.nothingCached,
}

/** How a download stands; times in milliseconds of one clock. */
export interface Standing {
  readonly now: number
  /** When the last new byte came, or it was begun. */
  readonly lastByte: number
  /** When this connection was asked for, or brought its last byte. Left out: there is none. */
  readonly connection?: number
  /** Since when nobody reads. Left out: somebody does. */
  readonly aloneSince?: number
  /** It waits for us: for a reader, or for its turn. */
  readonly held: boolean
}

/**
 * What to do about a download that has not ended.
 *
 * - `wait`: nothing.
 * - `reconnect`: leave this connection, and ask for the rest.
 * - `put down`: nobody would miss it; what is there is kept.
 * - `give up`: tell its readers that nothing comes; what is there is kept.
 */
export function patienceWith(
  { now, lastByte, connection, aloneSince, held }: Standing,
  patience: Patience,
): 'wait' | 'reconnect' | 'put down' | 'give up' {
  const silent = !held && now - lastByte >= patience.silent
  if (aloneSince !== undefined && (silent || now - aloneSince >= patience.alone)) return 'put down'
  if (silent) return 'give up'
  return !held && connection !== undefined && now - connection >= patience.stalled ? 'reconnect' : 'wait'
}

/** Failures that asking for the rest again does not change. */
const FINAL: ReadonlySet<Failure['cause']> = new Set(['not-found', 'denied', 'credentials-rejected'])

/** Whether a download that broke off may come to its end all the same. */
export function mayRecover({ cause }: Failure): boolean {
  return !FINAL.has(cause)
}
