import { type Document, isMap, isNode, isScalar, isSeq } from 'yaml'
import type * as z from 'zod'
import { nearestKey } from './nearest-key.ts'
import { keysOf } from './schema-walk.ts'
import { SETTINGS } from './settings.ts'

export interface Problem {
  /** In the text. */
  readonly offset: number
  readonly message: string
}

/** Says what an issue of the check means for the file: key, what is wrong, the value, the nearest right key. */
export function problemOf(
  issue: z.core.$ZodIssue,
  { document, plain }: { document: Document; plain: unknown },
): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => unknownKey(document, [...issue.path, name]))
  }
  const value = valueAt(plain, issue.path)
  const place = placeOf(document, issue.path)
  const key = issue.path.length === 0 ? 'The file' : written(issue.path)
  if (value === undefined) return [{ offset: place.key, message: `${key}: is missing` }]

  const wanted =
    issue.code === 'invalid_type' && issue.expected === 'object' ? 'must be a section of settings' : issue.message
  const quoted = typeof value !== 'object' && !(issue.code === 'invalid_type' && issue.expected === 'never')
  if (!quoted) return [{ offset: place.key, message: `${key}: ${wanted}` }]
  return [{ offset: place.value, message: `${key}: ${wanted}, not ${JSON.stringify(value)}` }]
}

function unknownKey(document: Document, path: Path): Problem {
  const key = written(path)
  const near = nearestKey(key.replaceAll(/\[\d+\]/g, '[]'), keysOf(SETTINGS))
  const message = `${key}: is not a setting${near === undefined ? '' : `; did you mean ${near}?`}`
  return { offset: placeOf(document, path).key, message }
}

type Path = readonly PropertyKey[]

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
