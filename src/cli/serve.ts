import { randomUUID } from 'node:crypto'
import { OperatorError } from '../base/operator-error.ts'
import { refuseVariables } from '../config/environment.ts'
import { quickstartConfig, readConfig } from '../config/load.ts'
import type { Config } from '../config/settings.ts'
import type { Command } from './command.ts'
import { type Hangups, reloadOnHangup } from './reload.ts'
import { openServeLog, type ServeLog } from './serve-log.ts'
import { homeportVersion } from './version.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Run the registry until SIGTERM or SIGINT',
  arguments: ['[CONFIG]'],
  data: 'serves',
  options: {
    quickstart: { help: 'Without a file: 127.0.0.1:5000, ./data, deletes on, open to all on this machine' },
  },

  async run({ args, options, signal, exit }) {
    const read = () => configOf({ file: args[0], quickstart: options['quickstart'] === true })
    const config = read()
    const about = { 'instance.id': randomUUID(), version: homeportVersion() }
    using said = openServeLog(config.log, { about, exit })
    using hangups = reloadOnHangup(read, said.log)
    try {
      await serveUntil(signal, { config, hangups }, said)
      return 0
    } catch (error) {
      said.tell(error)
      return FAILED
    }
  },
}

const FAILED = 1

interface Serving {
  readonly config: Config
  readonly hangups: Hangups
}

async function serveUntil(signal: AbortSignal, { config, hangups }: Serving, { log, stdout }: ServeLog): Promise<void> {
  // The other commands do without a server, and start in half the time.
  const { startApp } = await import('../app/app.ts')
  await using app = await startApp(config, { log, stdout, signal })
  hangups.attach(app)
  const failure = await Promise.race([app.failed, aborted(signal)])
  if (failure !== undefined) throw failure
  log.info({ because: signal.reason instanceof Error ? signal.reason.message : String(signal.reason) }, 'ending')
}

/** The configuration that a command line names: a file, or the quickstart's; one of them. */
export function configOf({ file, quickstart }: { file: string | undefined; quickstart: boolean }): Config {
  if (file !== undefined && quickstart) {
    throw new OperatorError(`Both '${file}' and --quickstart say what the configuration is`, 'leave out one of them')
  }
  refuseVariables(process.env)
  if (quickstart) return quickstartConfig()
  if (file !== undefined) return readConfig(file)
  throw new OperatorError('No configuration is named', 'name the config.yml, or try --quickstart')
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
