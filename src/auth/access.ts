import { AddressRanges } from '../base/address-range.ts'
import { type NamePattern, parseNamePattern } from '../base/name-pattern.ts'

/** What a rule may grant. None of them is part of another. `admin` is for what is told and changed beside images. */
export type Action = 'pull' | 'push' | 'delete' | 'admin'

/** A rule of the configuration. */
export interface AccessRule {
  /** A user, `group:NAME`, or `anonymous`, which is everybody. */
  readonly who: string | readonly string[]
  /** Addresses and networks; left out: from everywhere. */
  readonly from?: readonly string[] | undefined
  readonly may: readonly Action[]
  /** Patterns; left out: everywhere. */
  readonly repositories?: readonly string[] | undefined
}

export interface AccessSettings {
  readonly rules: readonly AccessRule[]
  /** Users, by the name of their group. */
  readonly groups: Readonly<Record<string, readonly string[]>>
}

/** Somebody at an address. */
export interface Subject {
  /** Empty: nobody signed in. */
  readonly account: string
  /** An IP address; empty: nobody told it. */
  readonly peer: string
}

/** Who may do what. */
export interface Access {
  /** `repository`: its canonical name, with its upstream before it where it is cached. */
  may(subject: Subject, action: Action, repository: string): boolean
  /** Whether a rule that lets him do it means this repository in particular, and not whatever there is. */
  names(subject: Subject, action: Action, repository: string): boolean
  /** Whether something is granted to whoever comes, from somewhere. */
  readonly anonymous: boolean
}

/** No rules, no users: everybody may do everything. */
export const OPEN_ACCESS: Access = { may: () => true, names: () => false, anonymous: true }

/** No rules: every user may do everything, and nobody else anything. As registry:2. */
export const USERS_ONLY: Access = { may: ({ account }) => account !== '', names: () => false, anonymous: false }

/**
 * Who may do what by rules, which only grant and add up: their order does not matter, and what none grants is refused.
 *
 * What `anonymous` may, everybody may: nobody loses a right by signing in. Throws on rules that cannot be read.
 */
export function accessByRules({ rules, groups }: AccessSettings): Access {
  const grants = rules.map((rule) => grantOf(rule, groups))

  function granting(subject: Subject, action: Action): Grant[] {
    return grants.filter((grant) => grant.actions.has(action) && isOf(grant, subject))
  }

  return {
    may: (subject, action, repository) =>
      granting(subject, action).some(
        ({ patterns }) => patterns === undefined || patterns.some((pattern) => pattern.matches(repository)),
      ),
    names: (subject, action, repository) =>
      granting(subject, action).some(({ patterns = [] }) =>
        patterns.some((pattern) => pattern.specific && pattern.matches(repository)),
      ),
    anonymous: grants.some(({ everybody }) => everybody),
  }
}

interface Grant {
  readonly everybody: boolean
  readonly accounts: ReadonlySet<string>
  readonly networks: AddressRanges | undefined
  readonly actions: ReadonlySet<Action>
  readonly patterns: readonly NamePattern[] | undefined
}

const GROUP = 'group:'

function grantOf({ who, from, may, repositories }: AccessRule, groups: AccessSettings['groups']): Grant {
  const names = typeof who === 'string' ? [who] : who
  return {
    everybody: names.includes('anonymous'),
    accounts: new Set(names.flatMap((name) => membersOf(name, groups))),
    networks: from && new AddressRanges(from),
    actions: new Set(may),
    patterns: repositories?.map(parseNamePattern),
  }
}

/** No account has a colon, so none is taken for a group. */
function membersOf(name: string, groups: AccessSettings['groups']): readonly string[] {
  if (!name.startsWith(GROUP)) return [name]
  const group = name.slice(GROUP.length)
  if (!Object.hasOwn(groups, group)) throw new TypeError(`'${group}' is no group`)
  return groups[group] ?? []
}

function isOf({ everybody, accounts, networks }: Grant, { account, peer }: Subject): boolean {
  if (!everybody && (account === '' || !accounts.has(account))) return false
  return networks === undefined || networks.has(peer)
}

/** Users whom rules name, themselves or in a group, in the order of the rules. */
export function usersNamed({ rules, groups }: AccessSettings): string[] {
  const names = rules.flatMap(({ who }) => (typeof who === 'string' ? [who] : who))
  return [...new Set(names.flatMap((name) => membersOf(name, groups)).filter((name) => name !== 'anonymous'))]
}
