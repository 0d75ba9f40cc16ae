import { hash } from 'node:crypto'
import { algorithmOf, type Digest, hexOf, parseDigest } from './digest.ts'
import { Refusal } from './refusal.ts'

/** A checked descriptor (OCI image-spec, "Content Descriptors"): what points at content. */
export interface Descriptor {
  readonly digest: Digest
  /** Empty: none was told. */
  readonly mediaType: string
  /** The content can be had without this registry: from `urls`, or from `data`, which was checked. */
  readonly elsewhere: boolean
  /** Where else it is, as its pusher says; empty: what he says is no text. Nobody here goes there. */
  readonly urls?: readonly string[]
  readonly platform?: { readonly os: string; readonly architecture: string }
}

type Json = Readonly<Record<string, unknown>>

/** Throws `manifest-invalid`, naming the place. */
export function descriptorIn(value: unknown, place: string): Descriptor {
  if (typeof value !== 'object' || value === null) throw invalid(`'${place}' is no descriptor`)
  const json = value as Json
  const { digest, size, mediaType, urls, data } = json as Record<
    'digest' | 'size' | 'mediaType' | 'urls' | 'data',
    unknown
  >
  if (typeof digest !== 'string') throw invalid(`'${place}' has no digest`)
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw invalid(`'${place}' has no size`)
  const checked = checkedDigest(digest, place)
  const platform = platformIn(json['platform'])
  return {
    digest: checked,
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    elsewhere:
      (Array.isArray(urls) && urls.length > 0) ||
      (typeof data === 'string' && isContent(data, checked, size as number)),
    ...(Array.isArray(urls) && urls.length > 0 && { urls: urls.map((url) => (typeof url === 'string' ? url : '')) }),
    ...(platform !== undefined && { platform }),
  }
}

/** A list of them; a missing one and `null` (how Go writes an empty list) are empty. */
export function descriptorsIn(json: Json, place: string): Descriptor[] {
  const values: unknown = json[place]
  if (values === undefined || values === null) return []
  if (!Array.isArray(values)) throw invalid(`'${place}' is no list`)
  return values.map((value, index) => descriptorIn(value, `${place}[${index}]`))
}

function checkedDigest(text: string, place: string): Digest {
  try {
    return parseDigest(text)
  } catch (cause) {
    throw new Refusal('manifest-invalid', {
      because: `'${place}': ${cause instanceof Error ? cause.message : ''}`,
      cause,
    })
  }
}

function isContent(data: string, digest: Digest, size: number): boolean {
  const bytes = Buffer.from(data, 'base64')
  return bytes.length === size && hash(algorithmOf(digest), bytes, 'hex') === hexOf(digest)
}

function platformIn(value: unknown): { os: string; architecture: string } | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { os, architecture } = value as Record<'os' | 'architecture', unknown>
  return typeof os === 'string' && typeof architecture === 'string' ? { os, architecture } : undefined
}

function invalid(because: string): Refusal {
  return new Refusal('manifest-invalid', { because })
}
