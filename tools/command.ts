import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

/** The repository's root, where commands run. */
export const ROOT = join(import.meta.dirname, '..')

export interface CommandOptions {
  readonly cwd?: string
  /** Added to our environment; `undefined` takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** `capture` keeps what it writes to itself and returns it. Otherwise it goes where ours goes. */
  readonly output?: 'show' | 'capture'
}

export interface CommandResult {
  /** 128 where a signal ended it, 127 where it could not be started. */
  readonly code: number
  /** stdout and stderr as they came, where `output` is `capture`. */
  readonly text: string
}

/** Runs a program to its end, without a terminal to read from. The project's own programs, Node among them, come first. */
export function runCommand(
  [command, ...args]: readonly [string, ...string[]],
  { cwd = ROOT, env, output = 'show' }: CommandOptions = {},
): Promise<CommandResult> {
  const PATH = [join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  const stdio = output === 'show' ? 'inherit' : 'pipe'
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, PATH, ...env }, stdio: ['ignore', stdio, stdio] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
    }
    child.once('error', (error) => resolve({ code: 127, text: `${text}${error.message}\n` }))
    child.once('close', (code) => resolve({ code: code ?? 128, text }))
  })
}
