import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { ROOT } from '../../tools/command.ts'

function numbers(letter: string, last: number, without: readonly number[] = []): string[] {
  return Array.from({ length: last }, (_, index) => index + 1)
    .filter((number) => !without.includes(number))
    .map((number) => `${letter}${number}`)
}

/** Threats, experiments and promises. The numbers that are left out were never given. */
const NUMBERS = [...numbers('T', 48, [12, 20, 25, 31, 36, 43]), ...numbers('D-', 27), ...numbers('P-', 25)]

/** `file`: “name of a test”, “another”; or `waits for` something. */
const PROOF = /`([^`]+)`: ((?:“[^”]+”(?:, )?)+)|waits for (.+?)(?=;|$)/g

const rows = readFileSync(join(ROOT, 'test/security.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, id, against, proof] = /^\| ([TDP]-?\d+) \| (.+?) \| (.+) \|$/.exec(line) ?? []
    return id === undefined || against === undefined || proof === undefined ? [] : [{ id, against, proof }]
  })

test('the table of what is proven has every number once, in order', () => {
  assert.deepEqual(
    rows.map(({ id }) => id),
    NUMBERS,
  )
})

suite('what the table names is there', () => {
  for (const { id, proof } of rows) {
    test(`${id} names tests that are there, or what it waits for`, () => {
      const proofs = [...proof.matchAll(PROOF)]
      assert.equal(proofs.map(([whole]) => whole).join('; '), proof, 'it cannot be read')
      for (const [, file, names = '', wait] of proofs) {
        if (wait !== undefined) continue
        const path = join(ROOT, file ?? '')
        assert.ok(existsSync(path), `${file} is not there`)
        const text = readFileSync(path, 'utf8')
        for (const [, name = ''] of names.matchAll(/“([^”]+)”/g))
          assert.ok(text.includes(name), `${file} has no “${name}”`)
      }
    })
  }
})
