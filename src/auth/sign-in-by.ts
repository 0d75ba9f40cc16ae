import { Refusal } from '../oci/refusal.ts'
import type { Access } from './access.ts'
import { type Credentials, parseBasic } from './basic.ts'
import type { Passwords } from './passwords.ts'
import type { SignIn } from './sign-in.ts'
import { openTokenOffice, type TokenAsked } from './token-office.ts'
import type { Tokens } from './tokens.ts'
import { visitorOf } from './visitor.ts'

export interface SignInParts {
  /** Left out: there are none. */
  readonly users: Pick<Passwords, 'verify' | 'remembers'> | undefined
  readonly realm: string
  /** What is in force now. */
  readonly access: () => Access
  readonly tokens: Tokens
  /** What a repository's name in a URL may mean. */
  readonly readings: (name: string) => readonly string[]
  /** Of an upstream's own listener. */
  readonly mirror?: boolean
}

/** Who is let in: by what was sent, users and rules. */
export function signInBy({ users, realm, access, tokens, readings, mirror = false }: SignInParts): SignIn {
  const nobody = (peer: string) => visitorOf({ account: '', peer }, access, { shown: 'nothing' })
  const givesTokens = () => users !== undefined && access().anonymous

  /** Whether a password is right. At a mirror it may be another registry's: `false` where it is not looked at, too. */
  async function isRight(credentials: Credentials, peer: string): Promise<boolean> {
    if (users === undefined) return false
    if (!mirror || !access().anonymous) return await users.verify(credentials, { peer })
    try {
      return await users.verify(credentials, { peer, quietly: true })
    } catch (error) {
      if (error instanceof Refusal && error.kind === 'rate-limited') return false
      throw error
    }
  }

  const office = openTokenOffice({
    ...{ access, tokens, readings },
    async account(credentials, { peer, scopes }: TokenAsked) {
      const subject = { account: '', peer }
      // Nobody needs to know whose they are, where everybody gets what is asked for.
      if (mirror && office.covers(subject, scopes)) return ''
      if (await isRight(credentials, peer)) return credentials.account
      return mirror ? '' : undefined
    },
  })

  return {
    required: users !== undefined,
    challenge: users === undefined ? '' : `Basic realm="${realm.replaceAll(/["\\]/g, '\\$&')}"`,
    get tokens() {
      return givesTokens() ? office : undefined
    },

    async callerFor(authorization, { peer }) {
      if (users === undefined) return nobody(peer)
      const token = givesTokens() ? bearerOf(authorization) : undefined
      if (token !== undefined) {
        const content = tokens.read(token)
        return (
          content && visitorOf({ account: content.account, peer }, access, { shown: 'token', scopes: content.scopes })
        )
      }
      const credentials = parseBasic(authorization)
      if (credentials !== undefined && (await isRight(credentials, peer))) {
        return visitorOf({ account: credentials.account, peer }, access, { shown: 'password' })
      }
      return access().anonymous && (credentials === undefined || mirror) ? nobody(peer) : undefined
    },

    guest(authorization, { peer, repository }) {
      const visitor = nobody(peer)
      if (!visitor.may('pull', repository)) return undefined
      const credentials = parseBasic(authorization)
      const token = bearerOf(authorization)
      const known = credentials !== undefined && users?.remembers(credentials) === true
      const account = known ? credentials.account : token === undefined ? '' : (tokens.read(token)?.account ?? '')
      return { ...visitor, account }
    },
  }
}

/** Whatever it says after the scheme: who sends a token means one. */
function bearerOf(authorization: string | undefined): string | undefined {
  const found = /^bearer(?: +(?<token>.*))?$/is.exec(authorization ?? '')
  return found === null ? undefined : (found.groups?.['token'] ?? '').trim()
}
