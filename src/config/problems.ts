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
}

/** Says what an issue of the check means for the file: key, what is wrong, the value, the nearest right key. */
export function problemOf(issue: z.core.$ZodIssue, places: Places, plain: unknown): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => unknownKey([...issue.path, name], places))
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0 && valueAt(plain, issue.path) === undefined) {
    return [{ at: keyPlace(issue.path, places), message: `${keyName(issue.path)}: is missing` }]
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

function keyName(path: Path): string {
  return path.length === 0 ? 'The file' : written(path)
}

/** `a.list[0].b`. */
export function written(path: Path): string {
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

/** The variable that set what is at a path, or something around it. */
function variableFor(path: Path, { set }: Places): string | undefined {
  return set.findLast((one) => one.path.length > 0 && one.path.every((part, index) => part === path[index]))?.name
}

export function keyPlace(path: Path, places: Places): number | string {
  return variableFor(path, places) ?? placeOf(places.document, path).key
}

function valuePlace(path: Path, places: Places): number | string {
  return variableFor(path, places) ?? placeOf(places.document, path).value
}

/** Where a key and its value begin in the text; for what is not there, the nearest that should hold it. */
function placeOf(document: Document, path: Path): { key: number; value: number } {
  let node: unknown = document.contents
  let place = { key: 0, value: 0 }
  for (const part of path) {
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && String(key.value) === part) : undefined
    const next: unknown = isSeq(node) ? node.items[Number(part)] : pair?.value
    const value = offsetOf(next)
    const key = offsetOf(pair?.key) ?? value
    if (key === undefined) break
    place = { key, value: value ?? key }
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
