import * as z from 'zod'
import type { Note } from '../../src/config/setting.ts'
import { SETTINGS } from '../../src/config/settings.ts'

type Schema = z.core.JSONSchema.BaseSchema & { mark?: Note['mark']; because?: string; kind?: string }

/** The settings table for editors, which complete, check and explain keys by it. */
export function editorSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(SETTINGS, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => forEditors(jsonSchema as Schema),
  })
  return { $schema, title: 'Homeport: config.yml', ...rest }
}

function forEditors(schema: Schema): void {
  const { mark, because, description = '' } = schema
  if (mark === 'refused') schema.description = `${description} Not built yet: ${because}.`
  if (mark === 'warned') schema.description = `${description} Changes nothing: ${because}.`
  delete schema.mark
  delete schema.because
  delete schema.kind
  if (schema.type !== 'object' || schema.properties === undefined) return
  // A section may be empty, and holds keys of one's own.
  schema.type = ['object', 'null'] as unknown as 'object'
  schema.patternProperties = { '^x-': true }
}
