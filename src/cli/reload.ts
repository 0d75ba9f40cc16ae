import { isatty } from 'node:tty'
import type { Log } from '../base/log.ts'
import { OperatorError } from '../base/operator-error.ts'
import type { Config } from '../config/settings.ts'

interface Reloadable {
  reload(next: Config): void
}

/** Answers SIGHUP from now on, and not only once there is a server: its default is to end the process. */
export interface Hangups extends Disposable {
  /** Whom a new configuration is for. One that was asked for before is read now. */
  attach(app: Reloadable): void
}

/**
 * Has the configuration read anew at each SIGHUP. One with faults changes nothing, and they are logged.
 *
 * Where the server ran on a terminal and that is gone, the signal means that: then it ends, as by SIGTERM.
 */
export function reloadOnHangup(read: () => Config, log: Log): Hangups {
  const onTerminal = isatty(0)
  let app: Reloadable | undefined
  let asked = false

  function hangUp(): void {
    if (onTerminal && !isatty(0)) process.kill(process.pid, 'SIGTERM')
    else if (app === undefined) asked = true
    else reload(app)
  }

  function reload(reloadable: Reloadable): void {
    let next: Config
    try {
      next = read()
    } catch (error) {
      const [message, hint] = told(error)
      log.error(
        { ...(hint !== undefined && { hint }) },
        `the configuration is not taken, the old one stays: ${message}`,
      )
      return
    }
    reloadable.reload(next)
  }

  process.on('SIGHUP', hangUp)
  return {
    attach(reloadable) {
      app = reloadable
      if (asked) reload(reloadable)
    },
    [Symbol.dispose]: () => process.off('SIGHUP', hangUp),
  }
}

function told(error: unknown): [message: string, hint?: string | undefined] {
  if (error instanceof OperatorError) return [error.message, error.hint]
  return [error instanceof Error ? (error.stack ?? error.message) : String(error)]
}
