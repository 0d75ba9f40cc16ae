import * as z from 'zod'
import type { Note } from './setting.ts'

/** A part of the settings table: a section, a map, a list, or one setting. */
export type Part = z.core.$ZodType

/** The part without what makes it optional or gives it a default. */
export function bare(part: Part): Part {
  const inner = unwrapped(part)
  if (inner !== undefined) return bare(inner)
  return part instanceof z.ZodCodec && part.in instanceof z.ZodRecord ? part.in : part
}

/** What the table says of it. */
export function noteOf(part: Part): Note | undefined {
  const note = z.globalRegistry.get(part) as Note | undefined
  if (note?.mark !== undefined) return note
  const inner = unwrapped(part)
  return inner && noteOf(inner)
}

function unwrapped(part: Part): Part | undefined {
  const wrapped =
    part instanceof z.ZodOptional ||
    part instanceof z.ZodNullable ||
    part instanceof z.ZodDefault ||
    part instanceof z.ZodPrefault
  return wrapped ? part.unwrap() : undefined
}

export function sectionsOf(part: Part): Readonly<Record<string, Part>> | undefined {
  const inner = bare(part)
  return inner instanceof z.ZodObject ? inner.shape : undefined
}

/** What lies under a key of a section or a map, or at a place of a list. */
export function childOf(part: Part, key: PropertyKey): Part | undefined {
  const inner = bare(part)
  if (inner instanceof z.ZodArray) return inner.element
  if (inner instanceof z.ZodRecord) return inner.valueType
  const sections = sectionsOf(inner)
  return sections !== undefined && typeof key === 'string' && Object.hasOwn(sections, key) ? sections[key] : undefined
}

export function isMap(part: Part): boolean {
  return bare(part) instanceof z.ZodRecord
}

export function isList(part: Part): boolean {
  return bare(part) instanceof z.ZodArray
}

/** Whatever it holds is passed over. */
export function isOpaque(part: Part): boolean {
  return bare(part) instanceof z.ZodUnknown || bare(part) instanceof z.ZodNever
}

/** A text is wanted there, whatever else YAML takes it for: a password may be `0123`. */
export function isText(part: Part): boolean {
  const inner = bare(part)
  if (inner instanceof z.ZodCodec) return isText(inner.in)
  return inner instanceof z.ZodString
}

export function isSwitch(part: Part): boolean {
  return bare(part) instanceof z.ZodBoolean
}

/** Every key that has a meaning now, sections too; `[]` stands for each item of a list, `*` for each name of a map. */
export function keysOf(part: Part): string[] {
  const keys = partsOf(part).filter(
    ({ path, part }) => !/(?:\[\]|\*)$/.test(path) && !(bare(part) instanceof z.ZodNever),
  )
  return keys.map(({ path }) => path)
}

/** Every part that has a note, with where it is: `refused` ones too. */
export function notedParts(part: Part): (Placed & { readonly note: Note })[] {
  return partsOf(part).flatMap((placed) => {
    const note = noteOf(placed.part)
    return note === undefined ? [] : [{ ...placed, note }]
  })
}

interface Placed {
  readonly path: string
  readonly part: Part
}

/** All that is in the table, each before what is in it. */
function partsOf(part: Part, path = ''): Placed[] {
  const inside = insideOf(bare(part)).flatMap(([key, child]) => partsOf(child, `${path}${key}`.replace(/^\./, '')))
  return path === '' ? inside : [{ path, part }, ...inside]
}

function insideOf(inner: Part): [key: string, child: Part][] {
  if (inner instanceof z.ZodArray) return [['[]', inner.element]]
  if (inner instanceof z.ZodRecord) return [['.*', inner.valueType]]
  return Object.entries(sectionsOf(inner) ?? {}).map(([name, child]) => [`.${name}`, child])
}
