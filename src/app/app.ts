import { openSignIn } from '../auth/sign-in.ts'
import type { Log, LogTarget } from '../base/log.ts'
import type { Config } from '../config/settings.ts'
import { createHandler } from '../http/dispatch.ts'
import { routes } from '../http/routes.ts'
import { startServer } from '../http/server.ts'
import { createRegistry } from '../registry/create-registry.ts'
import { DigestLock } from '../registry/digest-lock.ts'
import { LinkFollower } from '../registry/follow-links.ts'
import { Leases } from '../registry/leases.ts'
import { LinkFiles } from '../registry/link-files.ts'
import type { Parts, Policy } from '../registry/parts.ts'
import { finishRemovals } from '../registry/remove.ts'
import { openAccessLog } from './access.ts'
import { openControl } from './control.ts'
import { perform } from './perform.ts'
import { adoptAtStart } from './registry2.ts'
import { Reloading } from './reload.ts'
import { openTls } from './tls.ts'
import { openVolume } from './volume.ts'

/** A running registry. Closing it ends requests, writes what is pending, and lets go of the volume. */
export interface App extends AsyncDisposable {
  /** Where it listens: `127.0.0.1:5000`. */
  readonly address: string
  /** Resolves if it cannot go on. */
  readonly failed: Promise<Error>
  /** Takes the level of the log and the headers of another configuration, and warns of what else it changes. */
  reload(next: Config): void
}

/** How long requests have to end when the server is asked to, in milliseconds: docker kills after ten seconds. */
const DRAIN_MS = 8_000

export interface AppOptions {
  readonly log: Log
  /** Where the access log goes. */
  readonly stdout: LogTarget
  /** Fires when the start is to be given up. */
  readonly signal: AbortSignal
}

/** Opens everything from the volume up, and listens last. What was opened is closed in reverse order, at a failure too. */
export async function startApp(config: Config, { log, stdout, signal }: AppOptions): Promise<App> {
  await using stack = new AsyncDisposableStack()
  const reloading = new Reloading(config, log)
  const volume = stack.use(await openVolume(config.storage.filesystem))
  const { root, catalog, blobs } = volume
  const parts: Parts = {
    catalog,
    blobs,
    locks: new DigestLock(),
    // Of a clock that no time server sets back: a jump must not end a lease.
    leases: new Leases(() => performance.now()),
    policy: policyOf(config),
    now: Date.now,
    report: (what, facts) => log.error(facts, what),
  }
  await finishRemovals(parts)
  await adoptAtStart({ parts, root, log, signal })
  stack.use(new LinkFollower({ catalog, links: new LinkFiles(root), report: parts.report }))
  const registry = stack.use(createRegistry(parts))
  const signIn = stack.use(openSignIn({ htpasswd: config.auth?.htpasswd, log, now: () => performance.now() }))
  const answer = createHandler({ routes: routes(registry), signIn })
  const control = openControl(root, (name, options, how) => perform(name, options, { ...how, root, parts }))
  stack.use(await control)

  const tls = config.http.tls && openTls(config.http.tls, log)
  if (tls !== undefined) stack.use(tls.source)
  const ended = openAccessLog({ formatter: 'json', fields: {}, accesslog: { disabled: false }, ...config.log }, stdout)
  const server = await startServer({ address: config.http.addr, answer, log, ended, ...(tls && { tls }) })
  stack.defer(() => server.close(DRAIN_MS))
  log.info({ address: server.address, scheme: server.scheme, rootdirectory: root }, 'listening')

  const held = stack.move()
  return {
    address: server.address,
    failed: volume.writerDied,
    reload: (next) => reloading.take(next),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

function policyOf({ storage, validation }: Config): Policy {
  const { sparse, indexes } = validation.manifests
  return {
    deletes: storage.delete.enabled,
    sparse,
    children: indexes.platforms === 'list' ? indexes.platformlist : indexes.platforms,
  }
}
