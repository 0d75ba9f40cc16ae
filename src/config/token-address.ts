import type { Warning } from './problems.ts'
import type { Config } from './settings.ts'

/**
 * Clients are sent for tokens to the scheme by which the request came. Where a proxy ends TLS and is not believed, that
 * is http, to which most do not go.
 */
export function tokenAddressUnknown({ auth, access = [], http }: Config): Warning[] {
  const tokens = auth?.htpasswd !== undefined && access.some(({ who }) => [who].flat().includes('anonymous'))
  const proxied = http.host?.startsWith('https:') === true && http.tls === undefined
  if (!tokens || !proxied || http.trustedproxies.length > 0) return []
  return [
    {
      place: 'http.trustedproxies',
      message: `clients will be sent to http:// for tokens, though http.host is ${http.host}: no proxy is believed that says otherwise`,
      hint: 'name the proxy that ends TLS, like [127.0.0.1/32], and let it send X-Forwarded-Proto and -Host',
    },
  ]
}
