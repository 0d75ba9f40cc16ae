import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import * as z from 'zod'
import { notedParts } from '../../src/config/schema-walk.ts'
import { SETTINGS } from '../../src/config/settings.ts'
import { DOCUMENTS } from '../../tools/docs/documents.ts'
import { editorSchema } from '../../tools/docs/schema.ts'

for (const { path, text } of DOCUMENTS) {
  test(`${path.split('/').slice(-2).join('/')} is what \`npm run docs\` writes`, () => {
    // Not `equal`: it would show both whole.
    assert.ok(readFileSync(path, 'utf8') === text(), 'run: npm run docs')
  })
}

test('the manual names every key', () => {
  const manual = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8')
  const missing = notedParts(SETTINGS).filter(({ path }) => !manual.includes(`\`${path}\``))
  assert.deepEqual(
    missing.map(({ path }) => path),
    [],
  )
})

const LEAST = 'version: 0.1\nstorage: { filesystem: { rootdirectory: /a } }\nhttp: { addr: :5000 }\n'

// biome-ignore format: one case a line
const cases: [what: string, text: string, takes: boolean][] = [
  ['the least there can be', LEAST, true],
  ['a section without content', `${LEAST}log:\n`, true],
  ['a key of one’s own', `${LEAST}x-mine: 1\nlog: { x-note: a }\n`, true],
  ['headers, fields and upstreams by name', `version: 0.1\nstorage: { filesystem: {} }\nhttp: { addr: :1, headers: { A-B: [c] } }\nlog: { fields: { service: a } }\nupstreams: { docker.io: { default: true }, quay.io: {} }\n`, true],
  ['durations of both kinds', `${LEAST}health: { storagedriver: { enabled: true, interval: 10s }, tcp: [{ addr: "a:1", timeout: 1000000000 }] }\n`, true],
  ['a misspelt key', `${LEAST}log: { levle: info }\n`, false],
  ['a level that is none', `${LEAST}log: { level: loud }\n`, false],
  ['a switch that is text', `${LEAST}validation: { disabled: "x" }\n`, false],
  ['what is refused', `${LEAST}access: [{ who: anonymous }]\n`, false],
  ['no address', 'version: 0.1\nstorage: { filesystem: {} }\nhttp: {}\n', false],
]

for (const [what, text, takes] of cases) {
  test(`the schema for editors ${takes ? 'takes' : 'refuses'} ${what}`, () => {
    const schema = z.fromJSONSchema(editorSchema() as z.core.JSONSchema.JSONSchema)
    assert.equal(schema.safeParse(parse(text)).success, takes)
  })
}
