import { registryName } from '../base/registry-name.ts'
import { Refusal } from '../oci/refusal.ts'
import { type Answer, refuse } from './dispatch.ts'
import { hostName, hostOf } from './host.ts'
import { outside } from './prefix.ts'

/** What a request says by the way that it took: which upstream alone is meant, whatever its path and query are. */
export interface Bindings {
  /** Names of upstreams: each may stand before `/v2/`. */
  readonly names: ReadonlySet<string>
  /** Host names by which one upstream is meant, in small letters. */
  readonly hosts: ReadonlyMap<string, string>
}

/**
 * Answers a request below the name of an upstream (`/docker.io/v2/…`), or at a host name that belongs to one, as
 * bound to it. What is told as an address keeps the name before it. Any other path before `/v2/` is no address.
 */
export function withBindings(answer: Answer, { names, hosts }: Bindings): Answer {
  if (names.size === 0) return answer
  return async (arrival) => {
    const byHost = hosts.get(hostName(hostOf(arrival)))
    const { before, target } = taken(arrival.target)
    if (before === undefined) return await answer(byHost === undefined ? arrival : { ...arrival, bound: byHost })
    const bound = registryName(before)
    // At the host name of an upstream there is no other.
    if (!names.has(bound) || (byHost !== undefined && byHost !== bound)) {
      const because = `'${before.slice(0, 140)}' stands before /v2/, and is no registry that is cached here`
      return refuse(new Refusal('route-unknown', { because }), arrival)
    }
    const outcome = await answer({ ...arrival, target, bound })
    return { ...outcome, reply: outside(outcome.reply, `/${before}/`) }
  }
}

/**
 * One component before `/v2`, and the rest. Nothing is decoded: what is written otherwise than the configuration has it
 * is another path.
 */
function taken(target: string): { readonly before?: string; readonly target: string } {
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const { before, rest } = /^\/(?<before>[^/?#]+)(?<rest>\/v2(?:[/?#].*)?)$/s.exec(local)?.groups ?? {}
  return before === undefined || rest === undefined || before === 'v2' ? { target } : { before, target: rest }
}
