import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { ProcessFailed, run, start } from '../../helpers/processes.ts'
import { program } from '../../helpers/programs.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const HELPERS = join(import.meta.dirname, '../../helpers')

test('a program gets its input, and its output comes back', async () => {
  const { stdout, stderr } = await run(program('sh'), ['-c', 'cat; echo "$WORD" >&2'], {
    input: 'hello',
    env: { WORD: 'word' },
  })
  assert.deepEqual([stdout, stderr], ['hello', 'word\n'])
})

test('a program that fails is an error with all that it wrote', async () => {
  await assert.rejects(run(program('sh'), ['-c', 'echo out; echo err >&2; exit 3']), (error) => {
    assert(error instanceof ProcessFailed)
    assert.match(error.message, /ended with 3\nout\nerr\n/)
    assert.equal(error.outcome.code, 3)
    return true
  })
})

test('a program that is not there is an error', async () => {
  await assert.rejects(run('no-such-program', []), /ENOENT/)
})

test('a program that takes too long is killed, with all that it started', async () => {
  await using folder = await temporaryFolder()
  const script = `sleep 60 & echo $! > ${folder.at('pid')}; wait`
  await assert.rejects(run(program('sh'), ['-c', script], { timeoutMs: 300 }), /did not end within 300 ms/)
  await until(() => !alive(Number(readFileSync(folder.at('pid'), 'utf8'))))
})

test('output is awaited, and what came before counts', async () => {
  await using child = start(program('sh'), ['-c', 'echo port 42; exec sleep 60'])
  assert.equal((await child.output(/port (\d+)\n/))[1], '42')
  assert.equal((await child.output(/port/))[0], 'port')
})

test('waiting for output ends with the program', async () => {
  await using child = start(program('sh'), ['-c', 'echo something else'])
  await assert.rejects(child.output(/port/), /ended before it wrote.*something else/s)
})

test('a program has ended, though another that it left running holds its output open', async () => {
  await using child = start(program('sh'), ['-c', 'sleep 60 & echo $!'])
  const { stdout, code } = await child.ended
  assert.equal(code, 0)
  assert.equal(alive(Number(stdout)), true)
  await child.kill()
  await until(() => !alive(Number(stdout)))
})

test('a signal reaches the program, and how it ended is told', async () => {
  await using child = start(program('sleep'), ['60'])
  child.signal('SIGTERM')
  const { code, signal } = await child.ended
  assert.deepEqual([code, signal], [null, 'SIGTERM'])
})

test('nothing is left when the test process is killed: no process, no folder', async () => {
  const script = `
    import { start } from '${HELPERS}/processes.ts'
    import { temporaryFolder } from '${HELPERS}/temporary.ts'
    const [ended, kept] = [await temporaryFolder(), await temporaryFolder()]
    await ended[Symbol.asyncDispose]()
    const child = start('/bin/sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'])
    const [below] = await child.output(/\\d+/)
    console.log(JSON.stringify({ pids: [child.pid, Number(below)], folder: kept.path }))
    setInterval(() => {}, 1000)
  `
  await using killed = start(process.execPath, ['--input-type=module-typescript', '-e', script])
  const { pids, folder }: { pids: number[]; folder: string } = JSON.parse((await killed.output(/^\{.*\}$/m))[0])
  assert.deepEqual([existsSync(folder), ...pids.map(alive)], [true, true, true])
  killed.signal('SIGKILL')
  await killed.ended
  await until(() => !existsSync(folder) && !pids.some(alive))
})

/** For the end of what is nobody's child any more: there is no event to wait for. */
async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    assert.notEqual(tries, 200, `Not within ten seconds: ${holds}`)
    await setTimeout(50)
  }
}

/** A zombie, whose parent did not ask for its end yet, does not live. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
