import { registryName } from '../base/registry-name.ts'
import { isObject } from './plain.ts'
import { keyPlace, type Path, type Places, type Problem, type Warning } from './problems.ts'

/** What of older or mistaken ways of writing is understood, as today's. */
export interface Modern {
  readonly value: unknown
  readonly problems: readonly Problem[]
  readonly warnings: readonly (Omit<Warning, 'place'> & { readonly at: number | string })[]
  readonly moved: readonly { readonly from: Path; readonly to: Path }[]
}

const MOVED = [
  { from: ['http', 'accesslog'], to: ['log', 'accesslog'], hint: 'move it there: registry:2 ignores it here' },
  { from: ['loglevel'], to: ['log', 'level'], hint: 'move it there: it is the older name' },
] as const

const DRIVERS = ['filesystem', 'inmemory', 's3', 's3aws', 'azure', 'gcs', 'swift', 'oss'] as const

/** `embedded`: the text came with the program: its storage driver and its default upstream count for none beside others. */
export function modernForm(value: unknown, places: Places, embedded: boolean): Modern {
  if (!isObject(value)) return { value, problems: [], warnings: [], moved: [] }
  const root = structuredClone(value)
  for (const name of ['storage', 'auth']) {
    const word = root[name]
    if (typeof word === 'string') root[name] = { [word]: {} }
  }
  const moved = MOVED.filter(({ from, to }) => move(root, from, to))
  const warnings = moved.map(({ from, to, hint }) => ({
    at: keyPlace(from, places),
    message: `${from.join('.')} is read as ${to.join('.')}`,
    hint,
  }))
  const problems = driverProblems(root, places, embedded)
  if (embedded) stepBackBehindProxy(root, places)
  return { value: root, problems, warnings: [...warnings, ...valueWarnings(root, places)], moved }
}

/** Whether it was there. What is at the right place already has the last word. */
function move(
  root: Record<string, unknown>,
  from: readonly string[],
  [section, key]: readonly [string, string],
): boolean {
  const name = from.at(-1) ?? ''
  const holder = from.length === 1 ? root : root[from[0] ?? '']
  if (!isObject(holder) || !Object.hasOwn(holder, name)) return false
  const { [name]: value } = holder
  const there = root[section] ?? {}
  if (!isObject(there)) return false
  delete holder[name]
  if (value !== null) root[section] = { [key]: value, ...there }
  return true
}

/** Values that are understood, and mean something else here. */
function valueWarnings({ http, validation }: Record<string, unknown>, places: Places): Modern['warnings'] {
  // As registry:2 has it: `enabled` turns on what `disabled` turns off, and does nothing else.
  if (isObject(validation) && validation['enabled'] === true && validation['disabled'] === true) {
    validation['disabled'] = false
  }
  const warnings: { at: number | string; message: string; hint: string }[] = []
  const { minimumtls } = isObject(http) && isObject(http['tls']) ? http['tls'] : {}
  if (minimumtls === 'tls1.0' || minimumtls === 'tls1.1') {
    warnings.push({
      at: keyPlace(['http', 'tls', 'minimumtls'], places),
      message: `http.tls.minimumtls: ${minimumtls} is read as tls1.2`,
      hint: 'write tls1.2: older ones are broken',
    })
  }
  if (isObject(http) && http['relativeurls'] === false) {
    warnings.push({
      at: keyPlace(['http', 'relativeurls'], places),
      message: 'http.relativeurls: false changes nothing: a Location is a path in any case',
      hint: 'leave it out: a path leads back to this server by whatever name it was reached',
    })
  }
  const debug = isObject(http) && isObject(http['debug']) ? http['debug'] : {}
  if (isObject(debug['prometheus']) && debug['prometheus']['enabled'] === true && !debug['addr']) {
    warnings.push({
      at: keyPlace(['http', 'debug', 'prometheus'], places),
      message: 'http.debug.prometheus changes nothing: http.debug.addr is where metrics are told, and is not set',
      hint: 'set it, to 127.0.0.1:5001 for example',
    })
  }
  return warnings
}

/** `proxy` is the default upstream where it is set, by a variable, beside upstreams that came with the program. */
function stepBackBehindProxy({ proxy, upstreams }: Record<string, unknown>, places: Places): void {
  const remote = isObject(proxy) ? proxy['remoteurl'] : undefined
  if (typeof remote !== 'string' || !URL.canParse(remote) || !isObject(upstreams)) return
  delete upstreams[registryName(new URL(remote).host)]
  for (const [name, upstream] of Object.entries(upstreams)) {
    const ours = typeof keyPlace(['upstreams', name, 'default'], places) === 'number'
    if (ours && isObject(upstream)) delete upstream['default']
  }
}

/** Takes an embedded driver out where another one is set. */
function driverProblems(root: Record<string, unknown>, places: Places, embedded: boolean): Problem[] {
  const { storage } = root
  if (!isObject(storage)) return []
  const all = DRIVERS.filter((name) => Object.hasOwn(storage, name))
  const isOurs = (name: string) => embedded && typeof keyPlace(['storage', name], places) === 'number'
  const theirs = all.filter((name) => !isOurs(name))
  if (theirs.length > 0) for (const name of all.filter(isOurs)) delete storage[name]
  if (theirs.length < 2) return []
  for (const name of theirs.filter((name) => name !== 'filesystem')) delete storage[name]
  return theirs.map((name) => ({
    at: keyPlace(['storage', name], places),
    message: `storage.${name}: is one of ${theirs.length} storage drivers, ${theirs.join(' and ')}; leave one`,
  }))
}
