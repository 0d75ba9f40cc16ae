import { randomUUID } from 'node:crypto'
import type { Log, LogTarget } from '../base/log.ts'
import { NO_METRICS, openMetrics } from '../base/metrics.ts'
import type { CommandName } from '../catalog/commands.ts'
import type { ProxyVariables } from '../config/proxy-variables.ts'
import type { Config } from '../config/settings.ts'
import { extraHeaders } from '../http/extra-headers.ts'
import { trustedProxies } from '../http/forwarded.ts'
import { openRequestMetrics } from '../http/request-metrics.ts'
import { type Limits, routes } from '../http/routes.ts'
import { openActivity } from '../ops/activity.ts'
import { failingUpstreams, watchUpstreams } from '../ops/failing-upstreams.ts'
import { sleepFor } from '../registry/cache.ts'
import { createRegistry } from '../registry/create-registry.ts'
import { DigestLock } from '../registry/digest-lock.ts'
import { LinkFollower } from '../registry/follow-links.ts'
import { Leases } from '../registry/leases.ts'
import { LinkFiles } from '../registry/link-files.ts'
import type { Parts } from '../registry/parts.ts'
import { finishRemovals } from '../registry/remove.ts'
import { openAccessLog } from './access.ts'
import { admission } from './admission.ts'
import { openCache } from './cache.ts'
import { openControl } from './control.ts'
import { openDebug } from './debug.ts'
import { openEntrances } from './entrances.ts'
import { fileLimit, mostConnections } from './file-limit.ts'
import { openHealth } from './health.ts'
import { startJobs } from './jobs.ts'
import { measured } from './metrics-blob-store.ts'
import { watchServer } from './metrics-own.ts'
import { perform } from './perform.ts'
import { policyOf } from './policy.ts'
import { adoptAtStart } from './registry2.ts'
import { Reloading } from './reload.ts'
import { accessSettings, signInOf } from './sign-in.ts'
import { openTls } from './tls.ts'
import { upkeepJobs } from './upkeep.ts'
import { openVolume, seeVolume } from './volume.ts'

/** A running registry. Closing it ends requests, writes what is pending, and lets go of the volume. */
export interface App extends AsyncDisposable {
  /** Where it listens: `127.0.0.1:5000`. */
  readonly address: string
  /** Resolves if it cannot go on. */
  readonly failed: Promise<Error>
  /** Takes the level of the log, the headers and the rules of access of another configuration, and warns of what else it changes. */
  reload(next: Config): void
}

/** Commands whose links are written at once, with all that wait: should the catalog be lost, tags are found by them. */
const FOLLOWED: ReadonlySet<CommandName> = new Set(['putManifest', 'deleteManifest', 'deleteTag'])

export interface AppOptions {
  readonly log: Log
  /** Where the access log goes. */
  readonly stdout: LogTarget
  /** Outbound proxies that the environment names. */
  readonly proxies: ProxyVariables
  /** Of this program: `1.2.3`. */
  readonly version: string
  /** Fires when the start is to be given up. */
  readonly signal: AbortSignal
}

/**
 * Opens everything from the volume up. Listens as soon as the folder is held, and answers when all of it is open. What
 * was opened is closed in reverse order, at a failure too.
 */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const { log, stdout, signal } = options
  const via = `homeport-${randomUUID()}`
  await using stack = new AsyncDisposableStack()
  const reloading = new Reloading(config, log)
  const volume = stack.use(await openVolume(config.storage.filesystem))
  const { root, catalog } = volume
  const { debug } = config.http
  const metrics = debug.addr !== undefined && debug.prometheus.enabled ? await openMetrics() : NO_METRICS
  const blobs = measured(volume.blobs, { metrics, log })
  const requests = openRequestMetrics(metrics)
  const tls = config.http.tls && openTls(config.http.tls, log)
  stack.use(tls?.source)
  const signIn = stack.use(signInOf(config, { log, metrics }))
  const accessLog = openAccessLog(config.log, stdout)
  const health = stack.use(openHealth({ checks: config.health, volume, log }))
  stack.use(await openDebug(debug, { log, metrics, health }))
  const files = await fileLimit()
  const entrances = stack.use(
    await openEntrances(config, {
      ...{ log, ...(tls && { tls }) },
      trusted: trustedProxies(config.http.trustedproxies),
      headers: extraHeaders(() => reloading.now.http.headers),
      most: files === undefined ? undefined : mostConnections(files),
      ended(end) {
        accessLog(end)
        requests.ended(end)
      },
    }),
  )
  const told = stack.use(await openActivity({ log, metrics, catalog, now: Date.now, sleep: sleepFor }))
  const { cache } = stack.use(
    await openCache(config, {
      ...{ fills: volume.fills, log, activity: told.activity, observe: told.observer },
      ...{ proxies: options.proxies, agent: `homeport/${options.version}`, via },
    }),
  )
  const parts: Parts = {
    catalog,
    blobs,
    locks: new DigestLock(),
    // Of a clock that no time server sets back: a jump must not end a lease.
    leases: new Leases(() => performance.now()),
    policy: policyOf(config),
    now: Date.now,
    report: (what, facts) => log.error(facts, what),
    cache,
  }
  const asked = () => [...cache.upstreams.values()].map(({ upstream }) => upstream)
  watchUpstreams(metrics, asked)
  watchServer(metrics, { leases: parts.leases, health, writerQueue: volume.writerQueue })
  await finishRemovals(parts)
  await adoptAtStart({ parts, root, log, signal })
  const links = new LinkFollower({
    ...{ catalog, links: new LinkFiles(root), report: parts.report },
    see: () => seeVolume(root),
  })
  stack.use(links)
  volume.onWritten((name) => FOLLOWED.has(name) && links.wake())
  const registry = stack.use(createRegistry(parts))
  stack.use(
    await openControl(root, (name, options, how) =>
      perform(name, options, { ...how, root, parts, settled: () => told.flush() }),
    ),
  )
  const purging = config.storage.maintenance.uploadpurging
  const jobs = upkeepJobs({ root, uploads: registry.uploads, fills: registry.fills, purging, log, now: parts.now })
  stack.use(startJobs(jobs, (job, error) => log.warn({ job, error }, 'a job has failed; it is tried again')))

  entrances.serve({
    ...{
      routes: routes(registry, limitsOf(config)),
      locate: (asked) => registry.locate(asked),
      via,
      upstreams: parts.cache.upstreams.keys(),
    },
    ...{ signIn, health, admit: admission(health), begun: requests.begun },
    failing: () => failingUpstreams(asked()),
    readOnly: config.storage.maintenance.readonly.enabled,
  })
  // Requests end before anything that they use.
  stack.defer(() => entrances.drain())
  const { address, scheme, mirrors } = entrances
  for (const { upstream, address: at } of mirrors) {
    log.info(
      { address: at, scheme, upstream },
      `a mirror of ${upstream} is at ${at}${scheme === 'https' ? ', tls' : ''}`,
    )
  }
  log.info({ address, scheme, rootdirectory: root }, `listening on ${address}${scheme === 'https' ? ', tls' : ''}`)

  const held = stack.move()
  return {
    address,
    failed: volume.writerDied,
    reload(next) {
      reloading.take(next)
      signIn.take(accessSettings(next))
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** To registry:2, 0 is its default. */
function limitsOf({ catalog, tags }: Config): Limits {
  return { repositories: catalog.maxentries || 1000, tags: tags.maxtags || 1000 }
}
