import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { needs } from '../../helpers/programs.ts'
import { startRegistry2 } from '../../helpers/registry2.ts'
import { htpasswdOf, startServer } from '../../helpers/server.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'
import { askerOf } from './ask.ts'
import { type Row, rowsOf } from './differences.ts'
import { type Difference, differencesBetween, type Step } from './step.ts'
import { STEPS, STEPS_WITHOUT_DELETES } from './steps.ts'

const USERS = { ann: 'secret' }
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const CREDENTIALS = { somebody: basic('ann:secret'), wrong: basic('ann:wrong'), unknown: basic('bob:secret') }

/** Of the configuration that is in registry:2's image. */
const STOCK_HEADERS = { 'X-Content-Type-Options': ['nosniff'] }

describe('Homeport in the place of registry:2', needs('docker-registry'), () => {
  const found: Difference[] = []
  const rows = rowsOf('docs/differences.md', '## Requests')

  before(async () => {
    found.push(...(await ask(STEPS, true)), ...(await ask(STEPS_WITHOUT_DELETES, false)))
  })

  after(() => {
    if (process.env['SHOW_DIFFERENCES']) for (const difference of found) console.log(told(difference))
  })

  test('is asked at least 150 different things', () => {
    const names = [...STEPS, ...STEPS_WITHOUT_DELETES].map(({ name }) => name)
    assert.ok(names.length >= 150, String(names.length))
    assert.equal(new Set(names).size, names.length)
  })

  test('answers as it does, but for what docs/differences.md gives a reason for', () => {
    const unexplained = found.filter((difference) => !rows.some((row) => explains(row, difference)))
    assert.deepEqual(unexplained.map(told), [])
  })

  test('differs in everything that docs/differences.md says', () => {
    const idle = rows.filter((row) => !found.some((difference) => explains(row, difference)))
    assert.deepEqual(
      idle.map((row) => row.text),
      [],
    )
  })

  test('has a reason for each difference', () => {
    assert.deepEqual(
      rows.filter(({ why }) => why.length < 10).map(({ text }) => text),
      [],
    )
  })
})

/** Sends the same to both, each on a new folder. */
async function ask(steps: readonly Step[], deletes: boolean): Promise<Difference[]> {
  await using folder = await temporaryFolder()
  const htpasswd = folder.at('htpasswd')
  await writeFile(htpasswd, await htpasswdOf(USERS))
  await using registry2 = await startRegistry2(folder.at('data'), { htpasswd, deletes, headers: STOCK_HEADERS })
  await using server = await startServer({ users: USERS, deletes })
  const theirs = askerOf(registry2.host, CREDENTIALS)
  const ours = askerOf(server.host, CREDENTIALS)
  const found: Difference[] = []
  for (const step of steps) found.push(...differencesBetween(step.name, await theirs.ask(step), await ours.ask(step)))
  return found
}

function explains({ requests, what, registry2, homeport }: Row, difference: Difference): boolean {
  const holds = (patterns: readonly RegExp[], text: string) => patterns.some((pattern) => pattern.test(text))
  return (
    holds(requests, difference.step) &&
    holds(what, difference.what) &&
    holds(registry2, difference.registry2) &&
    holds(homeport, difference.homeport)
  )
}

function told({ step, what, registry2, homeport }: Difference): string {
  return `| ${step} | ${what} | ${registry2} | ${homeport} |`
}
