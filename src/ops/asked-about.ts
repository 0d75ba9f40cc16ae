import { registryName } from '../base/registry-name.ts'
import type { TracesOf } from '../catalog/catalog.ts'

/** What an operator may mean by what he typed, the likeliest first. */
export interface AskedAbout {
  /** Of these the first that has been seen. */
  readonly candidates: readonly (TracesOf & {
    /** A tag: blobs of its repository may be of that image too. */
    readonly tag?: string
  })[]
  /** What may be the name of an upstream. */
  readonly upstream?: string
}

/** Of an id a part suffices, if it is not too short to mean anything. */
const REQUEST_ID = /^[0-9a-f]{4,16}$/
const DIGEST = /^[a-z0-9]+:[0-9a-f]{32,}$/

/**
 * A request's id or its beginning, a digest, or the name of an image as clients write it: `alpine`,
 * `docker.io/library/alpine:3`, `homeport.lan:5000/ghcr.io/owner/app@sha256:…`.
 */
export function askedAbout(text: string): AskedAbout {
  const plain = text.trim().replace(/^[a-z-]+:\/\//i, '')
  const ids: TracesOf[] = REQUEST_ID.test(plain) ? [{ request: plain }] : []
  if (DIGEST.test(plain)) return { candidates: [{ reference: plain }] }
  const { name, reference } = split(plain)
  if (name === '') return { candidates: ids }
  const tag = reference === undefined || reference.includes(':') ? {} : { tag: reference }
  const named = namesOf(name).map((repository) => ({ repository, reference, ...tag }))
  const first = name.split('/')[0] ?? ''
  return { candidates: [...ids, ...named], ...(isHost(first) && { upstream: registryName(first) }) }
}

function split(text: string): { name: string; reference?: string } {
  const at = text.indexOf('@')
  if (at !== -1) return { name: withoutTag(text.slice(0, at)).name, reference: text.slice(at + 1) }
  return withoutTag(text)
}

function withoutTag(text: string): { name: string; reference?: string } {
  const colon = text.lastIndexOf(':')
  if (colon === -1 || colon < text.lastIndexOf('/')) return { name: text }
  return { name: text.slice(0, colon), reference: text.slice(colon + 1) }
}

/** What a repository may be called here. */
function namesOf(name: string): string[] {
  const [first = '', ...rest] = name.split('/')
  if (!isHost(first) || rest.length === 0) return [name]
  const upstream = registryName(first)
  const below = upstream === 'docker.io' && rest.length === 1 ? ['library', ...rest] : rest
  // The first may be we ourselves, as a client calls us.
  return [[upstream, ...below].join('/'), ...namesOf(rest.join('/'))]
}

function isHost(component: string): boolean {
  return /[.:]/.test(component) || component === 'localhost'
}
