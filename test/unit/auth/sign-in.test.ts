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

  test('the challenge names the realm, quoted', async () => {
    await using signIn = await withUsers('my "lab" \\ 1')
    assert.equal(signIn.challenge, 'Basic realm="my \\"lab\\" \\\\ 1"')
  })
})
