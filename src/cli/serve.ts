import { randomUUID } from 'node:crypto'
import type { Log } from '../base/log.ts'
import type { Loaded } from '../config/load.ts'
import type { Config } from '../config/settings.ts'
import type { Command } from './command.ts'
import { LENIENT, type Taken, takeConfig } from './find-config.ts'
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
    ...LENIENT,
  },

  async run({ args, options, signal, exit }) {
    const which = {
      file: args[0],
      quickstart: options['quickstart'] === true,
      lenient: options['lenient'] === true,
    }
    const taken = takeConfig(which)
    const { config, proxies } = taken
    const about = { 'instance.id': randomUUID(), version: homeportVersion() }
    using said = openServeLog(config.log, { about, exit })
    tellOf(taken, said.log)
    const read = () => {
      const anew = takeConfig(which)
      tellOf(anew, said.log)
      return anew.config
    }
    using hangups = reloadOnHangup(read, said.log)
    try {
      await serveUntil(signal, { config, proxies, hangups }, said)
      return 0
    } catch (error) {
      // Asked to end while it started: what was adopted so far is kept, and gone on with at the next start.
      if (signal.aborted && error === signal.reason) return 0
      said.tell(error)
      return FAILED
    }
  },
}

const FAILED = 1

interface Serving {
  readonly config: Config
  readonly proxies: Loaded['proxies']
  readonly hangups: Hangups
}

async function serveUntil(
  signal: AbortSignal,
  { config, proxies, hangups }: Serving,
  { log, stdout }: ServeLog,
): Promise<void> {
  // The other commands do without a server, and start in half the time.
  const { startApp } = await import('../app/app.ts')
  await using app = await startApp(config, { log, stdout, signal, proxies, version: homeportVersion() })
  hangups.attach(app)
  const failure = await Promise.race([app.failed, aborted(signal)])
  if (failure !== undefined) throw failure
  log.info({ because: signal.reason instanceof Error ? signal.reason.message : String(signal.reason) }, 'ending')
}

/** Says what is to be known of a configuration, in the order in which it was read. */
function tellOf({ name, because, warnings, ignored }: Taken, log: Log): void {
  log.info({ configuration: name }, `configuration: ${name}, because ${because}`)
  for (const { place, message, hint } of warnings) log.warn({ place, ...(hint && { hint }) }, `${place} ${message}`)
  for (const variable of ignored) log.debug({ variable }, `${variable} is another program's, and no setting`)
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
