/** One challenge of a `WWW-Authenticate` header. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  /** Names in lower case; values as they are. */
  readonly params: Readonly<Record<string, string>>
}

const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/y
/** What registries write without quotes, though they should not: addresses. */
const BARE = /[^\s,"]+/y

/**
 * Reads what a server wants of us (RFC 9110, 11.6.1). Values may be quoted or bare, commas may be inside of quotes,
 * several challenges may stand in one header. What cannot be read ends the reading; what came before counts.
 */
export function parseChallenges(header: string | readonly string[] | undefined): Challenge[] {
  return [header ?? []].flat().flatMap((line) => [...challengesIn(line)])
}

function* challengesIn(line: string): Generator<Challenge> {
  const reader = new Reader(line)
  let open: { scheme: string; params: Record<string, string> } | undefined
  for (;;) {
    reader.skip(/[\s,=]*/y)
    const word = reader.take(TOKEN)
    if (word === undefined) break
    const before = reader.at
    reader.skip(/\s*/y)
    if (reader.take(/=(?!\s*(?:[,=]|$))/y) === undefined) {
      // A scheme. What is no `name=value` behind it (a token68) is passed over.
      reader.at = before
      if (open !== undefined) yield open
      open = { scheme: word.toLowerCase(), params: Object.create(null) as Record<string, string> }
      continue
    }
    reader.skip(/\s*/y)
    const value = reader.take(QUOTED)?.slice(1, -1).replace(/\\(.)/g, '$1') ?? reader.take(BARE)
    if (value === undefined || open === undefined) break
    open.params[word.toLowerCase()] ??= value
  }
  if (open !== undefined) yield open
}

class Reader {
  at = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.#text)?.[0]
    this.at += found?.length ?? 0
    return found
  }

  skip(pattern: RegExp): void {
    this.take(pattern)
  }
}

/** What to do about it. */
export type Plan =
  | { readonly kind: 'bearer'; readonly realm: string; readonly service: string; readonly scope: string }
  | { readonly kind: 'basic' }

/**
 * Picks what we can do; `undefined`: nothing. Tokens before passwords. A scope is built by ourselves where the upstream
 * names no other, and is never for more than pulling.
 */
export function planFor(challenges: readonly Challenge[], repository: string): Plan | undefined {
  for (const { scheme, params } of challenges) {
    const { realm, service = '', scope = '' } = params as Partial<Record<'realm' | 'service' | 'scope', string>>
    if (scheme !== 'bearer' || realm === undefined || realm === '') continue
    return { kind: 'bearer', realm, service, scope: scopeFor(scope, repository) }
  }
  return challenges.some(({ scheme }) => scheme === 'basic') ? { kind: 'basic' } : undefined
}

function scopeFor(asked: string, repository: string): string {
  if (asked.trim() === '') return `repository:${repository}:pull`
  // A name may have a port in it: what stands behind the last colon are the actions.
  return asked
    .trim()
    .split(/\s+/)
    .map((one) => one.replace(/^repository(?:\([^)]*\))?:(.+):[^:]*$/, 'repository:$1:pull'))
    .join(' ')
}
