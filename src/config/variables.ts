import { parseDocument } from 'yaml'
import { isObject, plainOf } from './plain.ts'
import { repairSaid, repairValue } from './repair.ts'
import { bare, childOf, isList, isMap, isOpaque, isText, type Part, sectionsOf } from './schema-walk.ts'
import { withoutSource } from './source.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Path = readonly (string | number)[]

/** What variables did to a configuration. */
export interface Applied {
  readonly value: unknown
  /** Which variable set what, in the order in which they were read. */
  readonly set: readonly { readonly path: Path; readonly name: string }[]
  readonly problems: readonly { readonly name: string; readonly message: string }[]
  readonly warnings: readonly { readonly name: string; readonly message: string; readonly hint?: string }[]
  /** Variables that others set: Kubernetes for a service called `registry`, podman. */
  readonly ignored: readonly string[]
}

const PREFIX = 'REGISTRY_'
const NOT_SETTINGS = new Set(['REGISTRY_CONFIGURATION_PATH'])
/** Of podman and its kin: where they keep passwords for registries. */
const OF_CLIENTS = new Set(['REGISTRY_AUTH_FILE'])
/** Of Kubernetes, for a service called `registry`, or `registry-…`. No setting is called so: a test sees to that. */
const OF_KUBERNETES =
  /^REGISTRY_(?:\w+_)?(?:PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?|SERVICE_(?:HOST|PORT(?:_\w+)?))$/

/** registry:2 names variables after fields of its code, which are not always called as the keys are. */
const FIELDS: Readonly<Record<string, string>> = { FILECHECKERS: 'file', HTTPCHECKERS: 'http', TCPCHECKERS: 'tcp' }

/** Sections that may be given as a word: `storage: filesystem`, `auth: none`. */
const WORDS = ['storage', 'auth']

/**
 * Applies `REGISTRY_*` as registry:2 does: in the order of their names, so that `REGISTRY_STORAGE` resets what
 * `REGISTRY_STORAGE_…` then refines; values are YAML; names of maps are matched in any case of letters, and new ones
 * are in lower case; a number is a place in a list, its length appends.
 */
export function applyVariables(value: unknown, environment: Environment, table: Part): Applied {
  const applied = { set: [], problems: [], warnings: [], ignored: [] } as Omit<Mutable, 'value'>
  const root = structuredClone(isObject(value) ? value : {})
  const names = Object.keys(environment).filter((name) => name.startsWith(PREFIX) && !NOT_SETTINGS.has(name))
  for (const name of names.toSorted()) {
    const text = environment[name]
    if (text === undefined) continue
    if (isOfOthers(name)) applied.ignored.push(name)
    else applyOne({ name, text, root, table }, applied)
  }
  return { ...applied, value: isObject(value) || value === undefined || value === null ? root : value }
}

/** Whether a variable that looks like a setting is one of another program's. */
export function isOfOthers(name: string): boolean {
  return OF_CLIENTS.has(name) || OF_KUBERNETES.test(name)
}

interface Mutable {
  value: unknown
  set: { path: Path; name: string }[]
  problems: { name: string; message: string }[]
  warnings: { name: string; message: string; hint?: string }[]
  ignored: string[]
}

interface One {
  readonly name: string
  readonly text: string
  readonly root: Record<string, unknown>
  readonly table: Part
}

function applyOne({ name, text, root, table }: One, applied: Omit<Mutable, 'value'>): void {
  const target = find({ parts: name.slice(PREFIX.length).split('_'), part: table, value: root, path: [] })
  if (target === undefined || target.path[0] === 'version') {
    applied.warnings.push({ name, message: 'is no setting, and changes nothing', hint: 'unset it, or see its name' })
    return
  }
  if (target.problem !== undefined) {
    applied.problems.push({ name, message: target.problem })
    return
  }
  const repaired = repairValue(text)
  if (repaired !== undefined) applied.warnings.push({ name, ...repairSaid(text, repaired) })
  const read = readValue(repaired ?? text, target.part)
  if ('problem' in read) {
    applied.problems.push({ name, message: read.problem })
    return
  }
  // A variable that is there and empty, as compose files make them, makes no section that was not there.
  const parent = target.path.slice(0, -1)
  if (read.value === null && target.path[0] !== 'auth' && !isThere(root, parent)) return
  setAt(root, target.path, read.value)
  applied.set.push({ path: target.path, name })
}

