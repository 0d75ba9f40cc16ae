import { Refusal } from '../oci/refusal.ts'

/** A path of the table, taken apart. */
export interface Pattern {
  /** Components left of `:name+`, or all of them. */
  readonly before: readonly string[]
  /** Components right of `:name+`; `undefined`: the path has none. */
  readonly after: readonly string[] | undefined
  readonly optionalSlash: boolean
}

export function patternOf(path: string): Pattern {
  const optionalSlash = path.endsWith('/')
  const components = path.slice(1, optionalSlash ? -1 : undefined).split('/')
  const name = components.indexOf(':name+')
  return name === -1
    ? { before: components, after: undefined, optionalSlash }
    : { before: components.slice(0, name), after: components.slice(name + 1), optionalSlash }
}

/** Path and query of a request target, both as sent. The absolute form is what proxies send (RFC 9112, 3.2.2). */
export function splitTarget(target: string): { path: string; query: string } {
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const mark = local.indexOf('?')
  return mark === -1 ? { path: local, query: '' } : { path: local.slice(0, mark), query: local.slice(mark + 1) }
}

/** Of a path as sent. `undefined`: it is none. */
export function componentsOf(path: string): readonly string[] | undefined {
  return path.startsWith('/') ? path.slice(1).split('/') : undefined
}

/**
 * What the words of the pattern stand for in this path, each percent-decoded once; `undefined`: it is another path.
 *
 * A path is compared as it was sent, component by component and from the right, because a repository's name may
 * have components like `blobs` and `uploads`. Nothing is tidied up: `//`, `..` and `%2f` stay what they are, and
 * no name has them.
 */
export function matchPath(
  { before, after, optionalSlash }: Pattern,
  components: readonly string[] | undefined,
): Record<string, string> | undefined {
  if (components === undefined) return undefined
  const slash = optionalSlash && components.length > 1 && components.at(-1) === ''
  const length = components.length - (slash ? 1 : 0)
  const nameEnd = length - (after?.length ?? 0)
  if (after === undefined ? length !== before.length : nameEnd <= before.length) return undefined
  // What is written out is compared first, as most patterns are another path's.
  if (!hasWords(before, components, 0) || !hasWords(after ?? [], components, nameEnd)) return undefined

  const params: Record<string, string> = {}
  if (!takeParams(before, components, { at: 0, params })) return undefined
  if (after === undefined) return params
  if (!takeParams(after, components, { at: nameEnd, params })) return undefined
  params['name'] = nameFrom(components.slice(before.length, nameEnd))
  return params
}

function hasWords(words: readonly string[], components: readonly string[], at: number): boolean {
  return words.every((word, index) => word.startsWith(':') || word === components[at + index])
}

/** No parameter is empty. */
function takeParams(
  words: readonly string[],
  components: readonly string[],
  { at, params }: { at: number; params: Record<string, string> },
): boolean {
  return words.every((word, index) => {
    if (!word.startsWith(':')) return true
    const component = components[at + index] ?? ''
    params[word.slice(1)] = decode(component)
    return component !== ''
  })
}

function nameFrom(components: readonly string[]): string {
  const decoded = components.map(decode)
  // A slash that was hidden in a component would make two of it: another repository than the path's.
  const hidden = decoded.find((component) => component.includes('/'))
  if (hidden !== undefined)
    throw new Refusal('name-invalid', { because: `'${hidden.slice(0, 140)}' is one component and has a slash` })
  return decoded.join('/')
}

function decode(component: string): string {
  try {
    return decodeURIComponent(component)
  } catch {
    throw new Refusal('request-invalid', { because: `'${component.slice(0, 140)}' is not percent-encoded UTF-8` })
  }
}
