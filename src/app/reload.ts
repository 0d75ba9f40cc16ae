import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../base/log.ts'
import { Secret } from '../base/secret.ts'
import type { Config } from '../config/settings.ts'

/** What a running server takes from another configuration. All else needs a restart. */
const TAKEN = ['log.level', 'http.headers', 'access', 'groups']

/** Keeps what of the configuration is in force. */
export class Reloading {
  readonly #atStart: Config
  readonly #log: Log
  #now: Config

  constructor(config: Config, log: Log) {
    this.#atStart = config
    this.#now = config
    this.#log = log
  }

  /** The last one that was taken; only `TAKEN` may be read from it. */
  get now(): Config {
    return this.#now
  }

  /** Takes what can be taken, and names in one warning what waits for a restart. */
  take(next: Config): void {
    this.#now = next
    this.#log.setLevel(next.log.level)
    this.#log.info({ level: next.log.level }, `the configuration was read anew: ${TAKEN.join(', ')} are taken`)
    const waiting = changedKeys(this.#atStart, next).filter((key) => !TAKEN.some((taken) => isIn(key, taken)))
    if (waiting.length === 0) return
    this.#log.warn({ settings: waiting }, `a restart is needed for what else has changed: ${waiting.join(', ')}`)
  }
}

function isIn(key: string, section: string): boolean {
  return key === section || key.startsWith(`${section}.`)
}

/** Where two configurations differ, by the names of the settings. */
export function changedKeys(before: unknown, after: unknown, at = ''): string[] {
  if (!isSection(before) || !isSection(after)) return equal(before, after) ? [] : [at]
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].flatMap((key) => changedKeys(before[key], after[key], at === '' ? key : `${at}.${key}`))
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function equal(before: unknown, after: unknown): boolean {
  // To a comparison of objects all secrets are alike.
  if (before instanceof Secret && after instanceof Secret) return before.reveal() === after.reveal()
  if (Array.isArray(before) && Array.isArray(after)) {
    return before.length === after.length && changedKeys({ ...before }, { ...after }).length === 0
  }
  return isDeepStrictEqual(before, after)
}
