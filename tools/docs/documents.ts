import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../command.ts'
import { settingsManual } from './manual.ts'
import { editorSchema } from './schema.ts'

/** What is made from the settings table, and kept beside it: nobody should need to run us to read it. */
export const DOCUMENTS = [
  { path: join(ROOT, 'docs/configuration.md'), text: configurationManual },
  { path: join(ROOT, 'docs/config.schema.json'), text: () => `${JSON.stringify(editorSchema(), null, 2)}\n` },
] as const

function configurationManual(): string {
  return readFileSync(join(import.meta.dirname, 'configuration-head.md'), 'utf8') + settingsManual()
}
