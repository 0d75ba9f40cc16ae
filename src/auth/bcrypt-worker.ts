import { parentPort } from 'node:worker_threads'
import { compareSync } from 'bcryptjs'

/** What the worker is asked, and what it answers. One at a time. */
export interface BcryptQuestion {
  readonly password: string
  readonly hash: string
}

export type BcryptAnswer = boolean

parentPort?.on('message', ({ password, hash }: BcryptQuestion) => {
  // As registry:2 and htpasswd: what is beyond 72 bytes does not count.
  parentPort?.postMessage(compareSync(password, hash) satisfies BcryptAnswer)
})
