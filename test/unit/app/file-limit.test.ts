import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileLimit, mostConnections } from '../../../src/app/file-limit.ts'

for (const [files, most] of [
  [50, 16],
  [80, 16],
  [256, 64],
  [1024, 448],
  [524_288, 262_080],
] as const) {
  test(`of ${files} files ${most} connections may have two each`, () => assert.equal(mostConnections(files), most))
}

test('the limit of open files is the one that holds for this process', async () => {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const line = limits.split('\n').find((text) => text.startsWith('Max open files'))
  const soft = line?.split(/ {2,}/)[1]
  assert.equal(await fileLimit(), soft === undefined || soft === 'unlimited' ? undefined : Number(soft))
})
