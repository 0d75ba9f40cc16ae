import { availableParallelism } from 'node:os'
import type { Log } from '../base/log.ts'
import { type Metrics, NO_METRICS } from '../base/metrics.ts'
import { BcryptPool } from './bcrypt-pool.ts'
import { openHtpasswd } from './htpasswd-file.ts'
import { type FailedLogin, Passwords } from './passwords.ts'

const IDLE_MS = 30_000

/** Users as their file has them now, and their passwords. */
export interface UsersInForce extends AsyncDisposable {
  readonly passwords: Passwords
  has(account: string): boolean
}

export interface UsersOptions {
  readonly path: string
  readonly log: Log
  /** Milliseconds, of a clock that no time server sets back. */
  readonly now: () => number
  readonly metrics?: Pick<Metrics, 'counter'>
}

/** Reads the file, and follows it. */
export function openUsers({ path, log, now, metrics = NO_METRICS }: UsersOptions): UsersInForce {
  const file = openHtpasswd({ path, log })
  const countFailure = metrics.counter<'reason'>({
    name: 'homeport_auth_failures_total',
    help: 'Logins that failed: wrong, or limited because too many wrong ones came before',
    labels: ['reason'],
  })
  const pool = new BcryptPool({ threads: Math.max(1, Math.min(2, availableParallelism() - 1)), idleMs: IDLE_MS })
  const passwords = new Passwords({
    ...{ users: file.users, pool, now },
    failed(login) {
      countFailure({ reason: login.because })
      if (login.because === 'wrong') logFailure(log, login)
    },
  })
  file.onChange((users) => passwords.change(users))
  return {
    passwords,
    has: (account) => file.users.has(account),
    async [Symbol.asyncDispose]() {
      file[Symbol.dispose]()
      await pool[Symbol.asyncDispose]()
    },
  }
}

/** People type passwords where a name should be, and names as long as they like. */
const LONGEST_NAME = 128

/** One line a failure; what the limit turned away is in the access log. */
function logFailure(log: Log, { account, peer }: FailedLogin): void {
  const fields = { 'auth.user.name': account.slice(0, LONGEST_NAME), 'http.request.remoteaddr': peer }
  log.warn(fields, 'a login failed: no such user, or another password')
}
