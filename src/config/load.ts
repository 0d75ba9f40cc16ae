import { readFileSync } from 'node:fs'
import { type Document, LineCounter, parseDocument, stringify } from 'yaml'
import * as z from 'zod'
import { OperatorError } from '../base/operator-error.ts'
import { type Problem, problemOf } from './problems.ts'
import { plainOf } from './schema-walk.ts'
import { type Config, SETTINGS } from './settings.ts'

/** Reads a configuration file. Throws an `OperatorError` with every problem that it has. */
export function readConfig(path: string): Config {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new OperatorError(`Cannot read the configuration: ${why}`, 'name a file that this user may read')
  }
  return loadConfig(text, path)
}

/** The same from its text; `fileName` is what messages call it. */
export function loadConfig(text: string, fileName: string): Config {
  const lines = new LineCounter()
  // Where a key is given twice, or the text is no YAML, nothing after it can be trusted.
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false })
  const broken = document.errors.map(({ pos, message }) => ({ offset: pos[0], message }))
  const { config, problems } = broken.length > 0 ? { problems: broken } : check(document)
  if (config !== undefined) return config

  const told = problems
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, message }) => {
      const { line, col } = lines.linePos(offset)
      return `${fileName}:${Math.max(line, 1)}:${Math.max(col, 1)} ${message}`
    })
  const many = told.length === 1 ? 'a problem' : `${told.length} problems`
  throw new OperatorError([`The configuration has ${many}:`, ...told].join('\n'))
}

/** What `homeport serve --quickstart` runs with: on this machine only, beside the current folder, open to all on it. */
export function quickstartConfig(): Config {
  return SETTINGS.parse({
    version: 0.1,
    storage: { filesystem: { rootdirectory: './data' }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:5000' },
  })
}

/** The configuration in force as YAML, defaults included. Loads back to the same. */
export function formatConfig(config: Config): string {
  return stringify(z.encode(SETTINGS, config))
}

function check(document: Document): { config?: Config; problems: Problem[] } {
  let raw: unknown
  try {
    raw = document.toJS() ?? {}
  } catch (error) {
    // An alias to nothing, or a nest of them that would fill the memory.
    return { problems: [{ offset: 0, message: error instanceof Error ? error.message : String(error) }] }
  }
  const plain = plainOf(raw, SETTINGS)
  const result = SETTINGS.safeParse(plain)
  if (result.success) return { config: result.data, problems: [] }
  return { problems: result.error.issues.flatMap((issue) => problemOf(issue, { document, plain })) }
}
