import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../base/operator-error.ts'
import type { Warning } from './problems.ts'
import type { Source } from './source.ts'

/** Where registry:2 and registry:3 have theirs. */
export const PLACES = ['/etc/docker/registry/config.yml', '/etc/distribution/config.yml'] as const

const NOT_THERE = 'see that it is there, and in a container that it is mounted; --quickstart needs none'

/** The configuration of the image lies beside the program; in the place of registry:2's it is a copy. */
const OWN = join(import.meta.dirname, '../../container/config.yml')

/** A configuration, and why it is this one. */
export interface Found {
  readonly source: Source
  readonly because: string
}

export interface FindOptions {
  /** Of the command line. */
  readonly argument?: string | undefined
  /** `$REGISTRY_CONFIGURATION_PATH` is read. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** For tests. `undefined`: there is no such file. Throws where it cannot be read. */
  readonly readFile?: (path: string) => string | undefined
  readonly places?: readonly string[]
}

/**
 * The configuration to take: of the argument, else of the variable, which decide alone; else the one in the two places
 * of registry:2. The image's own counts for none where there is another. Throws an `OperatorError` where there is none,
 * or where two say different things.
 */
export function findConfig(options: FindOptions): Found {
  const { argument, environment, readFile = readIfThere, places = PLACES } = options
  const named = (path: string, because: string): Found => {
    const text = readFile(path)
    if (text === undefined) throw new OperatorError(`There is no configuration at '${path}'`, NOT_THERE)
    return { source: sourceOf(path, text, readFile), because }
  }
  if (argument !== undefined) return named(argument, 'it is named on the command line')
  const variable = environment['REGISTRY_CONFIGURATION_PATH']
  if (variable) return named(variable, '$REGISTRY_CONFIGURATION_PATH names it')

  const there = places.flatMap((path) => {
    const text = readFile(path)
    return text === undefined ? [] : [sourceOf(path, text, readFile)]
  })
  const theirs = there.filter(({ embedded }) => embedded !== true)
  const [first, second] = theirs.length > 0 ? theirs : there
  if (first === undefined) {
    throw new OperatorError(
      `There is no configuration: none is named, and neither ${places.map((path) => `'${path}'`).join(' nor ')} is there`,
      'name the config.yml, or try --quickstart',
    )
  }
  if (second !== undefined && second.text !== first.text) {
    throw new OperatorError(
      `There are two configurations, and they are not the same: '${first.name}' and '${second.name}'`,
      'name one of them, or take the other away',
    )
  }
  const because = first.embedded
    ? 'it is the one of the image, and there is no other'
    : `it is in the place of registry${first.name === places[0] ? ':2' : ' 3'}`
  return { source: first, because }
}

function sourceOf(name: string, text: string, readFile: (path: string) => string | undefined): Source {
  const own = text.includes("The image's own configuration") ? readFile(OWN) : undefined
  return { name, text, embedded: own === text }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === 'EISDIR') {
      throw new OperatorError(
        `The configuration '${path}' is a folder`,
        'docker makes one where the file that its -v names is not there: remove it, and put the file in its place',
      )
    }
    throw new OperatorError(
      `Cannot read the configuration '${path}': ${code === 'EACCES' ? 'this user may not' : message}`,
      'let this user read it (chown or chmod), or name another one',
    )
  }
}

/** No folder has the file any more: only a mount of it keeps it, and shows what it was. */
export function replacedOf(path: string): Warning[] {
  if (statSync(path, { throwIfNoEntry: false })?.nlink !== 0) return []
  const message = 'was replaced where it is mounted from, as most editors do, and this is still the old one'
  return [{ place: path, message, hint: 'restart the container' }]
}
