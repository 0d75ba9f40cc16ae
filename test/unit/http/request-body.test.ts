import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { BufferPool } from '../../../src/http/buffer-pool.ts'
import { RequestBody } from '../../../src/http/request-body.ts'
import { ClientLeft } from '../../../src/http/send-blob.ts'
import type { Exchange } from '../../../src/http/server-connection.ts'
import { seededBytes } from '../../helpers/seeded-bytes.ts'

const MIB = 1024 * 1024

/** A request that sends these chunks, each with memory of its own, and then ends as it is told. */
function requestOf(chunks: Iterable<Uint8Array>, { headers = {}, error }: { headers?: object; error?: Error } = {}) {
  function* sent() {
    yield* chunks
    if (error !== undefined) throw error
  }
  const stream = Readable.from(sent(), { objectMode: false })
  return Object.assign(stream, { headers, httpVersion: '1.1' }) as unknown as IncomingMessage & { headers: object }
}

function open(request: IncomingMessage, pool = new BufferPool()) {
  const exchange: Exchange = {
    response: {} as ServerResponse,
    gone: new AbortController(),
    waitingSince: undefined,
    toldToGoOn: false,
  }
  return { body: new RequestBody(request, exchange, pool), pool, exchange }
}

function* chunksOf(bytes: Uint8Array, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size)
    const chunk = Buffer.allocUnsafeSlow(part.length)
    chunk.set(part)
    yield chunk
  }
}

for (const { what, length, size, pieces } of [
  { what: 'chunks', length: 2.5 * MIB, size: 16 * 1024, pieces: [MIB, MIB, MIB / 2] },
  { what: 'chunks that fit into no piece', length: 2.5 * MIB, size: 50_000, pieces: [MIB, MIB, MIB / 2] },
  { what: 'single bytes (T1)', length: 3000, size: 1, pieces: [3000] },
  { what: 'a chunk', length: 10, size: 10, pieces: [10] },
  { what: 'nothing', length: 0, size: 1, pieces: [] },
]) {
  test(`a body that comes as ${what} is gathered into pieces of a mebibyte, whole and in order`, async () => {
    const bytes = seededBytes(what, length)
    using opened = open(requestOf(chunksOf(bytes, size))).body
    const lengths: number[] = []
    const read: Buffer[] = []
    for await (const piece of opened) {
      lengths.push(piece.length)
      read.push(Buffer.from(piece))
    }
    assert.deepEqual(lengths, pieces)
    assert.ok(Buffer.concat(read).equals(bytes))
  })
}

test('what came before the client left is yielded, and then the leaving is told', async () => {
  const error = new Error('aborted')
  using body = open(requestOf([Buffer.from('abc'), Buffer.from('de')], { error })).body
  const read: string[] = []
  await assert.rejects(
    async () => {
      for await (const piece of body) read.push(Buffer.from(piece).toString())
    },
    (thrown) => thrown instanceof ClientLeft && thrown.cause === error,
  )
  assert.deepEqual(read, ['abcde'])
})

test('a request that is over before its body is asked for is a client that left', async () => {
  const request = requestOf([Buffer.from('abc')])
  request.destroy()
  using body = open(request).body
  await assert.rejects(async () => {
    for await (const _ of body);
  }, ClientLeft)
})

test('the memory of a chunk is freed when it was copied, unless others have a part of it', async () => {
  const own = Buffer.allocUnsafeSlow(100)
  const shared = Buffer.allocUnsafeSlow(200)
  using body = open(requestOf([own, shared.subarray(0, 100)])).body
  for await (const _ of body);
  assert.deepEqual([own.buffer.byteLength, shared.buffer.byteLength], [0, 200])
})

test('a reader who is slow makes the client wait, after three mebibytes', async () => {
  const sent = { bytes: 0 }
  function* endless() {
    for (;;) {
      sent.bytes += 64 * 1024
      yield Buffer.allocUnsafeSlow(64 * 1024)
    }
  }
  const { body, pool, exchange } = open(requestOf(endless()))
  for await (const _ of body) {
    for (let turns = 0; turns < 200; turns += 1) await turn()
    assert.ok(pool.lent <= 3 * MIB, `${pool.lent} bytes are held`)
    assert.equal(exchange.waitingSince, undefined, 'it is not the client who is waited for')
    if (sent.bytes > 6 * MIB) break
  }
  assert.ok(sent.bytes <= 9 * MIB, `${sent.bytes} bytes were taken`)
  body[Symbol.dispose]()
  assert.equal(pool.lent, 0)
})

test('a body whose length is told takes no more memory than that', async () => {
  const { body, pool } = open(requestOf(chunksOf(Buffer.alloc(1000), 100), { headers: { 'content-length': '1000' } }))
  for await (const piece of body) {
    assert.equal(piece.length, 1000)
    assert.equal(pool.lent, 1000)
  }
  body[Symbol.dispose]()
  assert.equal(pool.lent, 0)
})

test('a body that is left early can still be read by another, and is not broken off', async () => {
  const request = requestOf(chunksOf(Buffer.alloc(3 * MIB), 64 * 1024))
  using body = open(request).body
  for await (const _ of body) break
  assert.equal(request.destroyed, false)
  let rest = 0
  for await (const chunk of request) rest += (chunk as Buffer).length
  assert.ok(rest > 0)
})

test('what comes after a body was begun, forgotten and disposed of is gathered by nobody', async () => {
  const request = new PassThrough()
  const { body, pool } = open(Object.assign(request, { headers: {}, httpVersion: '1.1' }) as unknown as IncomingMessage)
  const reading = body[Symbol.asyncIterator]()
  request.write(Buffer.alloc(2 * MIB))
  await reading.next()
  body[Symbol.dispose]()
  request.on('data', () => {}).resume()
  request.end(Buffer.alloc(3 * MIB))
  await finished(request)
  assert.equal(pool.lent, 0)
})
