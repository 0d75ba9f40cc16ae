import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
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
