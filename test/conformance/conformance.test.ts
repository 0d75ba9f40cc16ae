import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needs } from '../helpers/programs.ts'
import { startServer } from '../helpers/server.ts'
import { RUNS, type Skip } from './expected.ts'
import type { Case } from './junit.ts'
import { runConformance } from './run-program.ts'

const CREDENTIALS = { user: 'conformance', password: 'a password' }

for (const { name, generation, config, options, passed, skipped } of RUNS) {
  test(
    `OCI conformance, ${name}: ${passed} pass, none fails`,
    needs(generation === 2023 ? 'conformance-2023' : 'conformance'),
    async (t) => {
      const users = { [CREDENTIALS.user]: CREDENTIALS.password }
      await using server = await startServer({ tls: true, users, ...(config && { config }) })
      const { code, report, complaints } = await runConformance(generation, {
        server,
        credentials: CREDENTIALS,
        options,
      })

      t.diagnostic(
        `${name}: ${report.passed.length} passed, ${report.failed.length} failed, ${report.skipped.length} skipped`,
      )
      for (const { number, because } of skipped) t.diagnostic(`${number} skipped: ${because}`)
      assert.equal(report.failed.length, 0, `${report.failed.length} cases failed\n\n${complaints}`)
      assert.equal(code, 0, `the program ended with ${code}, although no case failed\n${complaints}`)
      assert.deepEqual(
        report.skipped.filter((found) => !skipped.some((skip) => covers(skip, found))),
        [],
      )
      assert.deepEqual(
        skipped.map((skip) => ({ ...skip, number: report.skipped.filter((found) => covers(skip, found)).length })),
        skipped,
      )
      assert.equal(report.passed.length, passed)
    },
  )
}

function covers({ cases, why }: Skip, found: Case): boolean {
  return cases.test(found.name) && why.test(found.why)
}
