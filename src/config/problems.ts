import { type Document, isMap, isNode, isScalar, isSeq } from 'yaml'
import type * as z from 'zod'
import { nearestKey } from './nearest-key.ts'
import { childOf, keysOf, noteOf, type Part } from './schema-walk.ts'
import { SETTINGS } from './settings.ts'
import { shown } from './shown.ts'

export type Path = readonly PropertyKey[]

/** What is wrong, and where: an offset in the text, or the name of a variable. */
export interface Problem {
  readonly at: number | string
  readonly message: string
}

/** What does no harm, and should be known. */
export interface Warning {
  /** `file:line:column`, or the name of a variable. */
  readonly place: string
  readonly message: string
  readonly hint?: string
}

/** Where in the text, or by which variable, a key is set. */
export interface Places {
  readonly document: Document
  /** In the order in which variables were read: a later one has the last word. */
  readonly set: readonly { readonly path: readonly (string | number)[]; readonly name: string }[]
  /** What is written at one place and read as if it were at another. */
  readonly moved?: readonly { readonly from: Path; readonly to: Path }[]
}

/** Says what an issue of the check means for the file: key, what is wrong, the value, the nearest right key. */
export function problemOf(issue: z.core.$ZodIssue, places: Places, plain: unknown): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => unknownKey([...issue.path, name], places))
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0 && valueAt(plain, issue.path) === undefined) {
    return [{ at: keyPlace(issue.path, places), message: `${keyName(issue.path)}: is missing` }]
  }
  if (issue.code === 'invalid_key') {
    const wanted = issue.issues[0]?.message ?? issue.message
    return [{ at: keyPlace(issue.path, places), message: `${keyName(issue.path)}: ${wanted}` }]
  }
  const value = valueAt(plain, issue.path)
  const key = keyName(issue.path)
  if (value === undefined) return [{ at: keyPlace(issue.path, places), message: `${key}: is missing` }]

  const wanted =
    issue.code === 'invalid_type' && issue.expected === 'object' ? 'must be a section of settings' : issue.message
  const quoted = typeof value !== 'object' && !(issue.code === 'invalid_type' && issue.expected === 'never')
  if (!quoted) return [{ at: keyPlace(issue.path, places), message: `${key}: ${wanted}` }]
  return [{ at: valuePlace(issue.path, places), message: `${key}: ${wanted}, not ${shown(value)}` }]
}

function unknownKey(path: Path, places: Places): Problem {
  const key = written(path)
  const near = nearestKey(key.replaceAll(/\[\d+\]/g, '[]'), keysOf(SETTINGS))
  const message = `${key}: is not a setting${near === undefined ? '' : `; did you mean ${near}?`}`
  return { at: keyPlace(path, places), message }
}

export function keyName(path: Path): string {
  return path.length === 0 ? 'The file' : written(path)
}

/** `a.list[0].b`. */
function written(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .slice(1)
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<PropertyKey, unknown>)[part]
  }
  return at
}

export function keyPlace(path: Path, places: Places): number | string {
  return placeOf(path, places).key
}

function valuePlace(path: Path, places: Places): number | string {
  return placeOf(path, places).value
}

/** The variable that set it, or something around it, has the last word; for what is missing, whatever came nearest. */
function placeOf(path: Path, { document, set, moved = [] }: Places): { key: number | string; value: number | string } {
  const move = moved.find(({ to }) => shared(to, path) === to.length)
  const at = move === undefined ? path : [...move.from, ...path.slice(move.to.length)]
  const around = set.findLast((one) => one.path.length > 0 && shared(one.path, at) === one.path.length)
  const written = placeInText(document, at)
  const near = around ?? set.findLast((one) => shared(one.path, at) > written.depth)
  return near === undefined ? written : { key: near.name, value: near.name }
}

/** How many parts two paths have in common, from the top. */
function shared(one: Path, other: Path): number {
  const end = one.findIndex((part, index) => part !== other[index])
  return end === -1 ? one.length : end
}

/** Where a key and its value begin in the text; for what is not there, the nearest that should hold it. */
function placeInText(document: Document, path: Path): { key: number; value: number; depth: number } {
  let node: unknown = document.contents
  let place = { key: 0, value: 0, depth: 0 }
  for (const part of path) {
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && String(key.value) === part) : undefined
    const next: unknown = isSeq(node) ? node.items[Number(part)] : pair?.value
    const value = offsetOf(next)
    const key = offsetOf(pair?.key) ?? value
    if (key === undefined) break
    place = { key, value: value ?? key, depth: place.depth + 1 }
    node = next
  }
  return place
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

/** Keys that are set and change nothing here: of a section that does, the section alone. */
export function idleKeys(plain: unknown, part: Part, path: Path = []): { path: Path; because: string }[] {
  const note = path.length === 0 ? undefined : noteOf(part)
  if (note?.mark === 'warned') return [{ path, because: note.because ?? note.description }]
  if (typeof plain !== 'object' || plain === null) return []
  return Object.entries(plain).flatMap(([name, value]) => {
    const key = Array.isArray(plain) ? Number(name) : name
    const child = childOf(part, key)
    return child === undefined ? [] : idleKeys(value, child, [...path, key])
  })
}
