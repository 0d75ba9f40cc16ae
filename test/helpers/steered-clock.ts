import { setImmediate as nextTurn } from 'node:timers/promises'

interface Timer {
  readonly at: number
  readonly ring: () => void
}

/** Turns of the event loop that whoever was woken gets before the clock goes on: reads and writes of a test's catalog. */
const TURNS = 20

/** A clock that stands still until the test moves it, and the sleeps that hang on it. */
export class SteeredClock {
  /** Wall clock, in epoch milliseconds. Setting it is a jump, which wakes nobody. */
  now = 1_000_000
  #elapsed = 0
  #timers: Timer[] = []

  /** Milliseconds, of a clock that no jump moves. */
  readonly monotonic = (): number => this.#elapsed

  /** Rejects when the signal fires. */
  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
        reject(signal?.reason)
      }
      const timer: Timer = {
        at: this.#elapsed + ms,
        ring: () => {
          signal?.removeEventListener('abort', leave)
          resolve()
        },
      }
      if (signal?.aborted === true) return leave()
      signal?.addEventListener('abort', leave, { once: true })
      this.#timers.push(timer)
    })

  /** How many sleep. */
  get sleeping(): number {
    return this.#timers.length
  }

  /** Moves both clocks on, wakes whoever is due, in order, and lets what they do come to its end. */
  async advance(ms: number): Promise<void> {
    await this.settle()
    const until = this.#elapsed + ms
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)
      if (next === undefined) break
      this.#moveTo(next.at)
      this.#timers = this.#timers.filter((timer) => timer !== next)
      next.ring()
      await this.settle()
    }
    this.#moveTo(until)
    await this.settle()
  }

  /** Lets everything run that waits for nothing but its turn. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn += 1) await nextTurn()
  }

  #moveTo(elapsed: number): void {
    this.now += elapsed - this.#elapsed
    this.#elapsed = elapsed
  }
}
