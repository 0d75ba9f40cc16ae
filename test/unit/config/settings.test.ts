import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as z from 'zod'
import { keysOf } from '../../../src/config/schema-walk.ts'
import { SETTINGS } from '../../../src/config/settings.ts'

type Part = z.core.JSONSchema.BaseSchema

test('every setting says in one sentence what it means, and whether it is honoured', () => {
  const bad: string[] = []
  function visit(part: Part, path: string): void {
    const children = Object.entries(part.properties ?? {}) as [string, Part][]
    for (const [name, child] of children) visit(child, `${path}.${name}`)
    if (children.length > 0) return
    const { description = '', mark } = part as { description?: string; mark?: unknown }
    if (mark !== 'not yet' && (mark !== 'honoured' || !/^[A-Z][^.]*(\.[^.]+)*\.$/.test(description))) bad.push(path)
  }
  visit(z.toJSONSchema(SETTINGS, { io: 'input' }) as Part, '')
  assert.deepEqual(bad, [])
})

test('the manual names every setting, and no other', () => {
  const manual = readFileSync(join(import.meta.dirname, '../../../docs/running.md'), 'utf8')
  const rows = [...manual.matchAll(/^\| ((?:`[a-z.]+`(?:, )?)+) \|/gm)].flatMap(([, cell = '']) => cell.split(', '))
  const named = rows.map((key) => key.replaceAll('`', ''))
  const keys = keysOf(SETTINGS)
  const settings = keys.filter((key) => !key.includes('[]') && !keys.some((other) => other.startsWith(`${key}.`)))
  assert.deepEqual(
    settings.filter((key) => !named.includes(key)),
    [],
  )
  assert.deepEqual(
    named.filter((key) => !keys.includes(key)),
    [],
  )
})
