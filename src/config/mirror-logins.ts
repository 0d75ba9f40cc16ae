import { parseNamePattern } from '../base/name-pattern.ts'
import type { Warning } from './problems.ts'
import type { Config } from './settings.ts'

type Rules = NonNullable<Config['access']>

/** dockerd signs in nowhere but at Docker Hub: a mirror that wants a password is passed over, and nobody hears of it. */
export function mirrorLogins({ auth, access, upstreams = {} }: Config): Warning[] {
  if (auth?.htpasswd === undefined) return []
  return Object.entries(upstreams)
    .filter(([name, upstream]) => upstream?.listen !== undefined && !mayAnybodyPull(name, access ?? []))
    .map(([name]) => ({
      place: `upstreams.${name}.listen`,
      message: `dockerd cannot sign in to a mirror, and will pass this one over: nobody may pull from ${name} without a password`,
      hint: hintFor(name, access !== undefined),
    }))
}

/** Where there are no rules every user may do everything, which the first rule ends. */
function hintFor(upstream: string, hasRules: boolean): string {
  const rule = `{ who: anonymous, may: [pull], repositories: ["${upstream}/**"] }`
  if (hasRules) return `add to access: ${rule}, with from: and your networks`
  return `add access, with ${rule} and a rule for your users: { who: [NAMES], may: [pull, push, delete] }`
}

/** Something of it, from somewhere. */
function mayAnybodyPull(upstream: string, rules: Rules): boolean {
  return rules.some(({ who, may, repositories = ['**'] }) => {
    const anybody = who === 'anonymous' || (Array.isArray(who) && who.includes('anonymous'))
    return anybody && may.includes('pull') && repositories.some((pattern) => isOf(upstream, pattern))
  })
}

function isOf(upstream: string, pattern: string): boolean {
  const [first = ''] = pattern.split('/')
  return parseNamePattern(first).matches(upstream)
}
