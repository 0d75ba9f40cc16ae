import { LONGEST_TIMER } from '../base/duration.ts'
import type { Problem } from './standing.ts'

export interface RoundsOptions {
  /** Milliseconds from one round to the next. */
  readonly interval: number
  /** Looks once. Resolves to what is wrong, or to `undefined`. */
  readonly look: () => Promise<Problem | undefined>
  /** What is wrong when a look has not come back by the next round. */
  readonly late: Problem
  readonly report: (problem: Problem | undefined) => void
}

/**
 * Looks at once and then each interval, until it is disposed of. One look at a time: a disk that hangs must not
 * gather them, so a round whose look is still under way has failed.
 */
export function startRounds({ interval, look, late, report }: RoundsOptions): Disposable {
  let looking = false
  let ended = false

  async function round(): Promise<void> {
    if (looking) {
      report(late)
      return
    }
    looking = true
    let problem: Problem | undefined
    try {
      problem = await look()
    } catch (error) {
      problem = { message: `the check itself failed: ${error instanceof Error ? error.message : String(error)}` }
    }
    looking = false
    if (!ended) report(problem)
  }

  const timer = setInterval(() => void round(), Math.min(interval, LONGEST_TIMER))
  void round()
  return {
    [Symbol.dispose]() {
      ended = true
      clearInterval(timer)
    },
  }
}
