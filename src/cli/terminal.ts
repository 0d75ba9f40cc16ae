import type { Terminal } from './command.ts'

/** The part of a stream that is needed here. */
export interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface TerminalOptions {
  readonly stdout: Output
  readonly stderr: Output
  readonly json: boolean
}

const CLEAR_LINE = '\r\u001b[K'

export function openTerminal({ stdout, stderr, json }: TerminalOptions): Terminal {
  let progressShown = ''

  /** Takes the line that changes away, so that others do not begin in its middle. */
  function clear(): void {
    if (stderr.isTTY === true && progressShown !== '') stderr.write(CLEAR_LINE)
    progressShown = ''
  }

  function print(line: string): void {
    clear()
    stdout.write(`${line}\n`)
  }

  return {
    row: (values) => print(json ? JSON.stringify(values) : Object.values(values).map(plain).join('\t')),
    paragraph(values, lines) {
      if (json) print(JSON.stringify(values))
      else for (const line of lines) print(plain(line))
    },
    text: (text) => print(text.replace(/\n$/, '')),
    note(text) {
      clear()
      stderr.write(`${text}\n`)
    },
    progress({ done, total, what }) {
      const share = total > 0 ? Math.floor((done / total) * 10) : 10
      const shown = stderr.isTTY === true ? `${what}: ${done} of ${total}` : `${what} ${share}`
      if (shown === progressShown) return
      progressShown = shown
      if (stderr.isTTY === true) stderr.write(`${CLEAR_LINE}${shown}`)
      else stderr.write(`${what}: ${done} of ${total}\n`)
    },
  }
}

/** Names come from volumes that others wrote: no tab, line break or escape of theirs reaches the terminal. */
function plain(value: string | number | boolean): string {
  return String(value).replaceAll(/\p{Cc}/gu, '?')
}
