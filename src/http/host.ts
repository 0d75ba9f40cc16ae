import type { Arrival } from './route.ts'

/** Where the client reached us, as it or a trusted proxy tells. */
export function hostOf({ origin, headers }: Pick<Arrival, 'origin' | 'headers'>): string {
  return origin?.host ?? headers['host'] ?? ''
}

/** `hub.lan` of `Hub.lan.:5000`. */
export function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
}
