import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const TEXT = readFileSync(join(import.meta.dirname, '../fixtures/runbook.md'), 'utf8')

/** The `config.yml` of the first user's runbook (its section 2.4), as it stands there, Markdown damage included. */
export function runbookConfig(): string {
  return blockAfter('### 2.4.')
}

/** The commands of a step of its section 2.5, as they stand there, without `sudo`. */
export function runbookStep(heading: '**Step 1:' | '**Copy Certs:' | '**Step 4:' | '**Step** 5:'): string {
  return blockAfter(heading).replaceAll(/\bsudo /g, '')
}

/** The first block that is indented by four or more below a heading, without that indentation. */
function blockAfter(heading: string): string {
  const after = TEXT.split('\n').slice(lineOf(heading) + 1)
  const start = after.findIndex((line) => line.startsWith('    ') && !line.trimStart().startsWith('-'))
  const indent = /^ */.exec(after[start] ?? '')?.[0] ?? ''
  const rest = after.slice(start)
  const end = rest.findIndex((line) => line.trim() !== '' && !line.startsWith(indent))
  const block = rest.slice(0, end === -1 ? undefined : end)
  return `${block
    .map((line) => line.slice(indent.length))
    .join('\n')
    .trimEnd()}\n`
}

function lineOf(heading: string): number {
  const line = TEXT.split('\n').findIndex((text) => text.includes(heading))
  if (line === -1) throw new Error(`The runbook has no '${heading}'`)
  return line
}
