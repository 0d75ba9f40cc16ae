import { availableParallelism } from 'node:os'
import type { Log } from '../base/log.ts'
import { parseBasic } from './basic.ts'
import { BcryptPool } from './bcrypt-pool.ts'
import { readHtpasswd } from './htpasswd.ts'
import { Passwords } from './passwords.ts'

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
  callerFor(authorization: string | undefined): Promise<Caller | undefined>
}

export interface SignInOptions {
  /** Left out: everyone may do everything. */
  readonly htpasswd?: { readonly realm: string; readonly path: string } | undefined
  readonly log: Log
  readonly now: () => number
}

/** As registry:2: with users, each of them may do everything, and nobody else anything. */
export function openSignIn({ htpasswd, log, now }: SignInOptions): SignIn {
  if (htpasswd === undefined) return OPEN
  const users = readHtpasswd(htpasswd.path, log)
  const pool = new BcryptPool({ threads: Math.max(1, Math.min(2, availableParallelism() - 1)), idleMs: IDLE_MS })
  const passwords = new Passwords({ users, pool, now })
  return {
    required: true,
    challenge: `Basic realm="${htpasswd.realm.replaceAll(/["\\]/g, '\\$&')}"`,
    async callerFor(authorization) {
      const credentials = parseBasic(authorization)
      if (credentials === undefined || !(await passwords.verify(credentials))) return undefined
      return { account: credentials.account, may: () => true }
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}

const OPEN: SignIn = {
  required: false,
  challenge: '',
  async callerFor() {
    return { account: '', may: () => true }
  },
  async [Symbol.asyncDispose]() {},
}
