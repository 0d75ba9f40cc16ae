import type { Log } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import { registryName } from '../base/registry-name.ts'
import { type Access, type AccessSettings, accessByRules, OPEN_ACCESS, USERS_ONLY, usersNamed } from './access.ts'
import { signInBy } from './sign-in-by.ts'
import type { TokenOffice } from './token-office.ts'
import { Tokens } from './tokens.ts'
import { openUsers, type UsersInForce } from './users.ts'
import type { Caller, Visitor } from './visitor.ts'

/** Who is let in, as `http/` asks. */
export interface SignIn {
  /** Whether there is anybody who could sign in, and who has to where nothing is granted to everybody. */
  readonly required: boolean
  /** How one signs in with a password: what `WWW-Authenticate` says. */
  readonly challenge: string
  /**
   * Gives out tokens; there where rules grant something to everybody. Only so do all clients come without a login
   * *and* sign in to push: they take from `/v2/` once how to do it.
   */
  readonly tokens: TokenOffice | undefined
  /** `undefined`: credentials are missing and needed, or do not verify. Throws `rate-limited`. */
  callerFor(authorization: string | undefined, from: { readonly peer: string }): Promise<Visitor | undefined>
  /**
   * Who comes to pull what everybody at that address may pull; `undefined`: not everybody may. Whether the credentials
   * are right is not looked at, as they change nothing: his name is known if his password was right a short time ago.
   */
  guest(
    authorization: string | undefined,
    at: { readonly peer: string; readonly repository: string },
  ): Caller | undefined
}

/** The sign-in of the server itself. */
export interface MainSignIn extends SignIn, AsyncDisposable {
  /**
   * The same people at the listener of an upstream alone: `dockerd` sends a login of another registry there. Where
   * everybody may pull something, credentials that do not verify are nobody's, and are neither told nor counted.
   */
  mirrorOf(upstream: string): SignIn
  /** Other rules from now on; `undefined`: none. */
  take(access: AccessSettings | undefined): void
}

export interface SignInOptions {
  /** Left out: nobody can sign in. */
  readonly htpasswd?: { readonly realm: string; readonly path: string } | undefined
  /** Left out: every user may do everything, and everybody where there are no users. */
  readonly access?: AccessSettings | undefined
  /** Names of registries that are cached. */
  readonly upstreams?: readonly string[]
  readonly log: Log
  /** Milliseconds, of a clock that no time server sets back. */
  readonly now: () => number
  readonly metrics?: Pick<Metrics, 'counter'>
}

/** Without rules as registry:2: with users, each of them may do everything, and nobody else anything. */
export function openSignIn(options: SignInOptions): MainSignIn {
  const { htpasswd } = options
  const users = htpasswd && openUsers({ ...options, path: htpasswd.path })
  return mainSignIn({ ...options, users, realm: htpasswd?.realm ?? '' })
}

/** The same for users who are known already; it closes them. */
export function mainSignIn(
  options: Omit<SignInOptions, 'htpasswd'> & { readonly users: UsersInForce | undefined; readonly realm: string },
): MainSignIn {
  const { users, realm, log, now, upstreams = [] } = options
  let access = accessOf(options.access, users)
  warnOfStrangers(options.access, { users, log })

  const shared = {
    ...{ users: users?.passwords, realm },
    access: () => access,
    tokens: new Tokens({ now, stateOf: (account) => (account === '' ? '' : users?.passwords.storedOf(account)) }),
  }
  const main = signInBy({ ...shared, readings: (name) => [name, ...readingsOf(name, upstreams)] })
  return Object.assign(main, {
    mirrorOf: (upstream: string) =>
      signInBy({ ...shared, readings: (name) => readingsOf(name, [upstream]), mirror: true }),
    take(next: AccessSettings | undefined) {
      access = accessOf(next, users)
      warnOfStrangers(next, { users, log })
    },
    async [Symbol.asyncDispose]() {
      await users?.[Symbol.asyncDispose]()
    },
  })
}

function accessOf(settings: AccessSettings | undefined, users: UsersInForce | undefined): Access {
  if (settings !== undefined) return accessByRules(settings)
  return users === undefined ? OPEN_ACCESS : USERS_ONLY
}

/** Who is named and is none may come later: users are added while the server runs. */
function warnOfStrangers(
  settings: AccessSettings | undefined,
  { users, log }: { users: UsersInForce | undefined; log: Log },
): void {
  const strangers = settings === undefined ? [] : usersNamed(settings).filter((name) => !users?.has(name))
  if (strangers.length === 0) return
  const remedy =
    users === undefined
      ? 'set auth.htpasswd.path, as nobody can sign in'
      : `add them: homeport user add ${strangers[0]}`
  log.warn({ users: strangers }, `access names users who are none: ${strangers.join(', ')}; ${remedy}`)
}

/**
 * What a name in a URL may be called with its upstream before it, where Docker Hub's own images are below `library`.
 * Only the request that a token is used for says which it is, and rights are looked up again there.
 */
function readingsOf(name: string, upstreams: readonly string[]): string[] {
  const [first = '', ...below] = name.split('/')
  return upstreams.flatMap((upstream) => {
    const rest = below.length > 0 && registryName(first) === upstream ? below.join('/') : name
    return [`${upstream}/${rest}`, ...(rest.includes('/') ? [] : [`${upstream}/library/${rest}`])]
  })
}
