import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { BcryptPool } from '../../../src/auth/bcrypt-pool.ts'
import { run } from '../../helpers/processes.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

// Made by `htpasswd -nbB` of apache2-utils 2.4; the second with a password of 80 bytes.
const SECRET = '$2y$05$Ak4zuhPM3fCRlEIAaqIm.eSdaXvxbg7YuWjvgrtcv3rFoJj68rmZi'
const LONG = '$2y$04$/dGcQENQOMiw..oZLuEIIOQ9frf5yxeAlHlMJUdTvVPK2V74Isnfe'
const NEVER = 60_000

// biome-ignore format: one case a line
const cases: [name: string, password: string, hash: string, answer: boolean][] = [
  ['the password of a real htpasswd line', 'secret', SECRET, true],
  ['the same under $2a$', 'secret', SECRET.replace('2y', '2a'), true],
  ['the same under $2b$', 'secret', SECRET.replace('2y', '2b'), true],
  ['a longer one', 'secret1', SECRET, false],
  ['an empty one', '', SECRET, false],
  ['one of 80 bytes', 'x'.repeat(80), LONG, true],
  ['its first 72 bytes', 'x'.repeat(72), LONG, true],
  ['its first 71 bytes', 'x'.repeat(71), LONG, false],
]

for (const [name, password, hash, answer] of cases) {
  test(`bcrypt: ${name} is ${answer ? 'right' : 'wrong'}`, async () => {
    await using pool = new BcryptPool({ threads: 1, idleMs: NEVER })
    assert.equal(await pool.compare('ann', { password, hash }), answer)
  })
}

test('threads start at the first password, and no more than allowed', async () => {
  await using pool = new BcryptPool({ threads: 2, idleMs: NEVER })
  assert.equal(pool.threads, 0)
  const answers = Array.from({ length: 6 }, () => pool.compare('ann', { password: 'secret', hash: SECRET }))
  assert.equal(pool.threads, 2)
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([true]))
})

test('a thread is used again, and ended when it has been idle', async () => {
  await using pool = new BcryptPool({ threads: 1, idleMs: 50 })
  for (let turn = 0; turn < 2; turn += 1) {
    await pool.compare('ann', { password: 'secret', hash: SECRET })
    assert.equal(pool.threads, 1)
  }
  // The timer and the thread do not keep a process alive, so something here has to.
  for (const from = Date.now(); pool.threads > 0 && Date.now() - from < 10_000; ) await delay(10)
  assert.equal(pool.threads, 0)
  assert.equal(await pool.compare('ann', { password: 'secret', hash: SECRET }), true)
})

test('one who waits behind a flood in another lane waits for one of it, not for all', async () => {
  await using pool = new BcryptPool({ threads: 1, idleMs: NEVER })
  const order: string[] = []
  const ask = async (lane: string) => {
    await pool.compare(lane, { password: 'secret', hash: SECRET })
    order.push(lane)
  }
  await Promise.all([ask('flood'), ask('flood'), ask('flood'), ask('flood'), ask('ann'), ask('bob')])
  assert.deepEqual(order, ['flood', 'flood', 'ann', 'bob', 'flood', 'flood'])
})

test('a thread that fails fails its own question only', async () => {
  await using pool = new BcryptPool({ threads: 1, idleMs: NEVER })
  const bad = pool.compare('ann', { password: 'secret', hash: Symbol.iterator as unknown as string })
  const good = pool.compare('bob', { password: 'secret', hash: SECRET })
  await assert.rejects(bad, /could not be cloned/)
  assert.equal(await good, true)
})

test('closing ends the threads, and tells whoever waits', async () => {
  const pool = new BcryptPool({ threads: 1, idleMs: NEVER })
  const costly = SECRET.replace('$05$', '$16$')
  const waiting = Array.from({ length: 3 }, () => pool.compare('ann', { password: 'secret', hash: costly }))
  const outcomes = Promise.allSettled(waiting)
  await pool[Symbol.asyncDispose]()
  assert.equal(pool.threads, 0)
  assert.deepEqual(
    (await outcomes).map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  )
  await assert.rejects(pool.compare('ann', { password: 'secret', hash: SECRET }), /the server ends/)
})

test('an idle thread does not keep the process alive', async () => {
  await using folder = await temporaryFolder()
  const source = new URL('../../../src/auth/bcrypt-pool.ts', import.meta.url)
  await writeFile(
    folder.at('script.mjs'),
    `import { BcryptPool } from ${JSON.stringify(source)}
    const pool = new BcryptPool({ threads: 1, idleMs: ${NEVER} })
    console.log(await pool.compare('ann', { password: 'secret', hash: '${SECRET}' }))`,
  )
  const { stdout } = await run(process.execPath, [folder.at('script.mjs')], { timeoutMs: 30_000 })
  assert.equal(stdout, 'true\n')
})
