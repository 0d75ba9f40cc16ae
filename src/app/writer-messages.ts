import { OperatorError } from '../base/operator-error.ts'
import type { CommandName } from '../catalog/commands.ts'

/** What crosses between the main thread and the writer thread: plain data. */
export type ToWriter =
  | { readonly id: number; readonly do: 'write'; readonly name: CommandName; readonly data: unknown }
  | { readonly id: number; readonly do: 'publish'; readonly from: string; readonly to: string }
  | { readonly id: number; readonly do: 'try' | 'sync'; readonly path: string }
  | { readonly id: number; readonly do: 'close' }

export type FromWriter =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: SentError }

/** The thread says that it is open, or why not, under this id. */
export const OPENING = 0

export interface WriterSetup {
  /** Folder of the volume, below which files are published. */
  readonly root: string
  readonly catalogFile: string
  /** Where a copy goes before a migration; left out: none is made. */
  readonly backups?: string
}

/** An error without its class, which does not cross. */
export interface SentError {
  readonly message: string
  readonly hint?: string
  readonly operator: boolean
  readonly code?: string
  /** SQLite's own number, for `database is locked` and its like. */
  readonly errcode?: number
  readonly stack?: string
}

export function pack(error: unknown): SentError {
  if (!(error instanceof Error)) return { message: String(error), operator: false }
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  return {
    message: error.message,
    operator: error instanceof OperatorError,
    ...(error instanceof OperatorError && error.hint !== undefined && { hint: error.hint }),
    ...(typeof code === 'string' && { code }),
    ...(typeof errcode === 'number' && { errcode }),
    ...(error.stack !== undefined && { stack: error.stack }),
  }
}

export function unpack({ message, hint, operator, code, errcode, stack }: SentError): Error {
  if (operator) return new OperatorError(message, hint)
  return Object.assign(new Error(message), {
    ...(code !== undefined && { code }),
    ...(errcode !== undefined && { errcode }),
    ...(stack !== undefined && { stack }),
  })
}
