import { type Digest, isDigest, parseDigest } from './digest.ts'
import { Refusal } from './refusal.ts'

/** OCI Distribution, "Pulling manifests". No nested repetition that could take long: separators and letters do not overlap. */
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

/** As in distribution: many clients cap host and name together at 255. */
const LONGEST_NAME = 255

/** Throws `name-invalid`. */
export function parseRepositoryName(text: string): string {
  if (text.length > LONGEST_NAME) {
    throw new Refusal('name-invalid', { because: `it has ${text.length} characters, and may have ${LONGEST_NAME}` })
  }
  for (const component of text.split('/')) {
    if (!COMPONENT.test(component)) {
      throw new Refusal('name-invalid', {
        because: `'${component}' in '${text}' is not lower-case letters and digits, joined by '.', '_', '__' or '-'`,
      })
    }
  }
  return text
}

export function isRepositoryName(text: string): boolean {
  return text.length <= LONGEST_NAME && text.split('/').every((component) => COMPONENT.test(component))
}

export function isTag(text: string): boolean {
  return TAG.test(text)
}

/** Throws `tag-invalid`. */
export function parseTag(text: string): string {
  if (isTag(text)) return text
  throw new Refusal('tag-invalid', {
    because: `'${text.slice(0, 140)}' is not up to 128 letters, digits, '_', '.' and '-', beginning with a letter, a digit or '_'`,
  })
}

/** What a manifest is asked by. */
export type Reference = { readonly tag: string } | { readonly digest: Digest }

/** A reference with a colon is a digest. Throws `tag-invalid` or `digest-invalid`. */
export function parseReference(text: string): Reference {
  if (isDigest(text)) return { digest: text }
  return text.includes(':') ? { digest: parseDigest(text) } : { tag: parseTag(text) }
}
