import type { OperationName, OptionsOf } from '../app/operation-table.ts'

/** A command of the CLI. `cli.ts` has the table of all. */
export type Command = CommandOn<'nothing', Call> | CommandOn<'serves', Call> | CommandOn<'changes', Call & VolumeCall>

/**
 * What a command does to the data folder. There is no default.
 *
 * - `nothing`: it does not touch it.
 * - `serves`: it is the server, and holds it.
 * - `changes`: it asks the running server, or holds the folder while it works; it gets a `volume` for that.
 */
type Data = 'nothing' | 'serves' | 'changes'

interface CommandOn<What extends Data, Called> {
  /** One word, or two: `import registry2`. */
  readonly name: string
  readonly summary: string
  /** In the order they are written: `<NEEDED>`, `[OPTIONAL]`, `[MANY...]`. */
  readonly arguments?: readonly string[]
  readonly data: What
  readonly options: Readonly<Record<string, Option>>
  /** Resolves to the exit code. Throws an `OperatorError` for what the operator can put right. */
  readonly run: (call: Called) => Promise<number>
}

/** `value`: what stands for the option's value in the help; left out: it has none. */
export interface Option {
  readonly help: string
  readonly value?: string
  /** One letter, for those who know it from registry:2. */
  readonly short?: string
  /** The values that it may have. */
  readonly choices?: readonly string[]
}

export interface Call {
  readonly args: readonly string[]
  /** `true` where the option has no value. */
  readonly options: Readonly<Record<string, string | true | undefined>>
  readonly terminal: Terminal
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** Ends the process at once, whatever is still being done: for crashes. */
  readonly exit: (code?: number) => void
}

export interface VolumeCall {
  readonly volume: {
    /** Has the operation done where the volume is held. What it tells goes to the terminal. Resolves to the exit code. */
    perform<Name extends OperationName>(operation: Name, options: OptionsOf<Name>): Promise<number>
    /** Makes the catalog anew. Throws an `OperatorError` while a server holds the volume. Resolves to the exit code. */
    rebuild(): Promise<number>
  }
}

/** What a command speaks to: results on stdout, what is said to a person on stderr. */
export interface Terminal {
  /** One result: a line of values with tabs between them, or of JSON with `--json`. */
  row(values: Readonly<Record<string, string | number | boolean>>): void
  /** One result that takes several lines, or one of JSON with `--json`. */
  paragraph(values: Readonly<Record<string, unknown>>, lines: readonly string[]): void
  /** A text that is itself the result. */
  text(text: string): void
  note(text: string): void
  /** How far it is. On a terminal one line that changes; in a pipe a line for each tenth. */
  progress(news: { readonly done: number; readonly total: number; readonly what: string }): void
}
