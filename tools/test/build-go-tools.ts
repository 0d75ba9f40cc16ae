import { runCommand } from '../command.ts'
import { buildGoTarget } from '../go/build-target.ts'
import { goCacheFolder } from '../go/cache-folder.ts'
import { GO_TARGETS, type GoTargetName } from '../go/targets.ts'
import { NOTHING, sumOf, type Tally, tallyOfStep } from './tally.ts'

/** Builds what the tests need and Debian lacks, one after the other and niced, beside whatever else runs. */
export async function buildGoTools(
  names: readonly GoTargetName[] = Object.keys(GO_TARGETS) as GoTargetName[],
): Promise<Tally> {
  const { code } = await runCommand(['go', 'version'], { output: 'capture' })
  if (code !== 0) {
    const because = 'there is no Go: install Go 1.26 or newer'
    return { ...NOTHING, skipped: [{ name: `Go tools (${names.join(', ')})`, because }] }
  }
  const cache = goCacheFolder()
  const tallies: Tally[] = []
  for (const name of names) {
    try {
      if ((await buildGoTarget(name, cache)) === 'built') console.log(`built ${name} into ${cache}`)
    } catch (error) {
      tallies.push(tallyOfStep(`Go tool ${name}`, error instanceof Error ? error.message : String(error)))
    }
  }
  return sumOf(tallies)
}
