import { homedir } from 'node:os'
import { join } from 'node:path'
import { GO_TARGETS, type GoTargetName } from './targets.ts'

/** Where built Go tools are kept from run to run. */
export function goCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { HOMEPORT_GO_TOOLS, XDG_CACHE_HOME } = environment
  return HOMEPORT_GO_TOOLS ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'homeport/go-tools')
}

/**
 * The folder of one target, named for its version.
 *
 * Invariant: it is there only when it is whole: it is built beside and then renamed. Another version is another folder.
 */
export function goTargetFolder(name: GoTargetName, cache: string = goCacheFolder()): string {
  return join(cache, `${name}@${GO_TARGETS[name].version}`)
}
