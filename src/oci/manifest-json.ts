import { Refusal } from './refusal.ts'

export type Json = Readonly<Record<string, unknown>>

/** Real manifests have five levels and a few hundred values. JSON.parse takes a second for 4 MiB of brackets (measured). */
const MOST_LEVELS = 64
const MOST_VALUES = 50_000

/** The JSON object that a manifest is. Throws `manifest-invalid`. */
export function objectFrom(bytes: Uint8Array): Json {
  return objectIn(textFrom(bytes))
}

/**
 * The same for one that is pushed, where every reader must find the same in it: no key comes twice, none differs by
 * its case alone from one that clients know, and it costs nobody more than a glance.
 */
export function strictObjectFrom(bytes: Uint8Array): Json {
  const text = textFrom(bytes)
  scan(text)
  const json = objectIn(text)
  refuseMisspelt(json, KEYS)
  for (const place of DESCRIPTORS) {
    const value = json[place]
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each === 'object' && each !== null) refuseMisspelt(each as Json, DESCRIPTOR_KEYS)
    }
  }
  return json
}

/** Keys that say something to a client or to us (OCI image-spec, "Image Manifest", "Image Index"; Docker's own). */
const KEYS = [
  ...['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'manifests', 'blobs', 'subject', 'annotations'],
  ...['name', 'tag', 'architecture', 'fsLayers', 'history', 'signatures'],
]
const DESCRIPTORS = ['config', 'layers', 'manifests', 'blobs', 'subject']
const DESCRIPTOR_KEYS = ['mediaType', 'digest', 'size', 'urls', 'annotations', 'data', 'platform', 'artifactType']

/**
 * Go's JSON, which most clients read manifests with, takes `Layers` for `layers`; others do not. What one of them sees
 * and another does not was checked by nobody.
 */
function refuseMisspelt(json: Json, known: readonly string[]): void {
  for (const key of Object.keys(json)) {
    if (known.includes(key)) continue
    // Both ways: Go folds the long s and the Kelvin sign too.
    const folded = key.toUpperCase().toLowerCase()
    const meant = known.find((name) => name.toLowerCase() === folded)
    if (meant !== undefined) throw invalid(`it has the key '${key}', which some clients take for '${meant}'`)
  }
}

function textFrom(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw invalid('it is no UTF-8', cause)
  }
}

function objectIn(text: string): Json {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid('it is no JSON', cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is no JSON object')
  return value as Json
}

/** Keys seen in an object that is open; `undefined`: it is a list. */
type Open = Set<string> | undefined

/** Looks for what JSON.parse hides or chokes on. What is no JSON may pass: the parser refuses it. */
function scan(text: string): void {
  const open: Open[] = []
  let values = 0
  let keyNext = false
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charAt(at)) {
      case '"': {
        const end = endOfString(text, at)
        if (keyNext) {
          noteKey(open.at(-1), text.slice(at, end))
          keyNext = false
        }
        at = end - 1
        break
      }
      case '{':
      case '[':
        if (open.length >= MOST_LEVELS) throw invalid(`it is nested deeper than ${MOST_LEVELS} levels`)
        keyNext = text[at] === '{'
        open.push(keyNext ? new Set() : undefined)
        values += 1
        break
      case '}':
      case ']':
        open.pop()
        keyNext = false
        break
      case ',':
        keyNext = open.at(-1) !== undefined
        values += 1
        break
      default:
    }
    if (values > MOST_VALUES) throw invalid(`it has more than ${MOST_VALUES} values`)
  }
}

/** Behind the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; ) {
    const quote = text.indexOf('"', at)
    if (quote === -1) return text.length
    let first = quote
    while (text[first - 1] === '\\') first -= 1
    // An even number of backslashes before it escapes itself.
    if ((quote - first) % 2 === 0) return quote + 1
    at = quote + 1
  }
}

function noteKey(seen: Open, written: string): void {
  if (seen === undefined) return
  const key = written.includes('\\') ? unescaped(written) : written.slice(1, -1)
  if (seen.has(key)) throw invalid(`it has the key '${key.slice(0, 80)}' twice in one object`)
  seen.add(key)
}

function unescaped(written: string): string {
  try {
    return String(JSON.parse(written))
  } catch (cause) {
    throw invalid('it is no JSON', cause)
  }
}

function invalid(because: string, cause?: unknown): Refusal {
  return new Refusal('manifest-invalid', { because, ...(cause !== undefined && { cause }) })
}
