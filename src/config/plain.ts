import { childOf, isList, isMap, isOpaque, isSwitch, isText, type Part, sectionsOf } from './schema-walk.ts'

/** What YAML 1.1 took for a switch, and registry:2 still does. */
const OLD_SWITCHES: ReadonlyMap<unknown, boolean> = new Map([
  ...['y', 'yes', 'on'].map((word) => [word, true] as const),
  ...['n', 'no', 'off'].map((word) => [word, false] as const),
])

/**
 * What YAML says, as the table expects it: `x-…` keys are free; a section that is there without content is `{}`; a
 * setting without a value is not there; where a text is wanted, it is the one that was written (`asText`), not the
 * number that YAML makes of it.
 *
 * Invariant: an empty section stays (`htpasswd:` without content never turns into a registry without users).
 */
export function plainOf(value: unknown, asText: unknown, part: Part): unknown {
  if (isOpaque(part)) return value
  if (isText(part) && isScalar(value) && typeof asText === 'string') return asText
  if (isSwitch(part) && typeof value === 'string') return OLD_SWITCHES.get(value.toLowerCase()) ?? value
  if (isList(part) && Array.isArray(value)) {
    return value.map((item, index) => plainOf(item, inside(asText, index), childOf(part, index) ?? part))
  }
  const sections = sectionsOf(part)
  if (sections === undefined && !isMap(part)) return value
  if (value === null) return sections === undefined ? value : {}
  if (!isObject(value)) return value
  const entries = Object.entries(value).flatMap(([name, item]): [string, unknown][] => {
    if (sections !== undefined && name.startsWith('x-')) return []
    const child = childOf(part, name)
    if (child === undefined) return [[name, item]]
    const absent = item === null && !stays(name, child) && !isMap(part)
    return absent ? [] : [[name, plainOf(item, inside(asText, name), child)]]
  })
  return Object.fromEntries(entries)
}

/** Rules that are all comments are no rules, which is nobody's right; without the key every user has all of them. */
const RULES = 'access'

function stays(name: string, child: Part): boolean {
  return name === RULES || sectionsOf(child) !== undefined || isOpaque(child)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
}

function inside(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Readonly<Record<string | number, unknown>>)[key]
}
