import { CommanderError, Command as Parser, Option as ParserOption } from 'commander'
import { OperatorError } from '../base/operator-error.ts'
import type { Call, Command, Option } from './command.ts'
import { configCheck } from './config.ts'
import { LENIENT } from './find-config.ts'
import { garbageCollect } from './garbage-collect.ts'
import { rebuild } from './rebuild.ts'
import { exportRegistry2, importRegistry2 } from './registry2.ts'
import { serve } from './serve.ts'
import { endSignal } from './signals.ts'
import { type Output, openTerminal } from './terminal.ts'
import { USER_COMMANDS } from './user.ts'
import { homeportVersion, version } from './version.ts'
import { volumeFor } from './volume.ts'
import { why } from './why.ts'

/** Every command there is. */
const COMMANDS: readonly Command[] = [
  ...[serve, configCheck, ...USER_COMMANDS, importRegistry2, exportRegistry2, rebuild, why],
  ...[version, garbageCollect],
]

const FAILED = 1
const NOT_UNDERSTOOD = 2
/** As a shell says of what a SIGINT ended. */
const INTERRUPTED = 130

/** What every command that changes the folder takes. */
const VOLUME_OPTIONS: Readonly<Record<string, Option>> = {
  config: { value: 'FILE', help: 'The configuration of the server whose folder it is' },
  quickstart: { help: 'The folder of `homeport serve --quickstart`, here' },
  ...LENIENT,
}

interface CliOptions {
  readonly stdout: Output
  readonly stderr: Output
  /** Ends the process at once. Default: nothing is done. */
  readonly exit?: (code?: number) => void
  readonly commands?: readonly Command[]
}

/** Runs what the arguments say, and resolves to the exit code. */
export async function runCli(
  args: readonly string[],
  { stdout, stderr, exit = () => undefined, commands = COMMANDS }: CliOptions,
): Promise<number> {
  using end = endSignal()
  let code = 0
  const root = rootParser({ stdout, stderr })
  for (const command of commands) {
    addParser(root, command, async (given, options) => {
      const terminal = openTerminal({ stdout, stderr, json: options['json'] === true })
      code = await run(command, { args: given, options, terminal, signal: end.signal, exit })
    })
  }
  try {
    await root.parseAsync(withCommand(args), { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : NOT_UNDERSTOOD
    if (end.signal.aborted && error === end.signal.reason) return INTERRUPTED
    stderr.write(told(error))
    return FAILED
  }
}

/** registry:2's image is started with its configuration alone; its program knows `help`. */
function withCommand(args: readonly string[]): string[] {
  if (args[0] === 'help') return [...args.slice(1), '--help']
  return /\.ya?ml$/.test(args[0] ?? '') ? ['serve', ...args] : [...args]
}

async function run(command: Command, call: Call): Promise<number> {
  if (command.data !== 'changes') return await command.run(call)
  return await command.run({ ...call, volume: volumeFor(call) })
}

/** A mistake of the operator without a stack; a fault of ours with it. */
function told(error: unknown): string {
  if (!(error instanceof OperatorError)) return `homeport: ${error instanceof Error ? error.stack : String(error)}\n`
  return `homeport: ${error.message}\n${error.hint === undefined ? '' : `  hint: ${error.hint}\n`}`
}

function rootParser({ stdout, stderr }: CliOptions): Parser {
  const output = {
    writeOut: (text: string) => stdout.write(text),
    writeErr: (text: string) => stderr.write(text),
    outputError: (text: string, write: (text: string) => void) => write(misunderstood(text)),
  }
  return new Parser('homeport')
    .description('A container registry')
    .version(`homeport ${homeportVersion()}`)
    .helpCommand(false)
    .configureOutput(output)
    .exitOverride()
}

/** What commander says, as we say it. */
function misunderstood(text: string): string {
  const [, what = '', guess] = /^error: (.*?)\s*(?:\(Did you mean (.*)\))?\s*$/s.exec(text) ?? [text, text]
  return `homeport: ${what}\n  hint: ${guess === undefined ? '--help says what can be said' : `did you mean ${guess}`}\n`
}

/** What the commands of two words have in common, by the first. */
const GROUPS: Readonly<Record<string, string>> = {
  config: 'See what is configured, and what is wrong with it',
  user: 'Who may sign in',
  import: 'Take over what another program wrote',
  export: 'Make ready for another program',
}

type Run = (args: readonly string[], options: Call['options']) => Promise<void>

/** Of a name of two words, the first groups. */
function addParser(root: Parser, command: Command, run: Run): void {
  const words = command.name.split(' ')
  const last = words.pop() ?? ''
  let parent = root
  for (const word of words) {
    parent =
      parent.commands.find((known) => known.name() === word) ??
      parent
        .command(word)
        .description(GROUPS[word] ?? '')
        .helpCommand(false)
  }
  const parser = parent.command(last).description(command.summary)
  for (const argument of command.arguments ?? []) parser.argument(argument)
  const options = { ...command.options, ...(command.data === 'changes' && VOLUME_OPTIONS) }
  for (const [name, { help, value, choices, short }] of Object.entries(options)) {
    const flags = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`
    const option = new ParserOption(flags, help)
    parser.addOption(choices === undefined ? option : option.choices(choices))
  }
  if (command.data !== 'serves') parser.option('--json', 'Print results as lines of JSON')
  parser.action(() => run(parser.args, optionsOf(parser)))
}

/** By the names that the table has: commander makes `dryRun` of `dry-run`. */
function optionsOf(parser: Parser): Call['options'] {
  const values = parser.opts<Record<string, string | true | undefined>>()
  return Object.fromEntries(parser.options.map((option) => [option.name(), values[option.attributeName()]]))
}
