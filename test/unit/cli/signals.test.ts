import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

const SIGNALS = new URL('../../../src/cli/signals.ts', import.meta.url)
const SCRIPT = `import { endSignal } from ${JSON.stringify(SIGNALS)}
  using end = endSignal()
  const alive = setInterval(() => {}, 1000)
  end.signal.addEventListener('abort', () => {
    console.log(end.signal.reason.message)
    process.stdin.once('data', () => clearInterval(alive))
  })
  await new Promise((resolve) => setImmediate(resolve))
  console.log('ready')
  await new Promise(() => {})`

async function started() {
  const child = spawn(process.execPath, ['--eval', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'], timeout: 30_000 })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async () => (await lines.next()).value
  assert.equal(await line(), 'ready')
  return { child, line, ended: once(child, 'exit') }
}

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  test(`the first ${name} is told, and does not end the process`, async () => {
    const { child, line, ended } = await started()
    child.kill(name)
    assert.equal(await line(), `Ended by ${name}`)
    child.kill('SIGKILL')
    assert.deepEqual(await ended, [null, 'SIGKILL'])
  })
}

test('a signal that npm passes on beside that of the terminal is the same one', async () => {
  const { child, line, ended } = await started()
  child.kill('SIGINT')
  assert.equal(await line(), 'Ended by SIGINT')
  await delay(100)
  child.kill('SIGINT')
  await delay(200)
  assert.equal(child.exitCode ?? child.signalCode, null)
  child.kill('SIGKILL')
  await ended
})

test('a second signal ends the process at once', async () => {
  const { child, line, ended } = await started()
  child.kill('SIGINT')
  assert.equal(await line(), 'Ended by SIGINT')
  await delay(1200)
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [null, 'SIGTERM'])
})
