import { Refusal } from './refusal.ts'

/** The algorithms that content may be stored under (OCI image-spec, "Registered algorithms"), with the length of their hex. */
const HEX_LENGTH = { sha256: 64, sha512: 128 } as const

export type Algorithm = keyof typeof HEX_LENGTH

/** A checked digest: `sha256:` and 64, or `sha512:` and 128 lower-case hex digits. Only `parseDigest` and `isDigest` make one. */
export type Digest = string & { readonly [brand]: true }
declare const brand: unique symbol

/** OCI image-spec, "Digests": what is a digest by its grammar, whether or not we know the algorithm. */
const GRAMMAR = /^[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/

export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(':')
  const algorithm = text.slice(0, colon)
  if (!isAlgorithm(algorithm)) return false
  return text.length === colon + 1 + HEX_LENGTH[algorithm] && /^[0-9a-f]+$/.test(text.slice(colon + 1))
}

/** Throws `digest-invalid`; its message says whether the algorithm or the rest is at fault. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  const shown = text.length > 140 ? `${text.slice(0, 140)}…` : text
  const because =
    GRAMMAR.test(text) && !isAlgorithm(text.slice(0, text.indexOf(':')))
      ? `'${shown}' has an algorithm that this registry does not store; it stores ${Object.keys(HEX_LENGTH).join(' and ')}`
      : `'${shown}' is not sha256: and 64 lower-case hex digits, nor sha512: and 128`
  throw new Refusal('digest-invalid', { because })
}

export function algorithmOf(digest: Digest): Algorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** The hex digits behind the colon. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

export function digestFrom(algorithm: Algorithm, hex: string): Digest {
  return parseDigest(`${algorithm}:${hex}`)
}

export function isAlgorithm(text: string): text is Algorithm {
  return Object.hasOwn(HEX_LENGTH, text)
}
