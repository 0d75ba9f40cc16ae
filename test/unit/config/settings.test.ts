import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  childOf,
  isList,
  isMap,
  isOpaque,
  notedParts,
  noteOf,
  type Part,
  sectionsOf,
} from '../../../src/config/schema-walk.ts'
import { SETTINGS } from '../../../src/config/settings.ts'
import { REGISTRY2_KEYS } from '../../fixtures/registry2-keys.ts'

test('every setting has a mark, and says in sentences what it means', () => {
  const bad = notedParts(SETTINGS).filter(({ note }) => !/^[A-Z0-9].*\.$/.test(note.description))
  assert.deepEqual(
    bad.map(({ path }) => path),
    [],
  )
  assert.deepEqual(unmarked(SETTINGS, ''), [])
})

test('what is refused, or changes nothing, says why', () => {
  const bad = notedParts(SETTINGS).filter(({ note }) => note.mark !== 'honoured' && !note.because)
  assert.deepEqual(
    bad.map(({ path }) => path),
    [],
  )
})

test('every key of registry:2 and registry 3 is in the table', () => {
  assert.deepEqual(
    REGISTRY2_KEYS.filter((key) => !isKnown(key)),
    [],
  )
  assert.equal(isKnown('http.addres'), false)
})

/** What decides who comes in or where data lies, and is not built. */
const REFUSED = [
  ...['inmemory', 's3', 's3aws', 'azure', 'gcs', 'swift', 'oss'].map((driver) => `storage.${driver}`),
  ...['auth.token', 'auth.silly', 'middleware', 'http.tls.letsencrypt', 'http.h2c', 'proxy.exec'],
]

test('what decides who comes in or where data lies, and is not built, is refused', () => {
  const refused = notedParts(SETTINGS).filter(({ note }) => note.mark === 'refused')
  assert.deepEqual(refused.map(({ path }) => path).sort(), REFUSED.toSorted())
})

/** Settings without a mark; that of a list or a map counts for what it holds. */
function unmarked(part: Part, path: string, around = false): string[] {
  const marked = around || noteOf(part) !== undefined
  const sections = Object.entries(sectionsOf(part) ?? {})
  if (sections.length > 0)
    return sections.flatMap(([name, child]) => unmarked(child, path === '' ? name : `${path}.${name}`))
  const item = isList(part) ? childOf(part, 0) : isMap(part) ? childOf(part, 'any') : undefined
  if (item !== undefined) return unmarked(item, `${path}[]`, marked)
  return marked ? [] : [path]
}

/** Of what is passed over or refused as a whole, the inside is not in the table. */
function isKnown(key: string): boolean {
  let part: Part | undefined = SETTINGS
  for (const name of key.replaceAll('[]', '.0').split('.')) {
    part = part && !isOpaque(part) ? childOf(part, name === '0' ? 0 : name) : part
  }
  return part !== undefined
}
