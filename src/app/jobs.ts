import { LONGEST_TIMER } from '../base/duration.ts'

/** What the clock starts. */
export interface Job {
  /** Begins the line that tells of a failure. */
  readonly name: string
  /** Milliseconds from the start to the first run, so that a start has the machine for itself. */
  readonly first: number
  /** Milliseconds from the begin of one run to the begin of the next. */
  readonly interval: number
  /** `signal` fires when the server ends, which waits for the run. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

/**
 * Runs jobs by the clock, each one run at a time: one that takes longer than its interval skips a turn. What a run throws
 * is reported, and it is tried again the next time.
 *
 * Disposing ends the clock, and waits for what is running.
 */
export function startJobs(jobs: readonly Job[], report: (job: string, error: unknown) => void): AsyncDisposable {
  const ending = new AbortController()
  const timers: NodeJS.Timeout[] = []
  const running = new Map<Job, Promise<void>>()

  function start(job: Job): void {
    if (running.has(job)) return
    const run = job
      .run(ending.signal)
      .catch((error: unknown) => {
        if (!ending.signal.aborted) report(job.name, error)
      })
      .finally(() => running.delete(job))
    running.set(job, run)
  }

  for (const job of jobs) {
    const first = setTimeout(() => {
      timers.push(setInterval(() => start(job), Math.min(job.interval, LONGEST_TIMER)))
      start(job)
    }, job.first)
    timers.push(first)
  }

  return {
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('The server ends'))
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running.values())
    },
  }
}
