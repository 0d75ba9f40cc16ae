import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { enterNamespace, NAMESPACE_PROGRAMS } from '../../helpers/namespace.ts'
import { start } from '../../helpers/processes.ts'
import { needs, program } from '../../helpers/programs.ts'

const HELPERS = join(import.meta.dirname, '../../helpers')

test('what is written to /etc, /opt and /run is gone with the namespace', needs(...NAMESPACE_PROGRAMS), async () => {
  const path = (folder: string) => `/${folder}/homeport-test/file`
  await using namespace = await enterNamespace('registry.test')
  for (const folder of ['etc', 'opt', 'run', 'var/run']) {
    await namespace.write(path(folder), 'text\n')
    assert.equal((await namespace.run('/bin/cat', [path(folder)])).stdout, 'text\n')
    assert.equal(existsSync(path(folder)), false)
  }
})

test('a port outside is reached by the name inside', needs(...NAMESPACE_PROGRAMS, 'curl'), async (t) => {
  const server = createServer((_, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  await using namespace = await enterNamespace('registry.test')
  await namespace.expose((server.address() as AddressInfo).port, 5000)
  const curl = await namespace.run(program('curl'), ['--silent', 'http://registry.test:5000/'])
  assert.equal(curl.stdout, 'hello')
})

test('a port of the name inside is reached from outside', needs(...NAMESPACE_PROGRAMS), async () => {
  await using namespace = await enterNamespace('registry.test')
  const script = `require('node:http').createServer((_, r) => r.end('hello')).listen(5000, () => console.log('up'))`
  await namespace.start(process.execPath, ['-e', script]).output(/up/)
  const response = await fetch(`http://127.0.0.1:${await namespace.reach(5000)}/`)
  assert.equal(await response.text(), 'hello')
})

test('the end of a namespace ends a daemon in it, and removes its cgroups', needs(...NAMESPACE_PROGRAMS), async () => {
  const seconds = `600.${process.pid}`
  const namespace = await enterNamespace('registry.test')
  const group = join(existsSync('/sys/fs/cgroup/pids') ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup', namespace.cgroup)
  try {
    namespace.start(...daemon(seconds))
    await until(() => isRunning(seconds))
    await mkdir(join(group, 'container'), { recursive: true })
  } finally {
    await namespace[Symbol.asyncDispose]()
  }
  assert.equal(isRunning(seconds), false)
  assert.deepEqual([existsSync(group), existsSync(namespace.folder.path)], [false, false])
})

test('a namespace ends with the test process, when that is killed too', needs(...NAMESPACE_PROGRAMS), async () => {
  const seconds = `601.${process.pid}`
  const script = `
    import { enterNamespace } from '${HELPERS}/namespace.ts'
    const namespace = await enterNamespace('registry.test')
    namespace.start(...${JSON.stringify(daemon(seconds))})
    console.log('folder', namespace.folder.path)
    setInterval(() => {}, 1000)`
  await using child = start(process.execPath, ['--input-type=module-typescript', '--eval', script])
  const [, folder = ''] = await child.output(/^folder (.+)$/m)
  await until(() => isRunning(seconds) && existsSync(folder))
  child.signal('SIGKILL')
  await until(() => !isRunning(seconds) && !existsSync(folder))
})

/** In a session of its own, as daemons are: out of the reach of who ends process groups. */
function daemon(seconds: string): [command: string, args: string[]] {
  return [program('sh'), ['-c', 'setsid --fork sleep "$1" <&- >&- 2>&-', 'sh', seconds]]
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!condition()) {
    assert(Date.now() < deadline, `not within 20 s: ${condition}`)
    await setTimeout(20)
  }
}

function isRunning(seconds: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${seconds}\0`
    } catch {
      // No process, or one that has just ended.
      return false
    }
  })
}
