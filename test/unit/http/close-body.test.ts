import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHandler } from '../../../src/http/dispatch.ts'
import type { Reply } from '../../../src/http/route.ts'
import { testHttpServer } from '../../helpers/test-http-server.ts'
import { ANYONE } from '../../helpers/test-rules.ts'

/** An answer with a blob, and how often that was closed. */
function blobReply(more: Partial<Reply>) {
  const closed = { times: 0 }
  const reader = {
    size: 4,
    read: async () => 0,
    close: async () => {
      closed.times += 1
    },
  }
  return { reply: { status: 200, headers: {}, body: { reader, start: 0, end: 4 }, ...more }, closed }
}

test('a blob whose answer cannot be completed is closed, and the client is told of a fault', async () => {
  const { reply, closed } = blobReply({ headers: { 'x-broken': 'a\nb' } })
  const signIn = { required: false, challenge: '', callerFor: async () => ANYONE }
  const answer = createHandler({
    signIn,
    routes: [{ methods: ['GET'], path: '/', access: 'open', handler: () => reply }],
  })
  const outcome = await answer({
    ...{ id: 'abc', method: 'GET', peer: '', target: '/', headers: {}, body: (async function* () {})() },
    signal: new AbortController().signal,
  })
  assert.equal(outcome.reply.status, 500)
  assert.equal(closed.times, 1)
})

test('a blob whose headers cannot be sent is closed, and its connection breaks', async () => {
  const { reply, closed } = blobReply({ status: 99 })
  await using http = await testHttpServer(async () => ({ reply, account: '' }))
  using socket = await http.connect()
  await socket.request('GET /')
  await socket.ended
  assert.equal(closed.times, 1)
})
