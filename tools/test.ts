import { runCommand } from './command.ts'
import { buildGoTools } from './test/build-go-tools.ts'
import { installPackages } from './test/install-packages.ts'
import { runSuite } from './test/run-suite.ts'
import { CLIENTS, CONFORMANCE, FAST, SERVER } from './test/suites.ts'
import { isGood, report, sumOf, tallyOfStep } from './test/tally.ts'

// Everything there is: checks, packages, tests from fast to slow. With `CI` set nothing may be skipped.
const check = await runCommand(['node', 'tools/check.ts'])
const packages = await installPackages()
// Minutes where the cache is empty; the tests that need no Go tool run meanwhile.
const building = buildGoTools()
const tallies = [
  tallyOfStep('npm run check', check.code === 0 ? undefined : 'see above'),
  packages,
  await runSuite(FAST),
  await runSuite(SERVER),
  await building,
  await runSuite(CONFORMANCE),
  await runSuite(CLIENTS),
]
const tally = sumOf(tallies)
console.log(`\n${report(tally)}`)
if (!isGood(tally, { maySkip: !process.env['CI'] })) process.exitCode = 1
