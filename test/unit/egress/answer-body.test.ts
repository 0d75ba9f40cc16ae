import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AnswerBody } from '../../../src/egress/answer-body.ts'

function fed(size?: number) {
  const done: string[] = []
  const told = (what: string) => () => done.push(what)
  const feed = { pause: told('pause'), resume: told('resume'), stop: told('stop') }
  return { body: new AnswerBody(feed, size), done }
}

test('answer: its sender waits while half a mebibyte is not read, and goes on when little is left', async () => {
  const { body, done } = fed()
  for (let count = 0; count < 9; count += 1) body.push(new Uint8Array(65_536))
  assert.deepEqual(done, ['pause'])
  for (let count = 0; count < 6; count += 1) await body.next()
  assert.deepEqual(done, ['pause'])
  await body.next()
  assert.deepEqual(done, ['pause', 'resume'])
  body.end()
  await body.next()
  await body.next()
  assert.deepEqual(await body.next(), { value: undefined, done: true })
})

test('answer: what came before it broke is given out, and then the error', async () => {
  const { body } = fed()
  body.push(Buffer.from('a'))
  body.fail(new Error('broke'))
  assert.equal(Buffer.from((await body.next()).value ?? '').toString(), 'a')
  await assert.rejects(body.next(), /broke/)
  await assert.rejects(body.next(), /broke/)
})

test('answer: a body that is not wanted is read while it is short, and broken off when it is long', () => {
  const short = fed()
  short.body.discard()
  short.body.push(new Uint8Array(65_536))
  assert.deepEqual(short.done, [])
  short.body.end()
  const long = fed()
  long.body.discard()
  long.body.push(new Uint8Array(65_536))
  long.body.push(new Uint8Array(1))
  assert.deepEqual(long.done, ['stop'])
  long.body.end()
  const known = fed(70_000)
  known.body.push(new Uint8Array(1_000))
  known.body.discard()
  assert.deepEqual(known.done, ['stop'])
  known.body.end()
})

test('answer: a body that is not wanted and does not come is broken off', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { body, done } = fed(10)
  body.discard()
  t.mock.timers.tick(999)
  assert.deepEqual(done, [])
  t.mock.timers.tick(1)
  assert.deepEqual(done, ['stop'])
})
