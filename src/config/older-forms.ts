import { isObject } from './plain.ts'
import { keyPlace, type Places, type Problem, type Warning } from './problems.ts'

/** What of older or mistaken ways of writing is understood, as today's. */
export interface Modern {
  readonly value: unknown
  readonly problems: readonly Problem[]
  readonly warnings: readonly (Omit<Warning, 'place'> & { readonly at: number | string })[]
}

const DRIVERS = ['filesystem', 'inmemory', 's3', 's3aws', 'azure', 'gcs', 'swift', 'oss'] as const

/** `embedded`: the text came with the program, so that its storage driver counts for none beside another. */
export function modernForm(value: unknown, places: Places, embedded: boolean): Modern {
  if (!isObject(value)) return { value, problems: [], warnings: [] }
  const root = structuredClone(value)
  const warnings: { at: number | string; message: string; hint?: string }[] = []
  for (const name of ['storage', 'auth']) {
    const word = root[name]
    if (typeof word === 'string') root[name] = { [word]: {} }
  }
  const { http, log, loglevel } = root
  if (isObject(http) && 'accesslog' in http) {
    const { accesslog, ...rest } = http
    root['http'] = rest
    root['log'] = { accesslog, ...(isObject(log) ? log : {}) }
    warnings.push({
      at: keyPlace(['http', 'accesslog'], places),
      message: 'http.accesslog is read as log.accesslog',
      hint: 'move it there: registry:2 ignores it here',
    })
  }
  if (loglevel !== undefined && loglevel !== null)
    root['log'] = { level: loglevel, ...(isObject(root['log']) ? root['log'] : {}) }
  return { value: root, warnings, problems: driverProblems(root, places, embedded) }
}

/** Takes an embedded driver out where another one is set. */
function driverProblems(root: Record<string, unknown>, places: Places, embedded: boolean): Problem[] {
  const { storage } = root
  if (!isObject(storage)) return []
  const drivers = DRIVERS.filter((name) => name in storage)
  const [first, ...others] = drivers
  if (first === undefined || others.length === 0) return []
  const isOurs = (name: string) => embedded && typeof keyPlace(['storage', name], places) === 'number'
  const chosen = drivers.filter((name) => !isOurs(name))
  if (chosen.length === 1) {
    for (const name of drivers.filter(isOurs)) delete storage[name]
    return []
  }
  for (const name of drivers.filter((name) => name !== 'filesystem')) delete storage[name]
  return drivers.map((name) => ({
    at: keyPlace(['storage', name], places),
    message: `storage.${name}: is one of ${drivers.length} storage drivers, ${drivers.join(' and ')}; leave one`,
  }))
}
