import type { Route } from '../egress/egress.ts'
import { Asking, type AskingLimits, type Surroundings } from './asking.ts'
import { type AskedHop, judgeSilence } from './causes.ts'
import type { Clock } from './clock.ts'
import { Missed } from './missed.ts'

export interface OneAttemptOptions {
  readonly hop: AskedHop
  readonly around: Surroundings
  readonly limits: Omit<AskingLimits, 'signal'>
  /** Goes on when another was faster: to learn whether the route works again. */
  readonly probe: boolean
}

/** One attempt by one route that is going on. */
export class OneAttempt {
  readonly asking: Asking
  readonly route: Route
  readonly probe: boolean
  /** Of the monotonic clock. */
  readonly began: number
  readonly #clock: Clock
  readonly #controller = new AbortController()
  readonly #ended = new AbortController()

  constructor(route: Route, { hop, around, limits, probe }: OneAttemptOptions) {
    this.route = route
    this.probe = probe
    this.#clock = around.clock
    this.began = this.#clock.monotonic()
    this.asking = new Asking(route, hop, { ...around, limits: { ...limits, signal: this.#controller.signal } })
  }

  get waited(): number {
    return this.#clock.monotonic() - this.began
  }

  get isGivenUp(): boolean {
    return this.#controller.signal.aborted
  }

  get isEnded(): boolean {
    return this.#ended.signal.aborted
  }

  /** It came to something. */
  end(): void {
    this.#ended.abort()
  }

  /** Whether it still goes on when it is so many milliseconds old. At once where it has ended, or `over` has fired. */
  async isSilent(ms: number, over: AbortSignal): Promise<boolean> {
    const quiet = AbortSignal.any([this.#ended.signal, over])
    if (quiet.aborted) return false
    await this.#clock.sleep(Math.max(ms - this.waited, 0), quiet).catch(() => undefined)
    return !quiet.aborted
  }

  /** Nothing came of it so far. */
  silence(): Missed {
    const { at } = this.asking
    return new Missed(judgeSilence(at.hop, this.waited), at)
  }

  giveUp(): void {
    this.#controller.abort()
  }
}
