import { readFileSync } from 'node:fs'
import { OperatorError } from '../base/operator-error.ts'
import { registryName } from '../base/registry-name.ts'
import { Secret } from '../base/secret.ts'
import type { Config } from '../config/settings.ts'
import type { RouteOption } from '../egress/egress.ts'
import { readRoute } from '../egress/route-option.ts'
import { type ProxyEnvironment, routesFor } from '../egress/route-order.ts'
import { KNOWN_UPSTREAMS } from '../upstream/known-upstreams.ts'

/** An upstream as `proxy`, `upstreams` and `egress` say, with what is known of it by its name. */
export interface UpstreamSettings {
  /** `docker.io`. */
  readonly name: string
  readonly isDefault: boolean
  readonly url: URL
  readonly username?: string
  readonly password?: Secret
  readonly realms: readonly string[]
  readonly routes: readonly RouteOption[]
  /** PEM. */
  readonly ca?: string
  /** Milliseconds. */
  readonly revalidate: number
  readonly maxstale?: number
  readonly cacheOnly?: 'cacheonly' | 'offline'
  readonly library: boolean
}

type Sections = Pick<Config, 'proxy' | 'upstreams' | 'egress'>
type Upstream = NonNullable<NonNullable<Config['upstreams']>[string]>
type Routes = NonNullable<NonNullable<Config['egress']>['routes']>

/** Of `proxy.remoteurl`, which has no setting for it: as the default of `upstreams.X.revalidate`. */
const REVALIDATE = 60_000

/** Reads passwords and certificates from the files that are named. Throws an `OperatorError` for what cannot be used. */
export function upstreamsOf({ proxy, upstreams = {}, egress }: Sections, environment: ProxyEnvironment) {
  const shared = {
    routes: egress?.routes && readRoutes(egress.routes, 'egress.routes'),
    ca: egress?.ca && readFile(egress.ca, 'egress.ca'),
    offline: egress?.offline ?? false,
    environment,
  }
  const all = Object.entries(upstreams).map(([name, settings]) => upstreamOf(name, settings ?? {}, shared))
  return proxy === undefined ? all : [...all, proxied(proxy, shared)]
}

interface Shared {
  readonly routes: readonly RouteOption[] | undefined
  readonly ca: string | undefined
  readonly offline: boolean
  readonly environment: ProxyEnvironment
}

function upstreamOf(name: string, settings: Partial<Upstream>, shared: Shared): UpstreamSettings {
  const { username, password, passwordfile, realms = [], routes, revalidate = REVALIDATE, maxstale } = settings
  const at = `upstreams.${name}`
  const known = KNOWN_UPSTREAMS[name]
  const secret = passwordfile === undefined ? password : passwordIn(passwordfile, `${at}.passwordfile`)
  const own = settings.ca === undefined ? undefined : readFile(settings.ca, `${at}.ca`)
  const ca = [own, shared.ca].filter((text) => text !== undefined).join('\n')
  return {
    ...{ name, realms, revalidate, isDefault: settings.default ?? false, library: known?.library ?? false },
    url: new URL(settings.url ?? known?.url ?? `https://${name}`),
    routes: routesFor({
      own: routes && readRoutes(routes, `${at}.routes`),
      shared: shared.routes,
      environment: shared.environment,
    }),
    ...(username !== undefined && { username }),
    ...(secret !== undefined && { password: secret }),
    ...(ca !== '' && { ca }),
    ...(maxstale !== undefined && { maxstale }),
    ...(settings.cacheonly ? { cacheOnly: 'cacheonly' } : shared.offline ? { cacheOnly: 'offline' } : {}),
  }
}

/** registry:2's one upstream. Of a registry that is known, its usual names mean the API that it has. */
function proxied({ remoteurl, username, password }: NonNullable<Config['proxy']>, shared: Shared): UpstreamSettings {
  const url = new URL(remoteurl)
  const name = registryName(url.host)
  const isName = url.hostname === name && url.port === '' && KNOWN_UPSTREAMS[name] !== undefined
  return upstreamOf(
    name,
    {
      default: true,
      ...(!isName && { url: remoteurl }),
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    },
    shared,
  )
}

function readRoutes(routes: Routes, at: string): RouteOption[] {
  return routes.map((route, index) => {
    const place = `${at}[${index}]`
    if (typeof route === 'string') return readRoute(route, place)
    const option = readRoute(route.url, `${place}.url`)
    if (route.ca === undefined || option.kind === 'direct') return option
    return { ...option, ca: readFile(route.ca, `${place}.ca`) }
  })
}

function passwordIn(path: string, setting: string): Secret {
  const [first = ''] = readFile(path, setting).split(/\r?\n/)
  if (first !== '') return new Secret(first)
  throw new OperatorError(`${setting}: '${path}' has nothing in its first line`, 'write the password there')
}

function readFile(path: string, setting: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new OperatorError(
      `${setting}: '${path}' cannot be read: ${why}`,
      'name a file that is there, and that this user may read',
    )
  }
}
