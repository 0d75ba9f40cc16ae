import { destination, pino, stdSerializers, stdTimeFunctions } from 'pino'

/** As registry:2 names them, from the fewest lines to the most. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

/** What a line says beside its message. An `Error` goes under `error`, and is written with its stack and causes. */
type LogFields = object

/** A structured log: one line of JSON an event. Values of type `Secret` are written as `***`. */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** The same log; every line has these fields too. */
  child(fields: LogFields): Log
}

export interface LogOptions {
  readonly level: LogLevel
  /** Where lines go instead of stderr. Takes one line a call, with its newline. */
  readonly write?: (line: string) => void
}

/** Lines are written at once and in order, so that the last words before a crash are not lost. */
export function openLog({ level, write }: LogOptions): Log {
  const to = write === undefined ? destination({ dest: 2, sync: true }) : { write }
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: stdSerializers.err },
  }
  return pino(options, to)
}
