import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

const SIGNALS = new URL('../../../src/cli/signals.ts', import.meta.url)
const SCRIPT = `import { endSignal } from ${JSON.stringify(SIGNALS)}
  using end = endSignal()
  setInterval(() => {}, 1000)
  end.signal.addEventListener('abort', () => console.log(end.signal.reason.message))
  console.log('ready')
  await new Promise(() => {})`

/** A process that waits for signals. It is killed at the end of its block. */
async function started() {
  const child = spawn(process.execPath, ['--eval', SCRIPT], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 10_000,
    killSignal: 'SIGKILL',
  })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async () => (await lines.next()).value
  assert.equal(await line(), 'ready')
  const running = () => child.exitCode === null && child.signalCode === null
  return { child, line, ended, running, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  test(`the first ${name} is told, and does not end the process`, async () => {
    using subject = await started()
    subject.child.kill(name)
    assert.equal(await subject.line(), `Ended by ${name}`)
    assert.ok(subject.running())
  })
}

test('a signal that npm passes on beside that of the terminal is the same one', async () => {
  using subject = await started()
  subject.child.kill('SIGINT')
  assert.equal(await subject.line(), 'Ended by SIGINT')
  await delay(100)
  subject.child.kill('SIGINT')
  await delay(200)
  assert.ok(subject.running())
})

test('a second signal ends the process at once', async () => {
  using subject = await started()
  subject.child.kill('SIGINT')
  assert.equal(await subject.line(), 'Ended by SIGINT')
  await delay(1200)
  subject.child.kill('SIGTERM')
  assert.deepEqual(await subject.ended, [null, 'SIGTERM'])
})
