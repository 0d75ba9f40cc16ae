import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Claim, FillSlots, nextInLine } from '../../../src/registry/fill-slots.ts'

/** `upstream/peer` each. */
const claims = (text: string): Claim[] =>
  text === ''
    ? []
    : text.split(' ').map((one) => {
        const [upstream = '', peer = ''] = one.split('/')
        return { upstream, peer }
      })

for (const [what, waiting, running, expected] of [
  ['nobody waits', '', 'a/1', undefined],
  ['all are alike: the first', 'a/1 a/1', '', 0],
  ['one upstream has fewer running', 'a/1 b/1', 'a/1 a/2 b/3', 1],
  ['one client has fewer running', 'a/1 a/2', 'a/1 b/2 b/1', 1],
  ['the upstream counts before the client', 'a/2 b/1', 'a/1 b/1 b/1', 0],
  ['an upstream has all that it may have', 'a/1', 'a/1 a/1 a/1', undefined],
  ['an upstream has all that it may have, and another waits behind', 'a/1 b/1', 'a/1 a/1 a/1', 1],
] as const) {
  test(`who is next where ${what} (D-23)`, () => {
    const entries = claims(waiting)
    const next = nextInLine(entries, claims(running), 3)
    assert.equal(next, expected === undefined ? undefined : entries[expected])
  })
}

test('turns are taken and given back, in order, and never by more than may', async () => {
  const slots = new FillSlots(2, 2)
  const { signal } = new AbortController()
  const begun: string[] = []
  const ends: (() => void)[] = []
  const taking = ['1', '2', '3', '4'].map(async (peer) => {
    ends.push(await slots.take({ upstream: 'a', peer }, signal))
    begun.push(peer)
  })
  await settle()
  assert.deepEqual(begun, ['1', '2'])
  ends.shift()?.()
  await settle()
  assert.deepEqual(begun, ['1', '2', '3'])
  ends.shift()?.()
  await Promise.all(taking)
  assert.deepEqual(begun, ['1', '2', '3', '4'])
})

test('who leaves the line gives his place up', async () => {
  const slots = new FillSlots(1, 1)
  const end = await slots.take({ upstream: 'a', peer: '1' }, new AbortController().signal)
  const leaving = new AbortController()
  const left = assert.rejects(slots.take({ upstream: 'a', peer: '2' }, leaving.signal), /gone/)
  const last = slots.take({ upstream: 'a', peer: '3' }, new AbortController().signal)
  leaving.abort(new Error('gone'))
  await left
  end()
  ;(await last)()
})

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
