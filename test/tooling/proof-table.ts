import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { ROOT } from '../../tools/command.ts'

/** `file`: “name of a test”, “another”; or `waits for` something. */
const PROOF = /`([^`]+)`: ((?:“[^”]+”(?:, )?)+)|waits for (.+?)(?=;|$)/g

/** Holds that a table of what is proven has each number once, in order, and names only tests that are there. */
export function testProofTable(file: string, numbers: readonly string[]): void {
  const rows = readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, id, against, proof] = /^\| ([A-Z]+-?\d+) \| (.+?) \| (.+) \|$/.exec(line) ?? []
      return id === undefined || against === undefined || proof === undefined ? [] : [{ id, against, proof }]
    })

  test(`${file} has every number once, in order`, () => {
    assert.deepEqual(
      rows.map(({ id }) => id),
      numbers,
    )
  })

  suite(`what ${file} names is there`, () => {
    for (const { id, proof } of rows) {
      test(`${id} names tests that are there, or what it waits for`, () => {
        const proofs = [...proof.matchAll(PROOF)]
        assert.equal(proofs.map(([whole]) => whole).join('; '), proof, 'it cannot be read')
        for (const [, named, names = '', wait] of proofs) {
          if (wait !== undefined) continue
          const path = join(ROOT, named ?? '')
          assert.ok(existsSync(path), `${named} is not there`)
          const text = readFileSync(path, 'utf8')
          for (const [, name = ''] of names.matchAll(/“([^”]+)”/g))
            assert.ok(text.includes(name), `${named} has no “${name}”`)
        }
      })
    }
  })
}
