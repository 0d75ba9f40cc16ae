import { stringify } from 'yaml'
import * as z from 'zod'
import { OperatorError } from '../base/operator-error.ts'
import { mirrorLogins } from './mirror-logins.ts'
import { modernForm } from './older-forms.ts'
import { openToAll } from './open-to-all.ts'
import { isObject, plainOf } from './plain.ts'
import { idleKeys, keyName, keyPlace, type Places, type Problem, problemOf, type Warning } from './problems.ts'
import { type ProxyVariables, readProxyVariables } from './proxy-variables.ts'
import { childOf, isOpaque, type Part } from './schema-walk.ts'
import { type Config, SETTINGS } from './settings.ts'
import { withoutPasswords } from './shown.ts'
import { readSource, type Source } from './source.ts'
import { tokenAddressUnknown } from './token-address.ts'
import { applyVariables } from './variables.ts'

export interface Loaded {
  readonly config: Config
  readonly warnings: readonly Warning[]
  /** Variables that look like settings and are another program's: Kubernetes', podman's. */
  readonly ignored: readonly string[]
  /** Outbound proxies of the environment. */
  readonly proxies: ProxyVariables
}

export interface LoadOptions {
  /** Of these the ones that begin with `REGISTRY_` are read. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Keys that are no settings are warnings. */
  readonly lenient?: boolean
}

const EMBEDDED = `version: 0.1
storage: { filesystem: { rootdirectory: ./data }, delete: { enabled: true } }
http: { addr: 127.0.0.1:5000 }
health: { storagedriver: { enabled: true, threshold: 3 } }
upstreams: { docker.io: { default: true }, ghcr.io: {}, quay.io: {}, registry.k8s.io: {} }
`

/** What `homeport serve --quickstart` runs with: on this machine only, beside the current folder, open to all on it. */
export const QUICKSTART: Source = { text: EMBEDDED, name: 'the quickstart', embedded: true }

/** Reads a configuration and the variables over it. Throws an `OperatorError` with every problem that they have. */
export function loadConfig(source: Source, { environment = {}, lenient = false }: LoadOptions = {}): Loaded {
  const read = readSource(source)
  const place = (at: number | string) => (typeof at === 'string' ? at : read.place(at))
  const fail = (problems: readonly Problem[]) => failure(problems, place)
  if (read.problems.length > 0) throw fail(read.problems)
  if (read.document.contents === null) {
    throw new OperatorError(
      `The configuration '${source.name}' is empty`,
      'write one there; docs/configuration.md has every key',
    )
  }

  const applied = applyVariables(plainOf(read.value, read.asText, SETTINGS), environment, SETTINGS)
  const written = { document: read.document, set: applied.set }
  const modern = modernForm(applied.value, written, source.embedded === true)
  const places: Places = { ...written, moved: modern.moved }
  const plain = plainOf(modern.value, undefined, SETTINGS)
  const checked = check(plain, places)
  const unknown = lenient ? checked.unknown : []
  const problems = withoutFollowing([
    ...applied.problems.map(({ name, message }) => ({ at: name, message })),
    ...modern.problems,
    ...checked.problems,
    ...(lenient ? [] : checked.unknown),
  ])
  if (problems.length > 0 || checked.config === undefined) throw fail(problems)

  const { proxies, warnings: ofProxies } = readProxyVariables(environment)
  const idle = idleKeys(plain, SETTINGS).map(({ path, because }) => ({
    at: keyPlace(path, places),
    message: `${keyName(path)} changes nothing here: ${because}`,
  }))
  return {
    config: checked.config,
    ignored: applied.ignored,
    proxies,
    warnings: [
      ...read.warnings,
      ...applied.warnings.map(({ name, ...said }) => ({ place: name, ...said })),
      ...[...modern.warnings, ...unknown, ...idle].map(({ at, ...said }) => ({ place: place(at), ...said })),
      ...ofProxies,
      ...openToAll(checked.config),
      ...tokenAddressUnknown(checked.config),
      ...mirrorLogins(checked.config),
    ],
  }
}

/** The configuration in force as YAML, defaults included, secrets as `***`. Loads back to the same but for these. */
export function formatConfig(config: Config): string {
  return stringify(plainConfig(config))
}

/** The same as a value, for JSON. */
export function plainConfig(config: Config): unknown {
  return masked(z.encode(SETTINGS, config), SETTINGS)
}

/** `part`: where in the table it is. What nobody reads is not looked through for secrets either: all of it may be one. */
function masked(value: unknown, part: Part | undefined): unknown {
  if (value === undefined) return undefined
  if (part !== undefined && isOpaque(part)) return '***'
  if (typeof value === 'string') return withoutPasswords(value)
  if (Array.isArray(value)) return value.map((inside) => masked(inside, part && childOf(part, 0)))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inside]) => [key, masked(inside, part && childOf(part, key))]),
  )
}

interface Checked {
  readonly config?: Config
  readonly problems: readonly Problem[]
  /** Keys that are no settings. */
  readonly unknown: readonly Problem[]
}

/** With unknown keys the rest is checked as if they were not there. */
function check(plain: unknown, places: Places): Checked {
  const result = SETTINGS.safeParse(plain)
  if (result.success) return { config: result.data, problems: [], unknown: [] }
  const strangers = result.error.issues.filter((issue) => issue.code === 'unrecognized_keys')
  const others = result.error.issues.filter((issue) => issue.code !== 'unrecognized_keys')
  const unknown = strangers.flatMap((issue) => problemOf(issue, places, plain))
  const problems = others.flatMap((issue) => problemOf(issue, places, plain))
  if (strangers.length === 0 || problems.length > 0) return { problems, unknown }
  const without = structuredClone(plain)
  for (const { path, keys } of strangers) removeKeys(without, path, keys)
  const again = SETTINGS.safeParse(without)
  if (again.success) return { config: again.data, problems: [], unknown }
  return { problems: again.error.issues.flatMap((issue) => problemOf(issue, places, without)), unknown }
}

/** Where a driver is refused, that ours is missing says nothing more. */
function withoutFollowing(problems: readonly Problem[]): readonly Problem[] {
  const refused = problems.some(({ message }) => /^storage\.(?!filesystem)\w+: /.test(message))
  return refused ? problems.filter(({ message }) => message !== 'storage.filesystem: is missing') : problems
}

function removeKeys(value: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  let at = value as Record<PropertyKey, unknown>
  for (const part of path) at = at[part] as Record<PropertyKey, unknown>
  for (const key of keys) delete at[key]
}

/** In the order of the file; variables after it. */
function failure(problems: readonly Problem[], place: (at: number | string) => string): OperatorError {
  const order = ({ at }: Problem) => (typeof at === 'number' ? at : Infinity)
  const told = problems
    .toSorted((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b)))
    .map(({ at, message }) => `${place(at)} ${message}`)
  const many = told.length === 1 ? 'a problem' : `${told.length} problems`
  return new OperatorError([`The configuration has ${many}:`, ...told].join('\n'))
}
