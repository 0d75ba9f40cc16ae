import type { Secret } from '../base/secret.ts'
import { Refusal } from '../oci/refusal.ts'
import type { Action, Caller } from '../registry/registry.ts'
import type { Access, Arrival } from './route.ts'

/** Who is who. `auth/` has the one that reads passwords. */
export interface SignIn {
  /** Whether one has to sign in at all. */
  readonly required: boolean
  /** How one signs in with a password: what `WWW-Authenticate` says to those who have not. */
  readonly challenge: string
  /** Gives out tokens, which are asked for instead of passwords. Left out: it does not. */
  readonly tokens?: TokenOffice | undefined
  /** `undefined`: credentials are missing, or do not verify. Throws `rate-limited`. */
  callerFor(authorization: string | undefined, from: { readonly peer: string }): Promise<Visitor | undefined>
  /** Who comes to pull what everybody at that address may pull, whatever his credentials; `undefined`: not everybody may. */
  guest?(
    authorization: string | undefined,
    at: { readonly peer: string; readonly repository: string },
  ): Caller | undefined
}

/** A caller, and what he showed. */
export interface Visitor extends Caller {
  /** Left out: a password. */
  readonly shown?: 'nothing' | 'password' | 'token'
  /** Whether what he showed is for that, by the name in the URL: a token is for what it was made for. Left out: for everything. */
  covers?(action: Action | 'catalog', name: string): boolean
  /** The same caller whatever his token is for. Left out: it is he. */
  readonly whole?: Caller
}

/** Docker's token authentication, as `token.ts` tells it. */
export interface TokenOffice {
  /** `undefined`: the credentials are wrong. Throws `rate-limited`. What is not granted is left out, and is no error. */
  issue(asked: TokenAsked): Promise<IssuedToken | undefined>
}

export interface TokenAsked {
  /** The header of that name. Other than Basic, or the empty pair, it is none: nobody signs in. */
  readonly authorization?: string | undefined
  /** What a form says, which holds. */
  readonly login?: { readonly account: string; readonly password: Secret } | undefined
  readonly peer: string
  /** As sent, one text each. */
  readonly scopes: readonly string[]
}

export interface IssuedToken {
  readonly token: string
  /** Seconds. */
  readonly expiresIn: number
  /** What was granted. */
  readonly scopes: readonly string[]
}

/** The sign-in, and where its tokens are had, as far as the request says under which name it reached us. */
export interface Door {
  readonly signIn: SignIn
  readonly tokenAddress: (arrival: Pick<Arrival, 'origin'>) => string | undefined
}

/** A request, and what it wants. */
export interface Wanted {
  readonly access: Access
  /** Of the repository, as in the path. Left out: it is about none. */
  readonly name?: string | undefined
  readonly arrival: Pick<Arrival, 'headers' | 'peer' | 'origin'>
}

const NOBODY: Visitor = { account: '', may: () => false }

/** Who asks. Throws `unauthorized` where the route wants to know, and he does not say. */
export async function identify(door: Door, wanted: Wanted): Promise<Visitor> {
  const { access, arrival } = wanted
  if (access === 'open') return NOBODY
  const { headers, peer } = arrival
  const sent = headers['authorization']
  const visitor = await door.signIn.callerFor(sent, { peer })
  if (visitor === undefined) {
    throw unauthorized(door, wanted, sent === undefined ? {} : { because: 'those that came are not valid' })
  }
  if (access !== 'signed-in' && access !== 'catalog') return visitor
  // Whoever goes on without a word here does so for ever: docker takes any password for right then.
  if (visitor.shown === 'nothing' && door.signIn.required) throw unauthorized(door, wanted)
  if (access === 'catalog' && visitor.covers?.('catalog', '') === false) {
    throw unauthorized(door, wanted, { error: 'insufficient_scope' })
  }
  return visitor
}

/** Throws where the visitor may not do that in the repository: `denied`, or `unauthorized` to one who may sign in, or get another token. */
export function authorise(
  door: Door,
  wanted: Wanted,
  { caller, repository }: { caller: Visitor; repository: string },
): void {
  const { access, name = repository } = wanted
  if (access === 'open' || access === 'signed-in' || access === 'catalog') return
  const whole = caller.whole ?? caller
  const may = whole.may(access, repository)
  if (may && caller.covers?.(access, name) !== false) return
  const error = caller.shown === 'token' ? 'insufficient_scope' : undefined
  if (may || (caller.account === '' && door.signIn.required)) throw unauthorized(door, wanted, { error })
  throw new Refusal('denied', { because: `${access} in ${repository}` })
}

interface Trouble {
  readonly because?: string
  /** RFC 6750, 3.1. */
  readonly error?: 'insufficient_scope' | undefined
}

function unauthorized(door: Door, wanted: Wanted, { because, error }: Trouble = {}): Refusal {
  const challenge = challengeOf(door, wanted, error)
  return new Refusal('unauthorized', { challenge, ...(because !== undefined && { because }) })
}

/**
 * One challenge, as some clients read no more. All of it quoted and in small letters, and what has a comma last: there
 * are programs that split it there. Where nobody knows an address of ours, a password is asked for, which works too.
 */
function challengeOf({ signIn, tokenAddress }: Door, wanted: Wanted, error: Trouble['error']): string {
  const realm = signIn.tokens === undefined ? undefined : tokenAddress(wanted.arrival)
  if (realm === undefined) return signIn.challenge
  const scope = scopeOf(wanted)
  const invalid = /^bearer\b/i.test(wanted.arrival.headers['authorization'] ?? '') ? 'invalid_token' : undefined
  return [
    `Bearer realm="${realm}",service="${SERVICE}"`,
    ...((error ?? invalid) === undefined ? [] : [`error="${error ?? invalid}"`]),
    ...(scope === undefined ? [] : [`scope="${scope}"`]),
  ].join(',')
}

/** What tokens say they are for. */
const SERVICE = 'homeport'

/** Who pushes looks first at what is there. */
const ACTIONS = { pull: 'pull', push: 'pull,push', delete: 'delete' }

/** With the name that the client sees, as it asks with that one. `/v2/` has none. */
function scopeOf({ access, name }: Wanted): string | undefined {
  if (access === 'catalog') return 'registry:catalog:*'
  if (access === 'open' || access === 'signed-in' || name === undefined) return undefined
  return `repository:${name}:${ACTIONS[access]}`
}
