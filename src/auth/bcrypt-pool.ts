import { Worker } from 'node:worker_threads'
import type { BcryptAnswer, BcryptQuestion } from './bcrypt-worker.ts'

// The file that runs is TypeScript in development, JavaScript in a release.
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './bcrypt-worker.ts' : './bcrypt-worker.js', import.meta.url)

interface Job {
  readonly question: BcryptQuestion
  readonly resolve: (answer: BcryptAnswer) => void
  readonly reject: (error: Error) => void
}

export interface BcryptPoolOptions {
  /** Threads at most: each takes a core while it works, and 12 MB. */
  readonly threads: number
  /** Milliseconds after which a thread without work is ended. */
  readonly idleMs: number
}

/**
 * Compares passwords with bcrypt hashes on threads of their own, which start at the first one and end when idle.
 *
 * Whoever waits stands in a lane, and lanes take turns: a thousand guesses in one lane keep another waiting for one.
 */
export class BcryptPool implements AsyncDisposable {
  readonly #options: BcryptPoolOptions
  /** In the order of turns. None is empty. */
  readonly #lanes = new Map<string, Job[]>()
  readonly #idle: IdleThread[] = []
  readonly #threads = new Set<Worker>()
  #closed = false

  constructor(options: BcryptPoolOptions) {
    this.#options = options
  }

  /** Threads that run now. */
  get threads(): number {
    return this.#threads.size
  }

  compare(lane: string, question: BcryptQuestion): Promise<BcryptAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Error('Passwords are no longer checked: the server ends'))
      const waiting = this.#lanes.get(lane)
      if (waiting === undefined) this.#lanes.set(lane, [{ question, resolve, reject }])
      else waiting.push({ question, resolve, reject })

      const idle = this.#idle.pop()
      if (idle !== undefined) {
        clearTimeout(idle.end)
        void this.#work(idle.worker)
      } else if (this.#threads.size < this.#options.threads) void this.#work(this.#start())
    })
  }

  #start(): Worker {
    const worker = new Worker(WORKER)
    this.#threads.add(worker)
    worker.on('exit', () => this.#threads.delete(worker))
    return worker
  }

  /** Does what waits, one after the other, then idles. */
  async #work(worker: Worker): Promise<void> {
    worker.ref()
    for (let job = this.#next(); job !== undefined; job = this.#next()) {
      try {
        job.resolve(await ask(worker, job.question))
      } catch (error) {
        job.reject(error instanceof Error ? error : new Error(String(error)))
        // Whatever state it is in, another takes its place for whoever waits.
        this.#threads.delete(worker)
        void worker.terminate()
        if (this.#lanes.size > 0 && !this.#closed) void this.#work(this.#start())
        return
      }
    }
    worker.unref()
    const end = setTimeout(() => this.#end(worker), this.#options.idleMs)
    end.unref()
    this.#idle.push({ worker, end })
  }

  #next(): Job | undefined {
    for (const [lane, jobs] of this.#lanes) {
      const job = jobs.shift()
      this.#lanes.delete(lane)
      if (jobs.length > 0) this.#lanes.set(lane, jobs)
      return job
    }
    return undefined
  }

  #end(worker: Worker): void {
    const at = this.#idle.findIndex((idle) => idle.worker === worker)
    if (at >= 0) this.#idle.splice(at, 1)
    void worker.terminate()
  }

  /** Ends the threads. Whoever still waits is told that the server ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const jobs of this.#lanes.values()) for (const { reject } of jobs) reject(new Error('The server ends'))
    this.#lanes.clear()
    for (const { end } of this.#idle) clearTimeout(end)
    await Promise.all([...this.#threads].map((worker) => worker.terminate()))
  }
}

interface IdleThread {
  readonly worker: Worker
  readonly end: NodeJS.Timeout
}

function ask(worker: Worker, question: BcryptQuestion): Promise<BcryptAnswer> {
  return new Promise((resolve, reject) => {
    const listeners = {
      message: (answer: BcryptAnswer) => settle(() => resolve(answer)),
      error: (error: unknown) => settle(() => reject(error)),
      exit: (code: number) =>
        settle(() => reject(new Error(`The thread that checks passwords ended with code ${code}`))),
    }
    function settle(tell: () => void): void {
      worker.off('message', listeners.message).off('error', listeners.error).off('exit', listeners.exit)
      tell()
    }
    worker.on('message', listeners.message).on('error', listeners.error).on('exit', listeners.exit)
    worker.postMessage(question)
  })
}
