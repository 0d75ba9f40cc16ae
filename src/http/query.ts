import { Refusal } from '../oci/refusal.ts'
import type { Query } from './route.ts'

/** Reads the query of a target. Throws `request-invalid`. */
export function parseQuery(text: string): Query {
  const values = new Map<string, string[]>()
  for (const pair of text === '' ? [] : text.split('&')) {
    const equals = pair.indexOf('=')
    const name = decode(equals === -1 ? pair : pair.slice(0, equals))
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1))
    const before = values.get(name)
    if (before === undefined) values.set(name, [value])
    else before.push(value)
  }
  return {
    get: (name) => values.get(name)?.[0],
    all: (name) => values.get(name) ?? [],
    has: (name) => values.has(name),
  }
}

/** Writes a query, without its question mark; parameters that are `undefined` are left out. */
export function formatQuery(parameters: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(parameters)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .join('&')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Refusal('request-invalid', {
      because: `'${text.slice(0, 140)}' in the query is not percent-encoded UTF-8`,
    })
  }
}
