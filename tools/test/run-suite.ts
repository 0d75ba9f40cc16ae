import { globSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, runCommand } from '../command.ts'
import type { Suite } from './suites.ts'
import { NOTHING, type Tally } from './tally.ts'

/** Runs a suite, shows what node:test shows, and counts. A runner that dies, or fails without a failed test, is a failure. */
export async function runSuite({ name, where, concurrency, compiledOnce, timeoutMs }: Suite): Promise<Tally> {
  const files = testFilesIn(where)
  if (files.length === 0) return NOTHING
  console.log(`\n${name}: ${files.length} files`)

  const folder = await mkdtemp(join(tmpdir(), 'homeport-tally-'))
  try {
    const destination = join(folder, 'tally.json')
    const args: [string, ...string[]] = [
      'node',
      '--test',
      `--test-timeout=${timeoutMs}`,
      ...(concurrency === undefined ? [] : [`--test-concurrency=${concurrency}`]),
      `--import=${join(import.meta.dirname, 'end-in-time.ts')}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${join(import.meta.dirname, 'tally-reporter.ts')}`,
      `--test-reporter-destination=${destination}`,
      ...files,
    ]
    const env = compiledOnce === true ? { NODE_COMPILE_CACHE: join(folder, 'compiled') } : {}
    const { code } = await runCommand(args, { env })
    const text = await readFile(destination, 'utf8').catch(() => '')
    const tally: Tally = text === '' ? NOTHING : JSON.parse(text)
    if (code === 0 || tally.failed.length > 0) return tally
    return { ...tally, failed: [{ name: `${name} tests`, because: `the test runner ended with ${code}` }] }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function testFilesIn(where: readonly string[]): readonly string[] {
  const patterns = where.map((place) => (place.endsWith('.ts') ? place : `${place}/**/*.test.ts`))
  return globSync(patterns, { cwd: ROOT }).sort()
}
