import type { Failure } from './upstream.ts'

/** What a failure is called to people: what was tried, by which way, what came back, and what to do. */
export function sentenceOf({ upstream, host, hop, route, cause }: Failure): string {
  return `${upstream} could not be asked: ${cause} at ${host} (${hop}), by ${route}`
}
