import * as z from 'zod'

/** A part of the settings table: a section, or one setting. */
type Part = z.core.$ZodType

/** The part without what makes it optional or gives it a default. */
function bare(part: Part): Part {
  const wrapped = part instanceof z.ZodOptional || part instanceof z.ZodDefault || part instanceof z.ZodPrefault
  return wrapped ? bare(part.unwrap()) : part
}

function sectionsOf(part: Part): Readonly<Record<string, Part>> | undefined {
  const inner = bare(part)
  return inner instanceof z.ZodObject ? inner.shape : undefined
}

/** Every key that has a meaning now, sections too; `[]` stands for each item of a list. */
export function keysOf(part: Part, path = ''): string[] {
  const inner = bare(part)
  if (inner instanceof z.ZodNever) return []
  const own = path === '' ? [] : [path]
  if (inner instanceof z.ZodArray) return [...own, ...keysOf(inner.element, `${path}[]`).slice(1)]
  const inside = Object.entries(sectionsOf(part) ?? {})
  return [...own, ...inside.flatMap(([name, child]) => keysOf(child, path === '' ? name : `${path}.${name}`))]
}

/**
 * What YAML says, as the table expects it: `x-…` keys are free; a section that is there without content is `{}`;
 * a setting without a value is not there.
 *
 * Invariant: an empty section stays (`htpasswd:` without content never turns into a registry without users).
 */
export function plainOf(value: unknown, part: Part): unknown {
  const sections = sectionsOf(part)
  if (sections === undefined) return value
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) return value
  const entries = Object.entries(value).flatMap(([name, inside]): [string, unknown][] => {
    if (name.startsWith('x-')) return []
    const child = Object.hasOwn(sections, name) ? sections[name] : undefined
    if (child === undefined) return [[name, inside]]
    const absent = inside === null && sectionsOf(child) === undefined && !(bare(child) instanceof z.ZodNever)
    return absent ? [] : [[name, plainOf(inside, child)]]
  })
  return Object.fromEntries(entries)
}
