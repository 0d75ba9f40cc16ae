import type { LogTarget } from './log.ts'

/** The part of a stream that is needed here. */
interface Stream {
  readonly writableLength: number
  write(text: string, done: (error?: Error | null) => void): boolean
  on(event: 'error', listener: () => void): unknown
}

/** Milliseconds that a line may wait for others, and characters that do not wait any longer. */
const WAIT_MS = 10
const ENOUGH = 16 * 1024

/** Characters that may wait for a reader that does not read. */
const MOST_WAITING = 4 * 1024 * 1024

export interface LogOutput extends LogTarget {
  /** Gives what waits to the system. What a full pipe does not take stays in the process. */
  flush(): void
}

/**
 * Lines on their way to a stream, many at once: a system call a line is a third of the cost of a small answer.
 *
 * - An urgent line, and with it all before, is given to the system before `write` returns.
 * - A pipe that nobody reads stops nobody: from 4 MiB on lines are dropped, and `lost` tells how many once it flows.
 * - A pipe whose reader is gone, or a full disk, is no reason to end.
 */
export function openLogOutput(stream: Stream, lost: (lines: number) => string): LogOutput {
  let waiting = ''
  let dropped = 0
  let timer: NodeJS.Timeout | undefined
  stream.on('error', () => undefined)

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    // What was given before is still with us: it is as much as a pipe takes.
    if (waiting === '' || stream.writableLength > 0) return
    const text = dropped === 0 ? waiting : waiting + lost(dropped)
    waiting = ''
    dropped = 0
    try {
      stream.write(text, written)
    } catch {
      // A file on a full disk fails at once. There is nobody to tell.
    }
  }

  function written(error?: Error | null): void {
    if (!error && waiting !== '') flush()
  }

  return {
    write(line, urgent) {
      if (waiting.length > MOST_WAITING) {
        dropped += 1
        return
      }
      waiting += line
      if (urgent || waiting.length >= ENOUGH) flush()
      else timer ??= setTimeout(flush, WAIT_MS)
    },
    flush,
  }
}