function isThere(root: unknown, path: Path): boolean {
  let at = root
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return false
    at = (at as Record<string | number, unknown>)[key]
  }
  return at !== undefined
}

interface Target {
  readonly path: Path
  readonly part: Part
  readonly problem?: string
}

interface Search {
  readonly parts: readonly string[]
  readonly part: Part
  /** What is there already. */
  readonly value: unknown
  readonly path: Path
}

function find({ parts, part, value, path }: Search): Target | undefined {
  const [first, ...rest] = parts
  if (first === undefined) return { path, part }
  // Whatever is below, it is passed over, or refused, as a whole.
  if (isOpaque(part)) return { path, part }
  const single = isMap(part) && isText(childOf(part, first) ?? part)
  if (single && rest.length > 0) return find({ parts: [parts.join('_')], part, value, path })
  const key = keyFor(first, part, value)
  if (key === undefined) return undefined
  if (typeof key === 'number' && key > listLength(value)) {
    return { path, part, problem: `is place ${key} of a list of ${listLength(value)}: places are counted from 0` }
  }
  const child = childOf(part, key)
  if (child === undefined) return undefined
  const inside =
    typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined
  return find({ parts: rest, part: child, value: inside, path: [...path, key] })
}

function keyFor(name: string, part: Part, value: unknown): string | number | undefined {
  if (isList(part)) return /^\d{1,4}$/.test(name) ? Number(name) : undefined
  if (isMap(part)) {
    const known = isObject(value) ? Object.keys(value) : []
    const key = known.find((key) => key.toUpperCase() === name.toUpperCase()) ?? name.toLowerCase()
    return key === '__proto__' ? undefined : key
  }
  const sections = Object.keys(sectionsOf(part) ?? {})
  return sections.find((key) => key.toUpperCase() === name) ?? sections.find((key) => key === FIELDS[name])
}

function listLength(value: unknown): number {
  return Array.isArray(value) ? value.length : 0
}

function readValue(text: string, part: Part): { value: unknown } | { problem: string } {
  const document = parseDocument(text, { merge: true, prettyErrors: false })
  const [error] = [...document.errors, ...document.warnings]
  try {
    if (error !== undefined) throw error
    const asText: unknown = parseDocument(text, { merge: true, schema: 'failsafe' }).toJS()
    return { value: plainOf(document.toJS(), asText, part) }
  } catch (cause) {
    // A password may be no YAML; a text is what it is.
    if (bare(part) !== part || sectionsOf(part) === undefined) {
      const plain = plainOf(0, text, part)
      if (plain === text) return { value: text }
    }
    return { problem: `is no YAML: ${withoutSource(cause instanceof Error ? cause.message : String(cause))}` }
  }
}

function setAt(root: Record<string, unknown>, path: Path, value: unknown): void {
  let at: Record<string | number, unknown> = root
  path.forEach((key, index) => {
    if (index === path.length - 1) {
      at[key] = value
      return
    }
    const there = at[key]
    const next = typeof path[index + 1] === 'number' ? [] : sectionOf(there, WORDS.includes(String(key)))
    at[key] = typeof there === 'object' && there !== null ? there : next
    at = at[key] as Record<string | number, unknown>
  })
}

/** A section to refine: of a word, the section that it stands for. */
function sectionOf(value: unknown, mayBeWord: boolean): Record<string, unknown> {
  return mayBeWord && typeof value === 'string' ? { [value]: {} } : {}
}
