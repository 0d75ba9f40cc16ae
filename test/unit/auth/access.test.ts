import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type AccessRule, accessByRules, OPEN_ACCESS, USERS_ONLY, usersNamed } from '../../../src/auth/access.ts'

const groups = { dev: ['ann', 'bob'], constructor: ['eve'] }
const HERE = '192.0.2.1'
const at = (account: string, peer = HERE) => ({ account, peer })

suite('rules', () => {
  const access = (...rules: readonly AccessRule[]) => accessByRules({ rules, groups })

  test('add up, in whatever order, and take nothing away', () => {
    const rules: AccessRule[] = [
      { who: 'anonymous', may: ['pull'], repositories: ['a/*'] },
      { who: 'ann', may: ['push'], repositories: ['a/*', 'b'] },
      { who: ['group:dev'], may: ['pull'], repositories: ['b'] },
    ]
    for (const order of [rules, rules.toReversed()]) {
      const { may } = access(...order)
      assert.equal(may(at('ann'), 'pull', 'a/x'), true)
      assert.equal(may(at('ann'), 'push', 'a/x'), true)
      assert.equal(may(at('ann'), 'pull', 'b'), true)
      assert.equal(may(at('ann'), 'delete', 'a/x'), false)
      assert.equal(may(at('bob'), 'push', 'b'), false)
      assert.equal(may(at(''), 'pull', 'b'), false)
    }
  })

  test('grant no action by another one', () => {
    for (const action of ['pull', 'push', 'delete', 'admin'] as const) {
      const { may } = access({ who: 'ann', may: [action] })
      const granted = (['pull', 'push', 'delete', 'admin'] as const).filter((each) => may(at('ann'), each, 'a'))
      assert.deepEqual(granted, [action])
    }
  })

  test('none of them: nobody may do anything', () => {
    const { may, anonymous } = access()
    assert.deepEqual([may(at('ann'), 'pull', 'a'), may(at(''), 'pull', 'a'), anonymous], [false, false, false])
  })

  test('for nobody do not count for who has no name', () => {
    assert.equal(access({ who: '', may: ['pull'] }).may(at(''), 'pull', 'a'), false)
    assert.equal(access({ who: ['ann'], may: ['pull'] }).may(at(''), 'pull', 'a'), false)
  })

  test('for a group are for its members only, whatever it is called, and for no account of its name', () => {
    const { may } = access({ who: 'group:constructor', may: ['pull'] })
    assert.deepEqual(
      ['eve', 'constructor', 'group:constructor', 'ann'].map((account) => may(at(account), 'pull', 'a')),
      [true, false, false, false],
    )
    assert.throws(() => access({ who: 'group:ops', may: ['pull'] }), /'ops' is no group/)
    assert.throws(() => access({ who: 'group:toString', may: ['pull'] }), /'toString' is no group/)
  })

  // biome-ignore format: one case a line
  const NETWORKS: readonly (readonly [from: readonly string[] | undefined, peer: string, may: boolean])[] = [
    [undefined, HERE, true],
    [undefined, '', true],
    [['192.0.2.0/24'], HERE, true],
    [['192.0.2.0/24'], '::ffff:192.0.2.7', true],
    [['192.0.2.0/24'], '192.0.3.1', false],
    [['192.0.2.0/24'], '', false],
    [['192.0.2.0/24'], 'nonsense', false],
    [['10.0.0.0/8', 'fd00::/8'], 'fd12::1', true],
    [['0.0.0.0/0'], 'fd12::1', false],
    [['::/0'], HERE, false],
    [['192.0.2.1'], HERE, true],
  ]
  for (const [from, peer, may] of NETWORKS) {
    test(`from ${from?.join(', ') ?? 'everywhere'}: ${peer || 'a socket'} is ${may ? '' : 'not '}let in`, () => {
      assert.equal(access({ who: 'anonymous', from, may: ['pull'] }).may(at('', peer), 'pull', 'a'), may)
    })
  }

  test('name a repository where they say which: by no pattern for whatever there is (S64)', () => {
    const { names } = access(
      { who: 'ann', may: ['push'], repositories: ['library/*', '**'] },
      { who: 'bob', may: ['push'] },
      { who: 'bob', may: ['pull'], repositories: ['library/nginx'] },
    )
    assert.equal(names(at('ann'), 'push', 'library/nginx'), true)
    assert.equal(names(at('ann'), 'push', 'other/nginx'), false)
    assert.equal(names(at('bob'), 'push', 'library/nginx'), false)
  })

  test('say whom they name', () => {
    const rules = [
      { who: 'anonymous', may: ['pull'] as const },
      { who: ['group:dev', 'cleo', 'ann'], may: ['pull'] as const },
    ]
    assert.deepEqual(usersNamed({ rules, groups }), ['ann', 'bob', 'cleo'])
  })
})

test('without rules every user may do everything; without users, everybody', () => {
  assert.deepEqual([USERS_ONLY.may(at('ann'), 'delete', 'a'), USERS_ONLY.may(at(''), 'pull', 'a')], [true, false])
  assert.equal(OPEN_ACCESS.may(at(''), 'delete', 'a'), true)
  assert.deepEqual([USERS_ONLY.names(at('ann'), 'push', 'a'), OPEN_ACCESS.names(at(''), 'push', 'a')], [false, false])
})
