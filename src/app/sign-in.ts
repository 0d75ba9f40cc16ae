import type { AccessSettings } from '../auth/access.ts'
import { type MainSignIn, openSignIn } from '../auth/sign-in.ts'
import type { Log } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import { registryName } from '../base/registry-name.ts'
import type { Config } from '../config/settings.ts'

/** Who may come in, as `auth`, `access` and `groups` say. */
export function signInOf(config: Config, { log, metrics }: { log: Log; metrics: Metrics }): MainSignIn {
  const { auth, proxy, upstreams = {} } = config
  const first = proxy === undefined ? [] : [registryName(new URL(proxy.remoteurl).host)]
  return openSignIn({
    ...{ htpasswd: auth?.htpasswd, access: accessSettings(config), log, metrics },
    upstreams: [...first, ...Object.keys(upstreams)],
    now: () => performance.now(),
  })
}

/** `undefined`: there are no rules. */
export function accessSettings({ access, groups = {} }: Pick<Config, 'access' | 'groups'>): AccessSettings | undefined {
  return access === undefined ? undefined : { rules: access, groups }
}
