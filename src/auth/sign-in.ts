import { availableParallelism } from 'node:os'
import type { Log } from '../base/log.ts'
import { type Metrics, NO_METRICS } from '../base/metrics.ts'
import { parseBasic } from './basic.ts'
import { BcryptPool } from './bcrypt-pool.ts'
import { openHtpasswd } from './htpasswd-file.ts'
import { type FailedLogin, Passwords } from './passwords.ts'

const IDLE_MS = 30_000

/** Who asks, and what he may do. Empty `account`: nobody signed in. */
export interface Caller {
  readonly account: string
  may(action: 'pull' | 'push' | 'delete', repository: string): boolean
}

/** Who is let in, as `http/` asks. */
export interface SignIn extends AsyncDisposable {
  /** Whether one has to sign in at all. */
  readonly required: boolean
  /** What `WWW-Authenticate` says to those who have not. */
  readonly challenge: string
  /** `undefined`: credentials are missing, or do not verify. Throws `rate-limited`. */
  callerFor(authorization: string | undefined, from: { readonly peer: string }): Promise<Caller | undefined>
}

export interface SignInOptions {
  /** Left out: everyone may do everything. */
  readonly htpasswd?: { readonly realm: string; readonly path: string } | undefined
  readonly log: Log
  /** Milliseconds, of a clock that no time server sets back. */
  readonly now: () => number
  readonly metrics?: Pick<Metrics, 'counter'>
}

/** As registry:2: with users, each of them may do everything, and nobody else anything. */
export function openSignIn({ htpasswd, log, now, metrics = NO_METRICS }: SignInOptions): SignIn {
  if (htpasswd === undefined) return OPEN
  const file = openHtpasswd({ path: htpasswd.path, log })
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
    required: true,
    challenge: `Basic realm="${htpasswd.realm.replaceAll(/["\\]/g, '\\$&')}"`,
    async callerFor(authorization, { peer }) {
      const credentials = parseBasic(authorization)
      if (credentials === undefined || !(await passwords.verify(credentials, { peer }))) return undefined
      return { account: credentials.account, may: () => true }
    },
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

const OPEN: SignIn = {
  required: false,
  challenge: '',
  async callerFor() {
    return { account: '', may: () => true }
  },
  async [Symbol.asyncDispose]() {},
}
