import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { openSignIn } from '../../../src/auth/sign-in.ts'
import { openLog } from '../../../src/base/log.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const log = openLog({ level: 'error', write: () => {} })
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`
const FROM = { peer: '192.0.2.1' }
const EVERYTHING = ['pull', 'push', 'delete'] as const

describe('where no users are configured', () => {
  for (const header of [undefined, 'Basic Og==', basic('ann:secret'), 'Bearer x', 'nonsense']) {
    test(`a caller with ${header ?? 'no header'} is nobody, and may do everything`, async () => {
      await using signIn = openSignIn({ log, now: Date.now })
      assert.equal(signIn.required, false)
      const caller = await signIn.callerFor(header, FROM)
      assert.equal(caller?.account, '')
      for (const action of EVERYTHING) assert.equal(caller?.may(action, 'team/app'), true)
    })
  }
})

describe('where users are configured', () => {
  async function withUsers(realm = 'homeport') {
    const folder = await temporaryFolder()
    // Made by `htpasswd -nbB -C 5 ann secret`.
    writeFileSync(folder.at('htpasswd'), 'ann:$2y$05$Ak4zuhPM3fCRlEIAaqIm.eSdaXvxbg7YuWjvgrtcv3rFoJj68rmZi\n')
    const signIn = openSignIn({ htpasswd: { realm, path: folder.at('htpasswd') }, log, now: Date.now })
    await folder[Symbol.asyncDispose]()
    return signIn
  }

  test('one of them is let in, and may do everything', async () => {
    await using signIn = await withUsers()
    assert.equal(signIn.required, true)
    const caller = await signIn.callerFor(basic('ann:secret'), FROM)
    assert.equal(caller?.account, 'ann')
    for (const action of EVERYTHING) assert.equal(caller?.may(action, 'team/app'), true)
  })

  for (const header of [undefined, 'Basic Og==', basic('ann:wrong'), basic('bob:secret'), 'Bearer x', 'nonsense']) {
    test(`a caller with ${header ?? 'no header'} is not let in`, async () => {
      await using signIn = await withUsers()
      assert.equal(await signIn.callerFor(header, FROM), undefined)
    })
  }

  test('a login that fails is a line with who and from where, and is counted; what is no login is neither', async () => {
    await using folder = await temporaryFolder()
    writeFileSync(folder.at('htpasswd'), 'ann:$2y$04$/dGcQENQOMiw..oZLuEIIOQ9frf5yxeAlHlMJUdTvVPK2V74Isnfe\n')
    const lines: Record<string, unknown>[] = []
    const counted: unknown[] = []
    await using signIn = openSignIn({
      htpasswd: { realm: 'homeport', path: folder.at('htpasswd') },
      log: openLog({ level: 'info', write: (line) => lines.push(JSON.parse(line)) }),
      metrics: {
        counter:
          ({ name }) =>
          (labels) =>
            counted.push([name, labels]),
      },
      now: () => 0,
    })
    for (const header of [undefined, 'Basic Og==', 'Bearer x', 'nonsense']) await signIn.callerFor(header, FROM)
    assert.deepEqual([lines, counted], [[], []])
    await signIn.callerFor(basic(`${'x'.repeat(1000)}:canary`), FROM)
    assert.equal(lines[0]?.['auth.user.name'], 'x'.repeat(128))
    assert.equal(lines[0]?.['http.request.remoteaddr'], FROM.peer)
    assert.doesNotMatch(JSON.stringify(lines), /canary/)
    for (let guess = 0; guess < 11; guess += 1) await signIn.callerFor(basic(`ann:${guess}`), FROM).catch(() => {})
    assert.equal(lines.length, 11)
    assert.deepEqual(
      counted.map((each) => JSON.stringify(each)),
      [
        ...Array(11).fill('["homeport_auth_failures_total",{"reason":"wrong"}]'),
        '["homeport_auth_failures_total",{"reason":"limited"}]',
      ],
    )
  })

  test('the challenge names the realm, quoted', async () => {
    await using signIn = await withUsers('my "lab" \\ 1')
    assert.equal(signIn.challenge, 'Basic realm="my \\"lab\\" \\\\ 1"')
  })
})
