import type { Access, Subject } from './access.ts'
import type { Scopes } from './tokens.ts'

type Action = 'pull' | 'push' | 'delete'

/** Who asks, and what he may do. */
export interface Caller {
  /** Empty: nobody signed in. */
  readonly account: string
  may(action: Action, repository: string): boolean
  /** Whether a rule that lets him do it means this repository in particular, and not whatever there is. */
  names(action: Action, repository: string): boolean
}

/** A caller, and what he showed. */
export interface Visitor extends Caller {
  readonly shown: 'nothing' | 'password' | 'token'
  /** Whether what he showed is for that, by the name in the URL. A password is for everything, a token for its scopes. */
  covers(action: Action | 'catalog', name: string): boolean
  /** The same caller whatever his token is for. */
  readonly whole: Caller
}

/** What the list of repositories is among scopes; no repository has a colon in its name. */
export const CATALOG = 'registry:catalog'

/** Rights are looked up when they are asked for: a change of rules holds at once. */
export function visitorOf(
  subject: Subject,
  access: () => Access,
  { shown, scopes }: { readonly shown: Visitor['shown']; readonly scopes?: Scopes },
): Visitor {
  const whole: Caller = {
    account: subject.account,
    may: (action, repository) => access().may(subject, action, repository),
    names: (action, repository) => access().names(subject, action, repository),
  }
  const covers: Visitor['covers'] = (action, name) =>
    scopes === undefined || scopes.get(action === 'catalog' ? CATALOG : name)?.has(action) === true
  return {
    ...{ account: whole.account, shown, covers, whole },
    names: (action, repository) => whole.names(action, repository),
    may: (action, repository) => covers(action, repository) && whole.may(action, repository),
  }
}
