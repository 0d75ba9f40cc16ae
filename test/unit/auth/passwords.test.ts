import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FailedLogin, Passwords } from '../../../src/auth/passwords.ts'
import { Secret } from '../../../src/base/secret.ts'
import { Refusal } from '../../../src/oci/refusal.ts'

const MINUTE = 60_000
const HERE = '192.0.2.1'
const ELSEWHERE = '192.0.2.2'

/** Hashes here are `$2y$05$` and the password; what counts is who is asked how often. */
const hashOf = (password: string, cost = '05') => `$2y$${cost}$${password}`

function passwords(users: Record<string, string> = { ann: hashOf('right'), bob: hashOf('other') }) {
  const asked: { lane: string; password: string; hash: string }[] = []
  const failed: FailedLogin[] = []
  const clock = { now: 1_000_000 }
  let gate: Promise<unknown> = Promise.resolve()
  const subject = new Passwords({
    users: new Map(Object.entries(users)),
    now: () => clock.now,
    failed: (login) => failed.push(login),
    pool: {
      async compare(lane, { password, hash }) {
        asked.push({ lane, password, hash })
        await gate
        return hash.endsWith(`$${password}`)
      },
    },
  })
  const verify = (account: string, password: string, peer = HERE) =>
    subject.verify({ account, password: new Secret(password) }, { peer })
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    return resolve
  }
  return { subject, verify, asked, failed, clock, hold }
}

test('a right password is right, a wrong one and an unknown account are not', async () => {
  const { verify } = passwords()
  assert.equal(await verify('ann', 'right'), true)
  assert.equal(await verify('ann', 'wrong'), false)
  assert.equal(await verify('bob', 'right'), false)
  assert.equal(await verify('nobody', 'right'), false)
  assert.equal(await verify('', ''), false)
  assert.equal(await verify('constructor', 'right'), false)
})

test('a right password costs one bcrypt in ten minutes', async () => {
  const { verify, asked, clock } = passwords()
  for (const minutes of [0, 5, 9.99]) {
    clock.now = 1_000_000 + minutes * MINUTE
    assert.equal(await verify('ann', 'right'), true)
  }
  assert.equal(asked.length, 1)
  clock.now = 1_000_000 + 10 * MINUTE
  assert.equal(await verify('ann', 'right'), true)
  assert.equal(asked.length, 2)
})

test('a remembered password makes no other right, for this account or another', async () => {
  const { verify } = passwords({ ann: hashOf('right'), bob: hashOf('bobs') })
  await verify('ann', 'right')
  assert.equal(await verify('ann', 'Right'), false)
  assert.equal(await verify('ann', ''), false)
  assert.equal(await verify('bob', 'right'), false)
})

test('equal questions at once share one bcrypt, and its answer', async () => {
  const { verify, asked, hold } = passwords()
  const go = hold()
  const answers = Promise.all(Array.from({ length: 60 }, () => verify('ann', 'right')))
  go()
  assert.deepEqual(new Set(await answers), new Set([true]))
  assert.equal(asked.length, 1)
})

test('an unknown account costs one bcrypt, as costly as the costliest of the users', async () => {
  const { verify, asked } = passwords({
    ann: hashOf('right', '05'),
    bob: hashOf('other', '12'),
    cid: hashOf('third', '10'),
  })
  await verify('nobody', 'guess')
  assert.equal(asked.length, 1)
  assert.match(asked[0]?.hash ?? '', /^\$2b\$12\$[./A-Za-z0-9]{53}$/)
})

test('where there are no users, every account costs one bcrypt and is wrong', async () => {
  const { verify, asked } = passwords({})
  assert.equal(await verify('ann', 'right'), false)
  assert.match(asked[0]?.hash ?? '', /^\$2b\$10\$[./A-Za-z0-9]{53}$/)
})

test('after ten wrong passwords for an account its next one is refused, with the time to wait', async () => {
  const { verify, asked, clock } = passwords()
  for (let guess = 0; guess < 10; guess += 1) assert.equal(await verify('ann', `guess ${guess}`), false)
  await assert.rejects(verify('ann', 'guess'), (error) => {
    assert.ok(error instanceof Refusal)
    assert.equal(error.kind, 'rate-limited')
    assert.equal(error.facts.retryAfter, 1)
    assert.match(error.message, /'ann'/)
    return true
  })
  assert.equal(asked.length, 10)
  clock.now += 1000
  assert.equal(await verify('ann', 'right'), true)
})

test('a remembered password never waits, however many wrong ones come', async () => {
  const { verify, hold } = passwords()
  await verify('ann', 'right')
  const go = hold()
  const guesses = Promise.allSettled(Array.from({ length: 100 }, (_, guess) => verify('ann', `guess ${guess}`)))
  assert.equal(await verify('ann', 'right'), true)
  go()
  await guesses
  assert.equal(await verify('ann', 'right'), true)
})

test('wrong passwords for one account do not limit another', async () => {
  const { verify } = passwords()
  await Promise.allSettled(Array.from({ length: 100 }, (_, guess) => verify('ann', `guess ${guess}`)))
  assert.equal(await verify('bob', 'other'), true)
})

