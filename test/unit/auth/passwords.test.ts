import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Passwords } from '../../../src/auth/passwords.ts'
import { Secret } from '../../../src/base/secret.ts'
import { Refusal } from '../../../src/oci/refusal.ts'

const MINUTE = 60_000

/** Hashes here are `$2y$05$` and the password; what counts is who is asked how often. */
const hashOf = (password: string, cost = '05') => `$2y$${cost}$${password}`

function passwords(users: Record<string, string> = { ann: hashOf('right'), bob: hashOf('other') }) {
  const asked: { lane: string; password: string; hash: string }[] = []
  const clock = { now: 1_000_000 }
  let gate: Promise<unknown> = Promise.resolve()
  const subject = new Passwords({
    users: new Map(Object.entries(users)),
    now: () => clock.now,
    pool: {
      async compare(lane, { password, hash }) {
        asked.push({ lane, password, hash })
        await gate
        return hash.endsWith(`$${password}`)
      },
    },
  })
  const verify = (account: string, password: string) => subject.verify({ account, password: new Secret(password) })
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    return resolve
  }
  return { verify, asked, clock, hold }
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

test('unknown accounts share one limit; past it they are wrong without a bcrypt', async () => {
  const { verify, asked } = passwords()
  for (let guess = 0; guess < 30; guess += 1) assert.equal(await verify(`nobody ${guess}`, 'guess'), false)
  assert.equal(asked.length, 10)
  assert.deepEqual(new Set(asked.map(({ lane }) => lane)), new Set(['']))
  assert.equal(await verify('ann', 'right'), true)
})

test('a bcrypt that fails is a fault for all who share it, and is asked anew', async () => {
  const fails = [true, false]
  const subject = new Passwords({
    users: new Map([['ann', hashOf('right')]]),
    now: () => 0,
    pool: {
      async compare() {
        await Promise.resolve()
        if (fails.shift()) throw new Error('The thread died')
        return true
      },
    },
  })
  const ask = () => subject.verify({ account: 'ann', password: new Secret('right') })
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
    pool: { compare: async () => true },
  })
  assert.equal(await subject.verify({ account: 'nobody', password: new Secret('x') }), false)
  // Different after the 72 bytes that bcrypt reads: all of them are right.
  for (let tail = 0; tail < 30; tail += 1) {
    assert.equal(await subject.verify({ account: 'ann', password: new Secret(`${'x'.repeat(72)}${tail}`) }), true)
  }
})
