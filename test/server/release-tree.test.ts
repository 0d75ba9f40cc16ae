import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ROOT, runCommand } from '../../tools/command.ts'
import { start } from '../helpers/processes.ts'
import { startServer } from '../helpers/server.ts'
import { type TemporaryFolder, temporaryFolder } from '../helpers/temporary.ts'

const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }
let folder: TemporaryFolder

before(async () => {
  folder = await temporaryFolder()
  const built = await runCommand(['node', 'tools/build.ts', folder.at('home port')], { output: 'capture' })
  assert.equal(built.code, 0, built.text)
  // As it is installed, so that a dependency of development that it needs is missed. npm finds no Node but its own.
  const installed = await runCommand(['npm', 'ci', '--omit=dev', '--prefer-offline'], {
    cwd: folder.at('home port'),
    output: 'capture',
  })
  assert.equal(installed.code, 0, installed.text)
})

after(() => folder[Symbol.asyncDispose]())

for (const { kind, launcherOf } of [
  { kind: 'the checkout', launcherOf: () => join(ROOT, 'homeport') },
  { kind: 'the release tree', launcherOf: () => folder.at('home port/homeport') },
]) {
  // Nothing of the checkout on the PATH: each tree brings its Node along, or takes a new one of the machine.
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin' }

  test(`${kind} tells its version`, async () => {
    await using child = start(launcherOf(), ['--version'], { cwd: '/', env })
    assert.deepEqual(await child.ended, { code: 0, signal: null, stdout: `homeport ${version}\n`, stderr: '' })
  })

  test(`${kind} does not understand an unknown command`, async () => {
    await using child = start(launcherOf(), ['no-such-command'], { env })
    const { code, stderr } = await child.ended
    assert.equal(code, 2)
    assert.match(stderr, /no-such-command/)
  })

  test(`${kind} serves in the process that was started, takes a password, and ends cleanly on SIGTERM`, async () => {
    await using server = await startServer({ launcher: launcherOf(), env, users: { ann: 'secret' } })
    const { argv0 } = await aboutProcess(server.process.pid)
    assert.match(argv0, /node$/)
    // Writer and password threads are files of their own, which a release must have too.
    const answer = await fetch(`${server.url}/v2/`, { headers: { authorization: `Basic ${btoa('ann:secret')}` } })
    assert.equal(answer.status, 200)
    assert.equal((await server.stop()).code, 0)
  })

  test(`${kind}: SIGKILL meets the server itself, and leaves the port free`, async () => {
    await using server = await startServer({ launcher: launcherOf(), env })
    server.process.signal('SIGKILL')
    assert.equal((await server.process.ended).signal, 'SIGKILL')
    await assert.rejects(fetch(`${server.url}/v2/`))
  })
}

async function aboutProcess(pid: number): Promise<{ argv0: string }> {
  const [argv0 = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
  return { argv0 }
}
