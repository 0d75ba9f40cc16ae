import assert from 'node:assert/strict'
import type { WatchOptions } from '../../src/base/watched-files.ts'

export interface SteeredWatch {
  readonly options: Required<Pick<WatchOptions, 'wait'>>
  /** Lets the watch wait for so long, which must be what it asked for, and go on until it waits again. */
  pass(ms: number): Promise<void>
}

/** A clock for `watchFiles` that only a test moves. */
export function steeredWatch(): SteeredWatch {
  let waiting = Promise.withResolvers<{ ms: number; go: () => void }>()
  return {
    options: {
      wait: (ms, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
          waiting.resolve({ ms, go: resolve })
        }),
    },
    async pass(ms) {
      const asked = await waiting.promise
      assert.equal(asked.ms, ms)
      waiting = Promise.withResolvers()
      asked.go()
      await waiting.promise
    },
  }
}
