import { setTimeout as sleep } from 'node:timers/promises'

/** What a timer that fired late may be made up for, and how far ahead is waited for, in milliseconds. */
const LATE = 20
const AHEAD = 2

/** A line that all bytes go through one after the other. */
export class Line {
  readonly #bytesPerMs: number
  #freeAt = 0

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000
  }

  /** Resolves when so many bytes may go. */
  async turn(bytes: number): Promise<void> {
    const now = performance.now()
    this.#freeAt = Math.max(this.#freeAt, now - LATE) + bytes / this.#bytesPerMs
    if (this.#freeAt - now > AHEAD) await sleep(this.#freeAt - now)
  }
}
