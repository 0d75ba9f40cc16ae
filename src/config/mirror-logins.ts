import { parseNamePattern } from '../base/name-pattern.ts'
import type { Warning } from './problems.ts'
import type { Config } from './settings.ts'

type Rules = NonNullable<Config['access']>

/** dockerd signs in nowhere but at Docker Hub: a mirror that wants a password is passed over, and nobody hears of it. */
export function mirrorLogins({ auth, access = [], upstreams = {} }: Config): Warning[] {
  if (auth?.htpasswd === undefined) return []
  return Object.entries(upstreams)
    .filter(([name, upstream]) => upstream?.listen !== undefined && !mayAnybodyPull(name, access))
    .map(([name]) => ({
      place: `upstreams.${name}.listen`,
      message: `dockerd cannot sign in to a mirror, and will pass this one over: nobody may pull from ${name} without a password`,
      hint: `add a rule to access: { who: anonymous, may: [pull], repositories: ["${name}/**"] }, with from: for your networks`,
    }))
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
