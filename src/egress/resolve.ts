import { lookup } from 'node:dns/promises'
import { isAddress } from '../base/address-range.ts'
import { unlessAborted } from '../base/unless-aborted.ts'
import { EgressError } from './egress.ts'
import { codeOf } from './error-code.ts'
import type { Peer } from './way.ts'

/** A host name into its addresses, the best first; throws what the system says. */
export type Resolve = (name: string) => Promise<readonly string[]>

/** As every program of this machine resolves: its hosts file, then DNS. Neither IPv4 nor IPv6 is preferred over it. */
export async function systemResolve(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, order: 'verbatim' })
  return found.map(({ address }) => address)
}

/**
 * Asks once for everybody who wants a name at the same time.
 *
 * The system's lookups take threads that reading files needs too, and cannot be called off: with DNS dead, each request
 * would leave one behind for as long as the system is patient.
 */
export function shareResolve(resolve: Resolve): Resolve {
  const running = new Map<string, Promise<readonly string[]>>()
  return (name) => {
    const asked = running.get(name)
    if (asked !== undefined) return asked
    const answer = resolve(name).finally(() => running.delete(name))
    running.set(name, answer)
    return answer
  }
}

interface AddressOptions {
  readonly resolve: Resolve
  readonly signal: AbortSignal
}

/** Addresses of a host, which may be one itself. Throws an `EgressError` of hop `dns`, or the reason of the signal. */
export async function addressesOf(
  { host, peer }: Peer,
  { resolve, signal }: AddressOptions,
): Promise<readonly string[]> {
  if (isAddress(host)) return [host]
  try {
    const found = await unlessAborted(resolve(host), signal)
    if (found.length > 0) return found
  } catch (error) {
    signal.throwIfAborted()
    throw new EgressError('dns', 'not-resolved', { peer, ...codeOf(error), cause: error })
  }
  throw new EgressError('dns', 'not-resolved', { peer })
}
