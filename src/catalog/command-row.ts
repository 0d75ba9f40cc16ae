import type { Answer, CommandName, Data } from './commands.ts'
import type { Statements } from './statements.ts'

export interface CommandRow<Name extends CommandName> {
  /** False: a power cut may take it back, so it costs no sync. */
  readonly durable: boolean
  /** Runs inside a transaction, on the writing connection. What it throws undoes it, and only it. */
  run(statements: Statements, data: Data<Name>): Answer<Name>
}

/** A part of the table of commands. */
export type CommandRows<Names extends CommandName> = { readonly [Name in Names]: CommandRow<Name> }
