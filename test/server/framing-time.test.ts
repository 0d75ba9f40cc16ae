import assert from 'node:assert/strict'
import { connect as connectPlain } from 'node:net'
import { suite, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { Answer } from '../../src/http/dispatch.ts'
import type { Arrival, Reply } from '../../src/http/route.ts'
import { headerOf } from '../helpers/http-answers.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { testHttpServer } from '../helpers/test-http-server.ts'

/** The idle guard's minute, scaled down. */
const IDLE_MS = 400
const BYTES = seededBytes('time', 16 * 1024 * 1024)

const READER = {
  size: BYTES.length,
  read: async (into: Uint8Array, at: number) => BYTES.copy(into, 0, at),
  close: async () => {},
}

function answering(reply: (arrival: Arrival) => Promise<Reply>): Answer {
  return async (arrival) => ({ reply: await reply(arrival), account: '' })
}

/** Counts what comes. */
const counting = answering(async ({ body }) => {
  let received = 0
  for await (const chunk of body) received += chunk.length
  const text = String(received)
  return { status: 200, headers: { 'content-length': String(text.length) }, body: text }
})

const sending = answering(async () => ({
  ...{ status: 200, headers: { 'content-length': String(BYTES.length) } },
  body: { reader: READER, start: 0, end: BYTES.length },
}))

for (const tls of [false, true]) {
  suite(tls ? 'idle clients over TLS' : 'idle clients over plain HTTP', () => {
    test('an upload that is slow but never idle succeeds, however long it takes (55)', async () => {
      await using http = await testHttpServer(counting, { tls, idleMs: IDLE_MS })
      using socket = await http.connect()
      await socket.request('PUT /', ['Content-Length: 12'])
      for (let sent = 0; sent < 12; sent += 1) {
        await pause(IDLE_MS / 4)
        await socket.write('x')
      }
      assert.equal((await socket.answer()).body.toString(), '12')
    })

    test('an upload that stands still is cut off, and is 499 in the log (55)', async () => {
      await using http = await testHttpServer(counting, { tls, idleMs: IDLE_MS })
      using socket = await http.connect()
      await socket.request('PUT /', ['Content-Length: 12'])
      await socket.write('x')
      await socket.ended
      const { fields, level } = await http.logged()
      assert.equal(level, 'info')
      assert.equal(fields['http.response.status'], 499)
      assert.match(String(fields['err.message']), /neither sent nor took/)
    })

    test('a request that takes us long is not the client’s fault (55)', async () => {
      const slow = answering(async ({ body }) => {
        for await (const chunk of body) void chunk
        await pause(IDLE_MS * 3)
        return { status: 201, headers: { 'content-length': '0' } }
      })
      await using http = await testHttpServer(slow, { tls, idleMs: IDLE_MS })
      using socket = await http.connect()
      await socket.request('PUT /', ['Content-Length: 1'])
      await socket.write('x')
      assert.equal((await socket.answer()).status, 201)
    })

    test('a download that nobody takes is cut off, and its buffers are free (55)', async () => {
      await using http = await testHttpServer(sending, { tls, idleMs: IDLE_MS })
      using socket = await http.connect()
      await socket.request('GET /')
      socket.pause()
      const { fields } = await http.logged()
      assert.equal(fields['http.response.status'], 499)
      assert.ok(Number(fields['http.response.written']) < BYTES.length)
      assert.equal(http.pool.lent, 0)
    })

    test('a download that is slow but never idle comes whole (55)', async () => {
      await using http = await testHttpServer(sending, { tls, idleMs: IDLE_MS })
      const { port } = http.server
      const socket = tls
        ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
        : connectPlain(port, '127.0.0.1')
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      let received = 0
      const startedAt = performance.now()
      for await (const chunk of socket) {
        received += chunk.length
        await pause(received % 5 === 0 ? 1 : 12)
      }
      assert.ok(received > BYTES.length, `${received} bytes came`)
      assert.ok(performance.now() - startedAt > IDLE_MS * 3)
      assert.equal(http.pool.lent, 0)
    })
  })
}

test('a server that ends takes no new connection, and lets a request come to its end', async () => {
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const waiting = answering(async () => {
    begun.resolve()
    await gate.promise
    return { status: 200, headers: { 'content-length': '4' }, body: 'done' }
  })
  await using http = await testHttpServer(waiting)
  using idle = await http.connect()
  using socket = await http.connect()
  await socket.request('GET /')
  await begun.promise
  const closed = http.server.close(10_000)
  await idle.ended
  await assert.rejects(http.connect())
  gate.resolve()
  const answer = await socket.answer()
  assert.equal(answer.body.toString(), 'done')
  assert.equal(headerOf(answer, 'connection'), 'close')
  await closed
})

test('a server that ends cuts what does not come to its end in time', async () => {
  await using http = await testHttpServer(counting)
  using upload = await http.connect()
  await upload.request('PUT /', ['Content-Length: 12'])
  using other = await http.connect()
  await other.request('PUT /', ['Content-Length: 0'])
  await other.answer()
  await http.server.close(50)
  await upload.ended
})

test('a server that ends, or has many connections, gives a refused upload that goes on a few seconds', async () => {
  const refusing = answering(async () => ({ status: 401, headers: { 'content-length': '2' }, body: 'no' }))
  for (const reason of ['ends', 'many'] as const) {
    await using http = await testHttpServer(refusing, reason === 'many' ? { most: 3 } : {})
    using socket = await http.connect()
    using _another = await http.connect()
    await socket.request('PUT /', ['Content-Length: 100000000'])
    const answer = await socket.answer()
    assert.deepEqual([answer.status, answer.body.toString()], [401, 'no'])
    assert.equal(headerOf(answer, 'connection'), reason === 'many' ? 'close' : 'keep-alive')
    const sending = setInterval(() => void socket.write('x').catch(() => clearInterval(sending)), 100)
    const startedAt = performance.now()
    const closed = reason === 'ends' ? http.server.close(60_000) : undefined
    await socket.ended
    clearInterval(sending)
    await closed
    assert.ok(performance.now() - startedAt < 6_000)
  }
})

test('a refused upload that goes on is no idle client, and one that is silent is let go', async () => {
  const refusing = answering(async () => ({ status: 401, headers: { 'content-length': '2' }, body: 'no' }))
  await using http = await testHttpServer(refusing, { idleMs: IDLE_MS })
  using socket = await http.connect()
  await socket.request('PUT /', ['Content-Length: 100000'])
  assert.equal((await socket.answer()).status, 401)
  await pause(IDLE_MS * 3)
  await socket.write(Buffer.alloc(100_000))
  await socket.request('GET /')
  assert.equal((await socket.answer()).status, 401)

  await socket.request('PUT /', ['Content-Length: 100000'])
  assert.equal((await socket.answer()).status, 401)
  assert.equal(await socket.ended, 'fin')
})

test('a fault while an answer is sent breaks the connection, and is an error in the log', async () => {
  const broken = answering(async () => {
    const read = async () => Promise.reject(new Error('the disk is gone'))
    return { status: 200, headers: { 'content-length': '9' }, body: { reader: { ...READER, read }, start: 0, end: 9 } }
  })
  await using http = await testHttpServer(broken)
  using socket = await http.connect()
  await socket.request('GET /')
  await socket.ended
  const { level, fields } = await http.logged()
  assert.equal(level, 'error')
  assert.match(String(fields['error']), /the disk is gone/)
})
