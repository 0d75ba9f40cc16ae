import type { ProxyWay } from './way.ts'

/** Value of `Proxy-Authorization`, if the proxy has a user. It goes to that proxy, and to nobody else. */
export function proxyAuthorization({ username, password }: ProxyWay): string | undefined {
  if (username === undefined && password === undefined) return undefined
  return `Basic ${Buffer.from(`${username ?? ''}:${password?.reveal() ?? ''}`).toString('base64')}`
}
