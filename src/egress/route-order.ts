import type { RouteOption } from './egress.ts'
import { readProxyVariable } from './route-option.ts'

/** `HTTP_PROXY` and its kin, by their names in lower case. */
export type ProxyEnvironment = Readonly<Partial<Record<'http_proxy' | 'https_proxy' | 'all_proxy', string>>>

interface RouteSources {
  /** `upstreams.X.routes`. */
  readonly own?: readonly RouteOption[] | undefined
  /** `egress.routes`. */
  readonly shared?: readonly RouteOption[] | undefined
  readonly environment: ProxyEnvironment
}

/**
 * The routes of an upstream: its own, else those for all, else what the environment says, else directly.
 *
 * Throws an `OperatorError` for a variable that cannot be read, if it is the one that decides.
 */
export function routesFor({ own, shared, environment }: RouteSources): readonly RouteOption[] {
  return own ?? shared ?? routesOfEnvironment(environment)
}

/** As Go does: `HTTPS_PROXY` for https, `HTTP_PROXY` for http; beside it, as curl does, `ALL_PROXY` where that is not set. */
function routesOfEnvironment({ http_proxy: http, https_proxy: https, all_proxy: all }: ProxyEnvironment) {
  const rest: RouteOption = all ? readProxyVariable(all, 'ALL_PROXY') : { kind: 'direct' }
  if (!http && !https) return [rest]
  return [
    { ...(https ? readProxyVariable(https, 'HTTPS_PROXY') : rest), only: 'https:' as const },
    { ...(http ? readProxyVariable(http, 'HTTP_PROXY') : rest), only: 'http:' as const },
  ]
}
