import { type Log, type LogLevel, type LogTarget, openLog } from '../base/log.ts'
import { type LogFormatter, lineMaker } from '../base/log-line.ts'
import { openLogOutput } from '../base/log-output.ts'
import { OperatorError } from '../base/operator-error.ts'

interface LogSettings {
  readonly level: LogLevel
  readonly formatter: LogFormatter
  readonly fields: Readonly<Record<string, string>>
}

interface ServeLogOptions {
  /** What every line has beside the configured fields. */
  readonly about: Readonly<Record<string, string>>
  /** Ends the process at once. */
  readonly exit: (code?: number) => void
}

export interface ServeLog extends Disposable {
  readonly log: Log
  /** Where the access log goes. */
  readonly stdout: LogTarget
  /** Says why the server cannot go on. */
  tell(error: unknown): void
}

const CRASHED = 1

/** Milliseconds that a pipe which nobody reads may hold up the end. */
const PATIENCE_MS = 1_000

/**
 * The log of a server: everything that this process says from now on is a line of it, Node's own warnings and the last
 * words before a crash among them. (What V8 prints when memory runs out is not ours to say.)
 */
export function openServeLog({ level, formatter, fields }: LogSettings, { about, exit }: ServeLogOptions): ServeLog {
  const every = { ...about, ...fields }
  const lineOf = lineMaker(formatter, every)
  const stderr = openLogOutput(process.stderr, (lines) =>
    lineOf({
      level: 'warn',
      message: 'lines of the log were lost: nobody read them',
      fields: { lines },
      now: Date.now(),
    }),
  )
  const log = openLog({ level, formatter, fields: every, write: stderr.write })
  const stdout = openLogOutput(process.stdout, (lines) => {
    log.warn({ lines }, 'lines of the access log were lost: nobody read them')
    return ''
  })

  function crash(error: unknown): void {
    log.error({ error }, 'a fault of ours ends the server')
    stdout.flush()
    exit(CRASHED)
  }

  const warn = (warning: Error) => log.warn({ error: warning }, 'a warning of Node.js')
  const theirs = process.listeners('warning')
  process.removeAllListeners('warning').on('warning', warn).on('uncaughtException', crash)

  return {
    ...{ log, stdout },
    tell(error) {
      if (error instanceof OperatorError) log.error({ hint: error.hint }, error.message)
      else log.error({ error }, 'the server cannot go on')
    },
    [Symbol.dispose]() {
      process.off('uncaughtException', crash).off('warning', warn)
      for (const listener of theirs) process.on('warning', listener)
      stdout.flush()
      stderr.flush()
      setTimeout(() => exit(), PATIENCE_MS).unref()
    },
  }
}
