import assert from 'node:assert/strict'
import { appendFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { judgeLook, watchFiles } from '../../../src/base/watched-files.ts'
import { steeredWatch } from '../../helpers/steered-watch.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

// biome-ignore format: one case a line
const cases: [name: string, looks: { taken?: string; pending?: string }, seen: string, verdict: string][] = [
  ['the first one', {}, 'a', 'settling'],
  ['a second one that agrees with the first', { pending: 'a' }, 'a', 'take'],
  ['a second one that does not', { pending: 'a' }, 'b', 'settling'],
  ['one at what was taken', { taken: 'a' }, 'a', 'same'],
  ['one at a change', { taken: 'a' }, 'b', 'settling'],
  ['one at a change that stayed', { taken: 'a', pending: 'b' }, 'b', 'take'],
  ['one at a change that goes on', { taken: 'a', pending: 'b' }, 'c', 'settling'],
  ['one at a change that was taken back', { taken: 'a', pending: 'b' }, 'a', 'same'],
]

for (const [name, looks, seen, verdict] of cases) {
  test(`a look, ${name}, means: ${verdict}`, () => assert.equal(judgeLook(looks, seen), verdict))
}

async function watching() {
  const folder = await temporaryFolder()
  const path = folder.at('file')
  writeFileSync(path, 'one')
  const steered = steeredWatch()
  const told: string[] = []
  let midway = () => {}
  const watch = watchFiles(
    {
      paths: [path],
      async read() {
        const text = await readFile(path, 'utf8')
        midway()
        return text
      },
      taken: (text) => told.push(text),
      failed: (error) => told.push(String((error as NodeJS.ErrnoException).code)),
    },
    steered.options,
  )
  await steered.pass(2000)
  await steered.pass(500)
  return {
    ...{ folder, path, told, pass: steered.pass },
    duringRead: (act: () => void) => (midway = act),
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('a file is read once, and no more while it stays as it is', async () => {
  await using watched = await watching()
  await watched.pass(2000)
  await watched.pass(2000)
  assert.deepEqual(watched.told, ['one'])
})

test('a change is taken when two looks half a second apart agree, and not before', async () => {
  await using watched = await watching()
  const { path, told, pass } = watched
  writeFileSync(path, 'half')
  await pass(2000)
  appendFileSync(path, ' and half')
  await pass(500)
  assert.deepEqual(told, ['one'])
  await pass(500)
  assert.deepEqual(told, ['one', 'half and half'])
  await pass(2000)
  assert.deepEqual(told.length, 2)
})

test('what changes while it is read is not taken', async () => {
  await using watched = await watching()
  const { path, told, pass, duringRead } = watched
  writeFileSync(path, 'two')
  duringRead(() => writeFileSync(path, 'three!'))
  await pass(2000)
  await pass(500)
  assert.deepEqual(told, ['one'])
  duringRead(() => {})
  await pass(2000)
  await pass(500)
  assert.deepEqual(told, ['one', 'three!'])
})

test('a rename over it, a link turned to another file, and a removal are changes; a failure is told once', async () => {
  await using watched = await watching()
  const { folder, path, told, pass } = watched
  writeFileSync(folder.at('new'), 'two')
  renameSync(folder.at('new'), path)
  await pass(2000)
  await pass(500)
  writeFileSync(folder.at('target'), 'six')
  symlinkSync('target', folder.at('link'))
  renameSync(folder.at('link'), path)
  await pass(2000)
  await pass(500)
  rmSync(path)
  await pass(2000)
  await pass(500)
  await pass(2000)
  assert.deepEqual(told, ['one', 'two', 'six', 'ENOENT'])
})
