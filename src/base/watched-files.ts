import { stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** How often a look is taken while nothing changes. */
const LOOK_MS = 2_000
/** How long what changed has to stay as it is. */
const SETTLE_MS = 500

/** Files that are read anew when they change. */
export interface Watched<Value> {
  readonly paths: readonly string[]
  /** Reads them. May be asked while they are being written: then its value is thrown away. */
  read(): Promise<Value>
  /** Takes the value of files that have settled. */
  taken(value: Value): void
  /** They have settled, and cannot be read. Told once for each state that they settle in. */
  failed(error: unknown): void
}

export interface WatchOptions {
  /** What is there now; equal texts stand for equal files. */
  readonly look?: (paths: readonly string[]) => Promise<string>
  /** Rejects when the signal fires. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * Looks at files every two seconds, and reads them when two looks, half a second apart, agree on something new: one
 * that is caught half-written is left alone until its writer is done. Looks are by `stat`, because no event of the
 * kernel comes through a bind mount or from a network share; they follow links, so that a link that is turned to
 * another file counts. The first look always reads.
 *
 * It keeps no process alive, and ends when it is disposed of.
 */
export function watchFiles<Value>(watched: Watched<Value>, options: WatchOptions = {}): Disposable {
  const { look = lookAt, wait = waitUnheld } = options
  const end = new AbortController()

  async function run(): Promise<void> {
    let state: Looks = {}
    let waitMs = LOOK_MS
    for (;;) {
      await wait(waitMs, end.signal)
      const seen = await look(watched.paths)
      const verdict = judgeLook(state, seen)
      if (verdict === 'take') await take(seen)
      state = verdict === 'settling' ? { taken: state.taken, pending: seen } : { taken: seen }
      waitMs = verdict === 'settling' ? SETTLE_MS : LOOK_MS
    }
  }

  async function take(seen: string): Promise<void> {
    let tell: () => void
    try {
      const value = await watched.read()
      tell = () => watched.taken(value)
    } catch (error) {
      tell = () => watched.failed(error)
    }
    // Else it changed while it was read, and the next look sees that.
    if ((await look(watched.paths)) === seen && !end.signal.aborted) tell()
  }

  run().catch((error: unknown) => {
    if (!end.signal.aborted) throw error
  })
  return { [Symbol.dispose]: () => end.abort() }
}

interface Looks {
  /** As it was when it was last read. */
  readonly taken?: string | undefined
  /** As the last look saw it, where that was another. */
  readonly pending?: string
}

/** What a look means, after those before it. */
export function judgeLook({ taken, pending }: Looks, seen: string): 'same' | 'settling' | 'take' {
  if (seen === taken) return 'same'
  return seen === pending ? 'take' : 'settling'
}

async function lookAt(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(lookAtOne))).join(' ')
}

async function lookAtOne(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(':')
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

async function waitUnheld(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { ref: false, signal })
}
