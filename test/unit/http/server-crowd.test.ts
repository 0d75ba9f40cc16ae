import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Told } from '../../../src/http/server-crowd.ts'
import { headerOf } from '../../helpers/http-answers.ts'
import type { RawSocket } from '../../helpers/raw-socket.ts'
import { testHttpServer } from '../../helpers/test-http-server.ts'

test('what comes in floods is told of at once, and then once a minute with how many it was', () => {
  const told = new Told()
  const at = [5, 6, 7, 60_004, 60_005, 60_006, 500_000, 500_001]
  assert.deepEqual(
    at.map((now) => told.count(now)),
    [1, undefined, undefined, undefined, 4, undefined, 2, undefined],
  )
})

for (const tls of [false, true]) {
  test(`from half of the connections that are taken ${tls ? 'over TLS ' : ''}none is kept, and beyond all of them each is closed as it comes`, async () => {
    const answer = async () => ({ reply: { status: 204, headers: {} }, account: '' })
    await using http = await testHttpServer(answer, { tls, most: 4 })
    const ask = async (socket: RawSocket) => {
      await socket.request('GET /')
      return headerOf(await socket.answer(), 'connection')
    }
    using first = await http.connect()
    using second = await http.connect()
    assert.deepEqual([await ask(first), await ask(second)], ['keep-alive', 'keep-alive'])
    using third = await http.connect()
    using fourth = await http.connect()
    const fifth = http.connect().then((socket) => socket.ended)
    assert.notEqual(await fifth.catch(() => 'refused'), undefined)
    assert.deepEqual([await ask(fourth), await ask(third)], ['close', 'close'])
    await Promise.all([fourth.ended, third.ended])
    assert.equal(await ask(first), 'keep-alive')
    const told = http.log.filter(({ level }) => level === 'error')
    assert.deepEqual(
      told.map(({ fields }) => [fields['connections'], fields['closed']]),
      [[4, 1]],
    )
  })
}