test('at most sixteen different passwords of one account wait at once; more are refused', async () => {
  const { verify, asked, hold } = passwords()
  const go = hold()
  const guesses = Promise.allSettled(Array.from({ length: 20 }, (_, guess) => verify('ann', `guess ${guess}`)))
  assert.equal(asked.length, 16)
  go()
  const kinds = (await guesses).map((outcome) =>
    outcome.status === 'rejected' ? (outcome.reason as Refusal).kind : outcome.value,
  )
  assert.deepEqual(kinds, [...Array(16).fill(false), ...Array(4).fill('rate-limited')])
})

test('unknown accounts share one limit an address, and past it cost no bcrypt', async () => {
  const { verify, asked } = passwords()
  for (let guess = 0; guess < 10; guess += 1) assert.equal(await verify(`nobody ${guess}`, 'guess'), false)
  await assert.rejects(verify('nobody else', 'guess'), { kind: 'rate-limited' })
  assert.equal(asked.length, 10)
  assert.equal(new Set(asked.map(({ lane }) => lane)).size, 1)
  assert.equal(await verify('nobody else', 'guess', ELSEWHERE), false)
  assert.equal(await verify('ann', 'right'), true)
})

test('wrong passwords from one address limit nobody at another, who waits in a lane of his own', async () => {
  const { verify, asked } = passwords()
  await Promise.allSettled(Array.from({ length: 100 }, (_, guess) => verify('ann', `guess ${guess}`)))
  await assert.rejects(verify('ann', 'right'), { kind: 'rate-limited' })
  assert.equal(await verify('ann', 'right', ELSEWHERE), true)
  assert.equal(new Set(asked.map(({ lane }) => lane)).size, 2)
})

test('one IPv6 network is one address', async () => {
  const { verify } = passwords()
  const guesses = Array.from({ length: 20 }, (_, guess) => verify('ann', `guess ${guess}`, `2001:db8:0:1::${guess}`))
  await Promise.allSettled(guesses)
  await assert.rejects(verify('ann', 'right', '2001:db8::1:ffff:0:0:1'), { kind: 'rate-limited' })
  assert.equal(await verify('ann', 'right', '2001:db8:0:2::1'), true)
})

test('each failed login is told once, with who and from where; right ones are not', async () => {
  const { verify, failed } = passwords()
  await verify('ann', 'right')
  await Promise.all([verify('ann', 'wrong'), verify('ann', 'wrong')])
  await verify('nobody', 'x', ELSEWHERE)
  assert.deepEqual(failed, [
    { account: 'ann', peer: HERE, because: 'wrong' },
    { account: 'nobody', peer: ELSEWHERE, because: 'wrong' },
  ])
  for (let guess = 0; guess < 9; guess += 1) await verify('ann', `guess ${guess}`)
  await assert.rejects(verify('ann', 'guess'))
  assert.deepEqual(failed.at(-1), { account: 'ann', peer: HERE, because: 'limited' })
})

test('after a change of the users nothing is remembered, and who is gone is out', async () => {
  const { subject, verify, asked } = passwords()
  await verify('ann', 'right')
  await verify('bob', 'other')
  subject.change(new Map([['bob', hashOf('other')]]))
  assert.equal(await verify('ann', 'right'), false)
  assert.equal(await verify('bob', 'other'), true)
  assert.equal(asked.length, 4)
  subject.change(new Map([['bob', hashOf('new')]]))
  assert.equal(await verify('bob', 'other'), false)
  assert.equal(await verify('bob', 'new'), true)
})

test('after a change of the users an unknown account costs what the costliest of the new ones does', async () => {
  const { subject, verify, asked } = passwords()
  subject.change(new Map([['bob', hashOf('other', '12')]]))
  await verify('nobody', 'guess')
  assert.match(asked[0]?.hash ?? '', /^\$2b\$12\$/)
})

test('who is taken out while his password is compared is not let in', async () => {
  const { subject, verify, hold } = passwords()
  const go = hold()
  const ann = verify('ann', 'right')
  const bob = verify('bob', 'other')
  subject.change(new Map([['bob', hashOf('other')]]))
  go()
  assert.deepEqual(await Promise.all([ann, bob]), [false, true])
  assert.equal(await verify('ann', 'right'), false)
})

test('a bcrypt that fails is a fault for all who share it, and is asked anew', async () => {
  const fails = [true, false]
  const subject = new Passwords({
    users: new Map([['ann', hashOf('right')]]),
    now: () => 0,
    failed: () => {},
    pool: {
      async compare() {
        await Promise.resolve()
        if (fails.shift()) throw new Error('The thread died')
        return true
      },
    },
  })
  const ask = () => subject.verify({ account: 'ann', password: new Secret('right') }, { peer: HERE })
  const outcomes = await Promise.allSettled([ask(), ask()])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(await ask(), true)
})

test('an unknown account is wrong, whatever bcrypt says; right passwords are never limited', async () => {
  const subject = new Passwords({
    users: new Map([['ann', hashOf('right')]]),
    now: () => 0,
    failed: () => {},
    pool: { compare: async () => true },
  })
  assert.equal(await subject.verify({ account: 'nobody', password: new Secret('x') }, { peer: HERE }), false)
  // Different after the 72 bytes that bcrypt reads: all of them are right.
  for (let tail = 0; tail < 30; tail += 1) {
    const password = new Secret(`${'x'.repeat(72)}${tail}`)
    assert.equal(await subject.verify({ account: 'ann', password }, { peer: HERE }), true)
  }
})
