import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../../tools/command.ts'
import { forbidServices } from '../../tools/test/no-services.ts'
import { start } from '../helpers/processes.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const OLD = '#!/bin/sh\nexit 0\n'

test('no service is started while packages are installed, and none of it is left', async () => {
  await using folder = await temporaryFolder()
  const policy = folder.at('policy-rc.d')
  {
    using _ = forbidServices(policy)
    assert.match(readFileSync(policy, 'utf8'), /^#!\/bin\/sh\n[\s\S]*exit 101\n$/)
    assert.equal(statSync(policy).mode & 0o777, 0o755)
  }
  assert.deepEqual(readdirSync(folder.path), [])
})

test('the policy that was there is back afterwards, whatever was thrown', async () => {
  await using folder = await temporaryFolder()
  const policy = folder.at('policy-rc.d')
  writeFileSync(policy, OLD, { mode: 0o700 })
  assert.throws(() => {
    using _ = forbidServices(policy)
    throw new Error('apt-get failed')
  }, /apt-get failed/)
  assert.equal(readFileSync(policy, 'utf8'), OLD)
  assert.equal(statSync(policy).mode & 0o777, 0o700)
  assert.deepEqual(readdirSync(folder.path), ['policy-rc.d'])
})

test('a policy that is a link stays a link, also one that leads nowhere', async () => {
  await using folder = await temporaryFolder()
  const policy = folder.at('policy-rc.d')
  symlinkSync('nowhere', policy)
  forbidServices(policy)[Symbol.dispose]()
  assert.equal(existsSync(policy), false)
  assert.deepEqual(readdirSync(folder.path), ['policy-rc.d'])
})

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
  for (const before of [OLD, undefined]) {
    const state = before === undefined ? 'no policy' : 'the old policy'
    const when = signal === 'SIGKILL' ? 'is back after the next run, where one was killed' : `is back after ${signal}`
    test(`${state} ${when}`, async () => {
      await using folder = await temporaryFolder()
      const policy = folder.at('policy-rc.d')
      if (before !== undefined) writeFileSync(policy, before)
      const module = pathToFileURL(join(ROOT, 'tools/test/no-services.ts'))
      const script = `import { forbidServices } from '${module}'
        forbidServices('${policy}'); console.log('forbidden'); setInterval(() => {}, 1000)`
      await using child = start(process.execPath, ['--input-type=module-typescript', '--eval', script])
      await child.output(/forbidden/)
      child.signal(signal)
      assert.equal((await child.ended).signal, signal)
      if (signal === 'SIGKILL') forbidServices(policy)[Symbol.dispose]()
      assert.equal(existsSync(policy) ? readFileSync(policy, 'utf8') : undefined, before)
      assert.deepEqual(readdirSync(folder.path), before === undefined ? [] : ['policy-rc.d'])
    })
  }
}
