import { readFile } from 'node:fs/promises'
import type { Log } from '../base/log.ts'
import type { BlobStore } from '../blobs/blob-store.ts'
import type { ProxyVariables } from '../config/proxy-variables.ts'
import type { Config } from '../config/settings.ts'
import { readNoProxy } from '../egress/no-proxy.ts'
import { openEgress } from '../egress/open-egress.ts'
import type { Activity } from '../registry/activity.ts'
import { type Cache, type CachedUpstream, sleepFor } from '../registry/cache.ts'
import { openUpstream } from '../upstream/http-upstream.ts'
import type { UpstreamObserver } from '../upstream/upstream.ts'
import { type UpstreamSettings, upstreamsOf } from './upstream-settings.ts'

export interface CacheParts {
  readonly fills: BlobStore
  readonly activity: Activity
  readonly observe: UpstreamObserver
  readonly log: Log
  /** Proxies of the environment. */
  readonly proxies: ProxyVariables
  /** `homeport/1.2.3`. */
  readonly agent: string
  /** What this server calls itself in `Via`. */
  readonly via: string
}

/** Opens what is cached, and of whom. Nobody is asked anything yet: it starts with every upstream and proxy dead. */
export async function openCache(config: Config, parts: CacheParts): Promise<{ cache: Cache } & AsyncDisposable> {
  const { fills, activity, observe, log, proxies, agent, via } = parts
  await using stack = new AsyncDisposableStack()
  const egress = stack.use(openEgress())
  const noproxy = [...(config.egress?.noproxy ?? []), ...(proxies.no_proxy === undefined ? [] : [proxies.no_proxy])]
  for (const entry of readNoProxy(noproxy).unread) {
    log.warn({ entry }, `'${entry}' of egress.noproxy or NO_PROXY is no name, address or network, and is left out`)
  }
  const clock = { now: Date.now, monotonic: () => performance.now(), sleep: sleepFor }
  const upstreams = new Map<string, CachedUpstream>()
  let defaultUpstream: string | undefined
  for (const settings of upstreamsOf(config, proxies)) {
    const { name, isDefault, routes, ca, revalidate, maxstale, cacheOnly, library } = settings
    const door = egress.doorFor({ name, routes, noproxy, ...(ca !== undefined && { ca }) })
    const upstream = stack.use(openUpstream(settings, { door, observe, clock, agent, via: `1.1 ${via}` }))
    if (isDefault) defaultUpstream = name
    const ways = door.routesTo(settings.url).map((route) => route.name)
    log.info({ upstream: name, routes: ways }, wayInWords(settings, ways))
    upstreams.set(name, {
      ...{ upstream, revalidate, library },
      ...(maxstale !== undefined && { maxstale }),
      ...(settings.username !== undefined && { signsIn: true }),
      ...(cacheOnly !== undefined && { cacheOnly }),
    })
  }
  const boot = await bootOf()
  const held = stack.move()
  return {
    cache: {
      ...{ upstreams, fills, activity, monotonic: clock.monotonic, sleep: clock.sleep },
      ...(defaultUpstream !== undefined && { defaultUpstream }),
      ...(boot !== undefined && { boot }),
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** How an upstream is reached, as the log says it at the start: who set `HTTPS_PROXY` sees whether it was taken. */
export function wayInWords(
  { name, url, cacheOnly }: Pick<UpstreamSettings, 'name' | 'url' | 'cacheOnly'>,
  routes: readonly string[],
): string {
  if (cacheOnly !== undefined) return `${name} is not asked (${cacheOnly}): what is cached is served`
  const ways = routes.map((route) => (route === 'direct' ? 'directly' : `through ${route}`))
  return `${name} is asked${url.host === name ? '' : ` at ${url.host}`} ${ways.join(', then ')}`
}

/** Which boot of the machine this is; elsewhere than on Linux nobody knows. */
async function bootOf(): Promise<string | undefined> {
  return await readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )
}
