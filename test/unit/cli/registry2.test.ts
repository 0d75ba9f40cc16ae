import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VolumeCall } from '../../../src/cli/command.ts'
import { exportRegistry2, importRegistry2 } from '../../../src/cli/registry2.ts'

/** Runs a command, and gives what it wants done to the volume. */
async function asked(
  command: typeof importRegistry2,
  args: string[],
  options: Readonly<Record<string, string | true | undefined>>,
): Promise<unknown> {
  if (command.data !== 'changes') throw new Error(`${command.name} does not change the folder`)
  let wanted: unknown
  const volume: VolumeCall['volume'] = {
    async perform(operation, given) {
      wanted = [operation, given]
      return 0
    },
    rebuild: () => Promise.reject(new Error('nobody asked for that')),
  }
  const terminal = { row() {}, paragraph() {}, text() {}, note() {}, progress() {} }
  await command.run({ args, options, terminal, signal: new AbortController().signal, exit() {}, volume })
  return wanted
}

for (const [command, args, options, expected] of [
  [importRegistry2, [], {}, ['importRegistry2', { names: [] }]],
  [importRegistry2, ['a', 'b/c'], { as: 'cached' }, ['importRegistry2', { names: ['a', 'b/c'], as: 'cached' }]],
  [importRegistry2, ['a'], { as: 'hosted' }, ['importRegistry2', { names: ['a'], as: 'hosted' }]],
  [exportRegistry2, [], {}, ['exportRegistry2', { check: false }]],
  [exportRegistry2, [], { check: true }, ['exportRegistry2', { check: true }]],
] as const) {
  test(`${command.name} ${args.join(' ')} ${JSON.stringify(options)} asks for ${JSON.stringify(expected)}`, async () => {
    assert.deepEqual(await asked(command, [...args], options), expected)
  })
}

for (const [args, options, message] of [
  [['a'], {}, /'a' is named, but not what to do with it/],
  [[], { as: 'cached' }, /names no repository/],
] as const) {
  test(`import registry2 ${args.join(' ')} ${JSON.stringify(options)} is a mistake with a remedy`, async () => {
    await assert.rejects(asked(importRegistry2, [...args], options), (error: Error & { hint?: string }) => {
      assert.equal(error.name, 'OperatorError')
      assert.match(error.message, message)
      assert.match(error.hint ?? '', /write/)
      return true
    })
  })
}
