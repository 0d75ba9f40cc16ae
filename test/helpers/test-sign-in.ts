import type { AccessSettings } from '../../src/auth/access.ts'
import { Passwords } from '../../src/auth/passwords.ts'
import { type MainSignIn, mainSignIn } from '../../src/auth/sign-in.ts'
import { openLog } from '../../src/base/log.ts'

/** A stored password that the compare below takes; what bcrypt makes of it is another test's. */
const hashOf = (password: string) => `$2y$05$${password}`

export interface TestUsers {
  readonly users: readonly string[]
  readonly access: AccessSettings | undefined
  readonly upstreams?: readonly string[]
  readonly now?: () => number
  readonly write?: (line: string) => void
}

export interface TestSignIn extends MainSignIn {
  /** Other users from now on, with these passwords. */
  change(users: Readonly<Record<string, string>>): void
  /** Logins that were told to the operator. */
  readonly failures: readonly string[]
  /** In whose lane a password was compared. */
  readonly compared: readonly string[]
}

/** The real sign-in over users whose password is `secret`. */
export function testSignIn({ users, access, upstreams = [], now = () => 0, write }: TestUsers): TestSignIn {
  let known = new Map(users.map((name) => [name, hashOf('secret')]))
  const failures: string[] = []
  const compared: string[] = []
  const passwords = new Passwords({
    users: known,
    now,
    failed: ({ account, because }) => failures.push(`${account} ${because}`),
    pool: {
      async compare(lane, { password, hash }) {
        compared.push(lane)
        return hash === hashOf(password)
      },
    },
  })
  const inForce = { passwords, has: (account: string) => known.has(account), async [Symbol.asyncDispose]() {} }
  const log = openLog({ level: 'info', write: write ?? (() => {}) })
  const signIn = mainSignIn({ users: inForce, realm: 'Homeport', access, upstreams, log, now })
  return Object.assign(signIn, {
    ...{ failures, compared },
    change(next: Readonly<Record<string, string>>) {
      known = new Map(Object.entries(next).map(([name, password]) => [name, hashOf(password)]))
      passwords.change(known)
    },
  })
}
