import type { Cause, Failure } from './upstream.ts'

/** Which of several failures says most of what is wrong: the nearer to the image, the more. */
const TELLING: readonly Cause[] = [
  'not-found',
  'rate-limited',
  'credentials-rejected',
  'denied',
  'blocked',
  'upstream-broken',
  'tls-untrusted',
  'proxy-refused',
  'name-not-resolved',
  'connection-refused',
  'timeout',
]

/** Of equals the latest. */
export function mostTelling(failures: readonly Failure[]): Failure | undefined {
  return failures.toSorted((one, other) => rank(one) - rank(other) || other.at - one.at)[0]
}

function rank({ cause }: Failure): number {
  return TELLING.indexOf(cause)
}
