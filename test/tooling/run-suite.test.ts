import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../../tools/command.ts'
import { isGood, NOTHING, report, sumOf, type Tally, tallyOfStep } from '../../tools/test/tally.ts'
import { run } from '../helpers/processes.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const HEAD = `import { after, describe, test } from 'node:test'\n`

for (const { name, text, passed = 0, failed = [], skipped = [] } of [
  { name: 'tests that pass', text: `test('one', () => {}); test('two', async () => {})`, passed: 2 },
  {
    name: 'the first line of why one failed',
    text: `test('breaks', () => { throw new Error('the reason\\nmore') })`,
    failed: ['breaks: the reason'],
  },
  {
    name: 'a skipped test with its reason',
    text: `test('needs it', { skip: 'it is not here' }, () => {})`,
    skipped: ['needs it: it is not here'],
  },
  {
    name: 'a test that is still to do as skipped',
    text: `test('later', { todo: true }, () => {})`,
    skipped: ['later: to do'],
  },
  {
    name: 'the tests of a suite, not the suite',
    text: `describe('suite', () => { test('in it', () => {}); test('breaks', () => { throw new Error('so') }) })`,
    passed: 1,
    failed: ['breaks: so'],
  },
  {
    name: 'a suite that breaks itself',
    text: `describe('suite', () => { test('in it', () => {}); after(() => { throw new Error('at the end') }) })`,
    passed: 1,
    failed: ['suite: at the end'],
  },
  {
    name: 'a suite that is skipped',
    text: `describe('suite', { skip: 'not now' }, () => { test('in it', () => {}) })`,
    skipped: ['suite: not now'],
  },
  {
    name: 'a file that breaks before its tests',
    text: `throw new Error('at once')`,
    failed: ['FILE: test failed'],
  },
  {
    name: 'a file that something keeps alive, instead of waiting for ever',
    text: `test('leaves a timer', () => { setInterval(() => {}, 1000) })`,
    passed: 1,
    failed: ['FILE: test failed'],
  },
] satisfies { name: string; text: string; passed?: number; failed?: string[]; skipped?: string[] }[]) {
  test(`counts ${name}`, async () => {
    await using folder = await temporaryFolder()
    const file = folder.at('a.test.ts')
    await writeFile(file, HEAD + text)
    const tally = await tallyOf(folder.path)
    const remarks = (list: Tally['failed']) =>
      list.map((remark) => `${remark.name}: ${remark.because}`.replace(/^\S+: /, '').replace(file, 'FILE'))
    assert.deepEqual(
      { passed: tally.passed, failed: remarks(tally.failed), skipped: remarks(tally.skipped) },
      { passed, failed, skipped },
    )
  })
}

test('a folder without tests counts nothing', async () => {
  await using folder = await temporaryFolder()
  assert.deepEqual(await tallyOf(folder.path), NOTHING)
})

test('the last line is the sum, after a line for each that failed or was skipped', () => {
  const tally = sumOf([
    { passed: 3, failed: [], skipped: [{ name: 'podman', because: 'needs root' }] },
    tallyOfStep('npm run check', undefined),
    tallyOfStep('apt-get', 'ended with 100'),
  ])
  assert.equal(
    report(tally),
    'skipped: podman: needs root\nfailed: apt-get: ended with 100\n4 passed, 1 failed, 1 skipped',
  )
})

for (const [failed, skipped, maySkip, good] of [
  [0, 0, true, true],
  [0, 0, false, true],
  [0, 1, true, true],
  [0, 1, false, false],
  [1, 0, true, false],
  [1, 0, false, false],
] as const) {
  const where = maySkip ? 'elsewhere' : 'under CI'
  test(`${where} a run with ${failed} failed and ${skipped} skipped is ${good ? 'good' : 'bad'}`, () => {
    const remark = { name: 'a', because: 'b' }
    const tally = { passed: 1, failed: Array(failed).fill(remark), skipped: Array(skipped).fill(remark) }
    assert.equal(isGood(tally, { maySkip }), good)
  })
}

/** In a process of its own, that is no test: node:test passes over a run inside a run. */
async function tallyOf(folder: string): Promise<Tally> {
  const suite = { name: 'tried', where: [folder], timeoutMs: 10_000 }
  const script = `import { runSuite } from '${pathToFileURL(join(ROOT, 'tools/test/run-suite.ts'))}'
    console.log('\\n' + JSON.stringify(await runSuite(${JSON.stringify(suite)})))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
    env: { NODE_TEST_CONTEXT: undefined },
  })
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Tally
}
