import type { Digest } from '../oci/digest.ts'
import { Refusal } from '../oci/refusal.ts'
import type { Headers } from './route.ts'

/** A digest names its bytes, so it is their strong validator. */
export function etagOf(digest: Digest): string {
  return `"${digest}"`
}

/** Whether the client has these bytes already: 304. Unquoted digests count, as in registry:2. */
export function isUnchanged(headers: Headers, digest: Digest): boolean {
  const header = headers['if-none-match']
  return header !== undefined && matches(header, digest, { weakly: true })
}

/** Whether a range may be served: `If-Range` is absent, or names these bytes (RFC 9110, 13.1.5). We send no dates. */
export function allowsRange(headers: Headers, digest: Digest): boolean {
  const header = headers['if-range']?.trim()
  return header === undefined || header === etagOf(digest) || header === digest
}

/**
 * What a conditional PUT expects to be stored now, for the store to compare in its transaction; `undefined`: it
 * sets no condition. Throws `precondition-failed` where it is not so already.
 */
export async function expectationOf(
  headers: Headers,
  current: () => Promise<Digest | undefined>,
): Promise<{ digest: Digest | undefined } | undefined> {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined
  const digest = await current()
  const because = digest === undefined ? 'there is none' : `it is at ${digest}`
  const missed = ifMatch !== undefined && (digest === undefined || !matches(ifMatch, digest, { weakly: false }))
  const there = ifNoneMatch !== undefined && digest !== undefined && matches(ifNoneMatch, digest, { weakly: true })
  if (missed || there) throw new Refusal('precondition-failed', { because })
  return { digest }
}

/** A list of entity tags (RFC 9110, 8.8.3.2). Ours have no commas. */
function matches(list: string, digest: Digest, { weakly }: { weakly: boolean }): boolean {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .some((entry) => {
      if (entry === '*') return true
      const strong = weakly ? entry.replace(/^W\//i, '') : entry
      return strong.replace(/^"(.*)"$/, '$1') === digest
    })
}
