import { OperatorError } from '../base/operator-error.ts'
import { findConfig, replacedOf } from '../config/find.ts'
import { type Loaded, loadConfig, QUICKSTART } from '../config/load.ts'
import type { Config } from '../config/settings.ts'
import type { Option } from './command.ts'

export interface Which {
  /** Of the command line. */
  readonly file: string | undefined
  readonly quickstart: boolean
  readonly lenient?: boolean
}

/** A configuration, with what is to be said of it. */
export interface Taken extends Loaded {
  /** What messages call it: the file, mostly. */
  readonly name: string
  readonly because: string
}

/** What a command that reads the configuration takes. */
export const LENIENT: Readonly<Record<string, Option>> = {
  lenient: { help: 'Keys that are no settings are warnings' },
}

/** The configuration that a command line, or what is there, names. Throws an `OperatorError` with all that is wrong. */
export function takeConfig({ file, quickstart, lenient = false }: Which): Taken {
  if (file !== undefined && quickstart) {
    throw new OperatorError(`Both '${file}' and --quickstart say what the configuration is`, 'leave out one of them')
  }
  const environment = process.env
  const found = quickstart
    ? { source: QUICKSTART, because: '--quickstart asks for it' }
    : findConfig({ argument: file, environment })
  const { name } = found.source
  const loaded = loadConfig(found.source, { environment, lenient })
  return { ...loaded, warnings: [...replacedOf(name), ...loaded.warnings], name, because: found.because }
}

/** The same, for a command that needs no more of it. */
export function configOf(which: Which): Config {
  return takeConfig(which).config
}
