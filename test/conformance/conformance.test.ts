import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needs } from '../helpers/programs.ts'
import { startServer } from '../helpers/server.ts'
import { RUNS, type Skip } from './expected.ts'
import type { Case } from './junit.ts'
import { runConformance } from './run-program.ts'

const CREDENTIALS = { user: 'conformance', password: 'a password' }

for (const { name, generation, config = {}, options, passed, skipped } of RUNS) {
  const program = generation === 2023 ? 'conformance-2023' : 'conformance'

  test(`OCI conformance, ${name}: ${passed} pass, none fails`, needs(program), async (t) => {
    const users = { [CREDENTIALS.user]: CREDENTIALS.password }
    await using server = await startServer({ tls: true, users, config })
    const { code, report, complaints } = await runConformance(generation, { server, credentials: CREDENTIALS, options })

    const counts = { passed: report.passed.length, failed: report.failed.length, skipped: report.skipped.length }
    t.diagnostic(`${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
    for (const { number, because } of skipped) t.diagnostic(`${number} skipped: ${because}`)
    assert.equal(counts.failed, 0, `${counts.failed} cases failed\n\n${complaints}`)
    assert.equal(code, 0, `it ended with ${code}, although no case failed\n\n${complaints}`)
    assertSkips(report.skipped, skipped)
    assert.equal(counts.passed, passed)
    assert.deepEqual(
      server.log.filter(({ level }) => level !== 'info'),
      [],
    )
  })
}

/** Fails where a case was skipped that no row expects, or a row has another number. */
function assertSkips(found: readonly Case[], expected: readonly Skip[]): void {
  const unexpected = found.filter((one) => !expected.some((row) => covers(row, one)))
  assert.deepEqual(unexpected, [])
  const numbers = expected.map((row) => found.filter((one) => covers(row, one)).length)
  assert.deepEqual(
    numbers,
    expected.map(({ number }) => number),
  )
}

function covers({ cases, why }: Skip, found: Case): boolean {
  return cases.test(found.name) && why.test(found.why)
}
