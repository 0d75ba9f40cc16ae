import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { lockVolume } from '../../../src/catalog/volume-lock.ts'
import { type RunningProcess, start } from '../../helpers/processes.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const MODULE = new URL('../../../src/catalog/volume-lock.ts', import.meta.url).href

/** A process that takes the lock, says so or why not, and stays. */
function startHolder(path: string): RunningProcess {
  const code = `
    const { lockVolume } = await import(${JSON.stringify(MODULE)})
    try { globalThis.lock = lockVolume(${JSON.stringify(path)}); console.log('has it') } catch (error) { console.log(error.message) }
    setInterval(() => {}, 1000)`
  return start(process.execPath, ['--input-type=module', '-e', code])
}

async function lockPath(folder: { at(...parts: string[]): string }): Promise<string> {
  await mkdir(folder.at('homeport'))
  return folder.at('homeport', 'lock.db')
}

test('a second process is told who holds the folder, since when, and what to do', async () => {
  await using folder = await temporaryFolder()
  const path = await lockPath(folder)
  const before = Date.now()
  await using first = startHolder(path)
  await first.output(/has it/)
  assert.throws(
    () => lockVolume(path),
    (error) => {
      assert.ok(error instanceof OperatorError)
      const [, pid, since] = /^The folder '.*' is in use by process (\d+) since (\S+)$/.exec(error.message) ?? []
      assert.equal(Number(pid), first.pid)
      assert.ok(Date.parse(since ?? '') >= before && Date.parse(since ?? '') <= Date.now())
      assert.ok(error.message.includes(`'${folder.path}'`))
      assert.match(error.hint ?? '', /stop it first/)
      return true
    },
  )
})

test('after kill -9 of the first the second has it at once', async () => {
  await using folder = await temporaryFolder()
  const path = await lockPath(folder)
  await using first = startHolder(path)
  await first.output(/has it/)
  await first.kill()
  using _lock = lockVolume(path)
  await using third = startHolder(path)
  const [, pid] = await third.output(/in use by process (\d+)/)
  assert.equal(Number(pid), process.pid)
})

test('a lock that was let go is free, in the same process too', async () => {
  await using folder = await temporaryFolder()
  const path = await lockPath(folder)
  {
    using lock = lockVolume(path)
    assert.throws(() => lockVolume(path), { name: 'OperatorError' })
    lock[Symbol.dispose]()
  }
  using _again = lockVolume(path)
})

test('of many that start at once, one has it', async () => {
  await using folder = await temporaryFolder()
  const path = await lockPath(folder)
  await using stack = new AsyncDisposableStack()
  const processes = Array.from({ length: 6 }, () => stack.use(startHolder(path)))
  const said = await Promise.all(processes.map((each) => each.output(/has it|in use by/)))
  assert.equal(said.filter(([text]) => text === 'has it').length, 1)
})

test('a folder that is not there is a mistake of the operator', async () => {
  await using folder = await temporaryFolder()
  assert.throws(() => lockVolume(folder.at('no', 'lock.db')), {
    name: 'OperatorError',
    message: /cannot be taken: this user may not write there/,
    hint: /chown/,
  })
})

test('a lock that a power cut left as zeros, or half, is taken all the same, and holds', async () => {
  for (const left of [Buffer.alloc(8192), Buffer.alloc(100, 'x')]) {
    await using folder = await temporaryFolder()
    const path = await lockPath(folder)
    await writeFile(path, left)
    using _lock = lockVolume(path)
    await using second = startHolder(path)
    const [, pid] = await second.output(/in use by process (\d+)/)
    assert.equal(Number(pid), process.pid)
  }
})
