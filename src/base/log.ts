import { AsyncLocalStorage } from 'node:async_hooks'
import { type LogFormatter, lineMaker } from './log-line.ts'

/** As registry:2 names them, from the fewest lines to the most. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

/** What a line says beside its message. An `Error` goes under `error`, and is written with its stack and causes. */
type LogFields = object

/** A structured log: one line an event. Values of type `Secret` are written as `***`. */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** The same log; every line has these fields too. */
  child(fields: LogFields): Log
  /** Does the work; every line that comes of it, from whatever room, has these fields too. */
  within<Result>(fields: LogFields, work: () => Result): Result
  /** From now on, of children too. */
  setLevel(level: LogLevel): void
}

/** Where lines go; `openLogOutput` makes one. */
export interface LogTarget {
  /** Takes a line with its newline. `urgent`: the process may end right after it. */
  readonly write: (line: string, urgent: boolean) => void
}

export interface LogOptions {
  readonly level: LogLevel
  /** Default: `json`. */
  readonly formatter?: LogFormatter
  /** What every line has, like registry:2's `service` and `environment`. */
  readonly fields?: Readonly<Record<string, unknown>>
  readonly write: LogTarget['write']
}

export function openLog({ level, formatter = 'json', fields = {}, write }: LogOptions): Log {
  const set = { rank: LOG_LEVELS.indexOf(level) }
  const context = new AsyncLocalStorage<LogFields>()

  function logWith(fixed: LogFields): Log {
    const lineOf = lineMaker(formatter, fixed)
    const at = (of: LogLevel) => {
      const rank = LOG_LEVELS.indexOf(of)
      const urgent = rank <= LOG_LEVELS.indexOf('warn')
      return (said: LogFields, message: string) => {
        if (rank > set.rank) return
        const around = context.getStore()
        const all = around === undefined ? said : { ...around, ...said }
        write(lineOf({ level: of, message, fields: all, now: Date.now() }), urgent)
      }
    }
    return {
      ...{ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
      child: (more) => logWith({ ...fixed, ...more }),
      within: (more, work) => context.run({ ...context.getStore(), ...more }, work),
      setLevel(to) {
        set.rank = LOG_LEVELS.indexOf(to)
      },
    }
  }

  return logWith(fields)
}
