import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../tools/command.ts'

/** One row of a table of differences. In each cell one pattern or more: of requests with `; ` between them, of answers with ` / `. */
export interface Row {
  readonly requests: readonly RegExp[]
  readonly what: readonly RegExp[]
  readonly registry2: readonly RegExp[]
  readonly homeport: readonly RegExp[]
  readonly why: string
  readonly text: string
}

/** The rows of the tables below a heading, up to the next one of its kind. */
export function rowsOf(file: string, heading: string): Row[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const [, section = ''] = text.split(`\n${heading}\n`)
  const lines = section.split(/\n## /)[0]?.split('\n') ?? []
  return lines.filter((line) => /^\| (?!---|Requests|Where)/.test(line)).map(rowOf)
}

function rowOf(text: string): Row {
  const cells = text.slice(1, -1).split(' | ')
  const [requests = '', what = '', registry2 = '', homeport = '', why = ''] = cells.map((cell) => cell.trim())
  return {
    requests: patternsOf(requests, '; '),
    what: patternsOf(what, '; '),
    registry2: patternsOf(registry2, ' / '),
    homeport: patternsOf(homeport, ' / '),
    why,
    text,
  }
}

function patternsOf(cell: string, separator: string): RegExp[] {
  return cell.split(separator).map(patternOf)
}

/** `*` stands for anything. */
function patternOf(text: string): RegExp {
  const plain = text.replaceAll('`', '')
  return new RegExp(
    `^${plain
      .split('*')
      .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    's',
  )
}
