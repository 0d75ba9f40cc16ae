import type { Warning } from './problems.ts'
import { repairSaid, repairValue } from './repair.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The outbound proxies that the environment names, by the name of the variable in lower case. */
export type ProxyVariables = Readonly<Partial<Record<ProxyVariable, string>>>

const NAMES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'] as const
type ProxyVariable = (typeof NAMES)[number]

/** Reads `HTTP_PROXY` and its kin, in either case: where both are set, capitals win, as in Go. */
export function readProxyVariables(environment: Environment): {
  readonly proxies: ProxyVariables
  readonly warnings: readonly Warning[]
} {
  const proxies: Partial<Record<ProxyVariable, string>> = {}
  const warnings: Warning[] = []
  for (const name of NAMES) {
    for (const spelling of [name, name.toUpperCase()]) {
      const written = environment[spelling]
      if (!written) continue
      const repaired = repairValue(written)
      proxies[name] = repaired ?? written
      if (repaired !== undefined) warnings.push({ place: spelling, ...repairSaid(written, repaired) })
    }
  }
  return { proxies, warnings }
}
