import { join } from 'node:path'
import { type Outcome, start } from './processes.ts'

/** The launcher: of the checkout, or of a release tree that `HOMEPORT_UNDER_TEST` names. */
const LAUNCHER = process.env['HOMEPORT_UNDER_TEST'] ?? join(import.meta.dirname, '../../homeport')

/** Runs a command of Homeport to its end, whatever its code. */
export async function homeport(...args: readonly string[]): Promise<Outcome> {
  await using child = start(LAUNCHER, args)
  return await child.ended
}
