import type { Row } from './scenario.ts'

/** The rows as a table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ work, bar, figures, met }) => [work, bar, figures, verdictOf(met)])
  return [['work', 'bar', 'measured', 'bar met'], ['---', '---', '---', '---'], ...lines]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

function verdictOf(met: boolean | undefined): string {
  if (met === undefined) return ''
  return met ? 'yes' : '**missed**'
}
