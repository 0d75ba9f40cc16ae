import { buildGoTools } from './test/build-go-tools.ts'
import { runSuite } from './test/run-suite.ts'
import { CONFORMANCE } from './test/suites.ts'
import { isGood, report, sumOf } from './test/tally.ts'

// Both generations of the OCI's conformance program, with their counts; a run without them is no run.
const tally = sumOf([await buildGoTools(['conformance', 'conformance-2023']), await runSuite(CONFORMANCE)])
console.log(`\n${report(tally)}`)
if (!isGood(tally, { maySkip: false })) process.exitCode = 1
