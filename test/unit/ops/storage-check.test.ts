import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lateProblem, readProblem, writeProblem } from '../../../src/ops/storage-check.ts'

const failed = (code: string) => Object.assign(new Error(`${code}: /srv/secret`), { code })

// biome-ignore format: one case a line
const CASES: readonly [of: string, error: unknown, explain: typeof readProblem, says: RegExp, full: boolean][] = [
  ['a missing folder', failed('ENOENT'), readProblem, /is its disk mounted/, false],
  ['a disk that fails to read', failed('EIO'), readProblem, /fails to read \(EIO\)/, false],
  ['a folder of somebody else', failed('EACCES'), readProblem, /may not be read/, false],
  ['another failure of reading', failed('ESTALE'), readProblem, /\(ESTALE\)/, false],
  ['a full disk', failed('ENOSPC'), writeProblem, /no room.*pulls go on/, true],
  ['a used quota', failed('EDQUOT'), writeProblem, /quota.*pulls go on/, true],
  ['a read-only disk', failed('EROFS'), writeProblem, /read-only.*pulls go on/, false],
  ['a disk that fails to write', failed('EIO'), writeProblem, /\(EIO\).*pulls go on/, false],
  ['a folder that may not be written', failed('EACCES'), writeProblem, /may not be written.*pulls go on/, false],
  ['what the system gave no code', new Error('/srv/secret'), writeProblem, /no code/, false],
]

for (const [of, error, explain, says, full] of CASES) {
  test(`storage check: ${of} is told as what it is, and without a path`, () => {
    const problem = explain(error)
    assert.match(problem.message, says)
    assert.doesNotMatch(problem.message, /secret/)
    assert.equal(problem.full === true, full)
  })
}

test('storage check: a disk that does not answer is told with the time that it had', () => {
  assert.match(lateProblem('write', 10_000).message, /not answered a write for 10 s/)
})
