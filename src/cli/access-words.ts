import type { Config } from '../config/settings.ts'

/** Who may do what, a line each: what rules mean for people. Nothing where there are none. */
export function accessInWords({ access, groups = {} }: Pick<Config, 'access' | 'groups'>): string[] {
  if (access === undefined) return []
  const lines = access.map(({ who, from, may, repositories }) => {
    const people = listed([who].flat().map((name) => named(name, groups)))
    const where = repositories === undefined ? 'everywhere' : `in ${listed(repositories)}`
    return `${people}${from === undefined ? '' : ` from ${listed(from, 'or')}`} may ${listed(may)} ${where}`
  })
  return [...lines, lines.length === 0 ? 'nobody may do anything' : 'nobody may do anything else']
}

function named(name: string, groups: NonNullable<Config['groups']>): string {
  if (name === 'anonymous') return 'everybody'
  const group = /^group:(?<group>.*)$/s.exec(name)?.groups?.['group']
  if (group === undefined) return name
  const members = groups[group] ?? []
  return members.length === 0 ? `nobody of ${group}` : `${listed(members)} (${group})`
}

function listed(items: readonly string[], word = 'and'): string {
  const last = items.at(-1) ?? ''
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} ${word} ${last}`
}
