import type { Access, Subject } from './access.ts'
import { type Credentials, parseBasic } from './basic.ts'
import { formatScope, parseScope, type Scope } from './scope.ts'
import { LIFETIME, type Tokens } from './tokens.ts'
import { CATALOG } from './visitor.ts'

/** Characters of names in one token: headers have limits, also those of proxies. */
const LONGEST_NAMES = 3 * 1024

export interface TokenAsked {
  /** The header of that name. Other than Basic, or the empty pair, it is none: nobody signs in. */
  readonly authorization?: string | undefined
  /** What a form says, which holds. */
  readonly login?: Credentials | undefined
  readonly peer: string
  /** As sent, one text each. */
  readonly scopes: readonly string[]
}

export interface IssuedToken {
  readonly token: string
  /** Seconds. */
  readonly expiresIn: number
  /** What was granted, as it is asked for. */
  readonly scopes: readonly string[]
}

/** Gives out tokens. */
export interface TokenOffice {
  /** `undefined`: the credentials are wrong. Throws `rate-limited`. What is not granted is left out, and is no error. */
  issue(asked: TokenAsked): Promise<IssuedToken | undefined>
}

interface Office extends TokenOffice {
  /** Whether the subject gets all that is asked for, and something is. */
  covers(subject: Subject, scopes: readonly string[]): boolean
}

export interface TokenOfficeOptions {
  readonly access: () => Access
  readonly tokens: Tokens
  /** What a repository's name in a URL may mean: only the request that the token is for says which. */
  readonly readings: (name: string) => readonly string[]
  /** Whose credentials they are; `undefined`: nobody's. */
  readonly account: (credentials: Credentials, asked: TokenAsked) => Promise<string | undefined>
}

export function openTokenOffice({ access, tokens, readings, account }: TokenOfficeOptions): Office {
  return {
    async issue(asked) {
      const { peer, scopes } = asked
      const credentials = asked.login ?? parseBasic(asked.authorization)
      const who = credentials === undefined ? '' : await account(credentials, asked)
      if (who === undefined) return undefined
      const subject = { account: who, peer }
      const granted = grantedTo(subject, scopes, { access: access(), readings })
      return {
        token: tokens.make({ account: who, scopes: byName(granted) }),
        expiresIn: LIFETIME,
        scopes: granted.map(formatScope),
      }
    },

    covers(subject, scopes) {
      const granted = grantedTo(subject, scopes, { access: access(), readings })
      return scopes.length > 0 && granted.map(formatScope).join(' ') === scopes.join(' ')
    },
  }
}

/** What of the scopes the subject may have. */
function grantedTo(
  subject: Subject,
  scopes: readonly string[],
  { access, readings }: { access: Access; readings: (name: string) => readonly string[] },
): Scope[] {
  let length = 0
  return scopes.flatMap((text) => {
    const scope = parseScope(text)
    if (scope === undefined) return []
    const actions = actionsIn(scope).filter((action) =>
      action === '*' ? true : readings(scope.name).some((name) => access.may(subject, action, name)),
    )
    length += text.length
    return actions.length === 0 || length > LONGEST_NAMES ? [] : [{ ...scope, actions }]
  })
}

const ACTIONS = ['pull', 'push', 'delete'] as const

/** Those that there are. The list of repositories has no action but `*`, and shows each caller what he may pull. */
function actionsIn({ type, name, actions }: Scope): readonly ((typeof ACTIONS)[number] | '*')[] {
  if (type === 'registry' && name === 'catalog') return actions.includes('*') ? ['*'] : []
  if (type !== 'repository') return []
  return actions.includes('*') ? ACTIONS : ACTIONS.filter((action) => actions.includes(action))
}

function byName(scopes: readonly Scope[]): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>()
  for (const { type, name, actions } of scopes) {
    const key = type === 'registry' ? CATALOG : name
    const held = all.get(key) ?? new Set()
    for (const action of actions) held.add(action === '*' ? 'catalog' : action)
    all.set(key, held)
  }
  return all
}
