import { runSuite } from './test/run-suite.ts'
import { FAST } from './test/suites.ts'
import { isGood, report } from './test/tally.ts'

// Less than a minute, for every save. `npm test` runs all there is.
const tally = await runSuite(FAST)
console.log(`\n${report(tally)}`)
if (!isGood(tally, { maySkip: !process.env['CI'] })) process.exitCode = 1
