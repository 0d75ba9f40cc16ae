import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { BlobReader } from '../../../src/blobs/blob-store.ts'
import { BufferPool } from '../../../src/http/buffer-pool.ts'
import type { BlobParts, BlobSpan } from '../../../src/http/route.ts'
import { ClientLeft, sendBlob } from '../../../src/http/send-blob.ts'
import { headerOf } from '../../helpers/http-answers.ts'
import { RawSocket } from '../../helpers/raw-socket.ts'
import { seededBytes } from '../../helpers/seeded-bytes.ts'

const MEBIBYTE = 1024 * 1024
const BYTES = seededBytes('send-blob', 9 * MEBIBYTE + 12_345)

/** Bytes to send, and what became of the reader. `most`: it never gives more at once. `lasts`: there is no more than that. */
class TestReader implements BlobReader {
  readonly size = BYTES.length
  readonly #most: number
  readonly #lasts: number
  closed = 0
  reads = 0

  constructor({ most = Number.POSITIVE_INFINITY, lasts = BYTES.length }: { most?: number; lasts?: number } = {}) {
    this.#most = most
    this.#lasts = lasts
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    this.reads += 1
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(this.closed, 0, 'a read of a closed reader')
    const part = BYTES.subarray(at, Math.min(at + into.length, at + this.#most, this.#lasts))
    into.set(part)
    return part.length
  }

  async close(): Promise<void> {
    this.closed += 1
  }
}

/** Runs `use` against a server that answers each request with `answer`; every sending is remembered. */
async function serving(
  answer: (response: ServerResponse, pool: BufferPool) => Promise<void>,
  use: (connect: () => Promise<RawSocket>, sendings: Promise<unknown>[]) => Promise<void>,
): Promise<BufferPool> {
  const pool = new BufferPool()
  const sendings: Promise<unknown>[] = []
  const server = createServer((_request, response) => {
    response.on('error', () => undefined)
    sendings.push(
      answer(response, pool).then(
        () => 'whole',
        (error: unknown) => error,
      ),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    await use(() => RawSocket.connect({ port }), sendings)
  } finally {
    server.closeAllConnections()
    server.close()
  }
  return pool
}

function headed(response: ServerResponse, length: number): ServerResponse {
  return response.writeHead(200, { 'content-length': length })
}

for (const [name, options] of [
  ['from a reader that gives all it is asked for', {}],
  ['from a reader that gives less than it is asked for', { most: 99_991 }],
] as const) {
  test(`a slow client gets every byte, ${name}`, async () => {
    const reader = new TestReader(options)
    const span: BlobSpan = { reader, start: 777, end: BYTES.length - 1 }
    const pool = await serving(
      (response, lender) => sendBlob(headed(response, span.end - span.start), span, { pool: lender }),
      async (connect, sendings) => {
        using socket = await connect()
        await socket.request('GET /')
        // It reads nothing until the server can write no more.
        socket.pause()
        await quiet(() => reader.reads)
        socket.resume()
        const { body, cut } = await socket.answer()
        assert.equal(cut, false)
        assert.ok(body.equals(BYTES.subarray(span.start, span.end)))
        assert.equal(await sendings[0], 'whole')
      },
    )
    assert.equal(pool.lent, 0)
    assert.equal(reader.closed, 1)
  })
}

test('while a client reads nothing, no more than two buffers are read', async () => {
  const reader = new TestReader()
  await serving(
    (response, pool) => sendBlob(headed(response, BYTES.length), { reader, start: 0, end: BYTES.length }, { pool }),
    async (connect, sendings) => {
      const socket = await connect()
      await socket.request('GET /')
      socket.pause()
      await quiet(() => reader.reads)
      assert.ok(reader.reads < 9, `${reader.reads} reads of a mebibyte`)
      socket.reset()
      await sendings[0]
    },
  )
})

test('parts and texts go out in turn, as one body', async () => {
  const reader = new TestReader({ most: 50_000 })
  const spans = Array.from({ length: 300 }, (_, index) => ({
    start: index * 1000,
    end: index * 1000 + (index % 7) * 500,
  }))
  const body: BlobParts = { reader, parts: spans.flatMap((span, index) => [`<${index}>`, span]).concat(['end']) }
  const expected = Buffer.concat([
    ...spans.flatMap(({ start, end }, index) => [Buffer.from(`<${index}>`), BYTES.subarray(start, end)]),
    Buffer.from('end'),
  ])
  const pool = await serving(
    (response, lender) => sendBlob(headed(response, expected.length), body, { pool: lender }),
    async (connect) => {
      using socket = await connect()
      await socket.request('GET /')
      assert.ok((await socket.answer()).body.equals(expected))
    },
  )
  assert.equal(pool.lent, 0)
  assert.equal(reader.closed, 1)
})

test('a blob of no bytes is an answer of none', async () => {
  const reader = new TestReader()
  const pool = await serving(
    (response, lender) => sendBlob(headed(response, 0), { reader, start: 0, end: 0 }, { pool: lender }),
    async (connect) => {
      using socket = await connect()
      await socket.request('GET /')
      assert.equal((await socket.answer()).body.length, 0)
    },
  )
  assert.equal(pool.lent, 0)
  assert.equal(reader.closed, 1)
})

test('a client that leaves in the middle is told apart from a fault, and costs nothing', async () => {
  const reader = new TestReader()
  const pool = await serving(
    (response, lender) =>
      sendBlob(headed(response, BYTES.length), { reader, start: 0, end: BYTES.length }, { pool: lender }),
    async (connect, sendings) => {
      const socket = await connect()
      await socket.request('GET /')
      await socket.received(1000)
      socket.reset()
      assert.ok((await sendings[0]) instanceof ClientLeft)
    },
  )
  assert.equal(pool.lent, 0)
  assert.equal(reader.closed, 1)
})

test('a pipelined answer whose client leaves ends too, though its write never calls back', async () => {
  const readers: TestReader[] = []
  const responses: ServerResponse[] = []
  const pool = await serving(
    async (response, lender) => {
      responses.push(response)
      const first = readers.length === 0
      const reader = new TestReader()
      readers.push(reader)
      // The first one never ends, so the second one is never on the wire.
      if (first) return void (await once(response, 'close'))
      await sendBlob(headed(response, BYTES.length), { reader, start: 0, end: BYTES.length }, { pool: lender })
    },
    async (connect, sendings) => {
      const socket = await connect()
      await socket.request('GET /1')
      await socket.request('GET /2')
      while (sendings.length < 2 || readers[1]?.reads === 0) await new Promise((resolve) => setImmediate(resolve))
      socket.reset()
      assert.ok((await sendings[1]) instanceof ClientLeft)
    },
  )
  assert.equal(pool.lent, 0)
  assert.equal(readers[1]?.closed, 1)
})

test('what is there goes out before more is waited for', async () => {
  const gate = Promise.withResolvers<void>()
  const reader = {
    size: 10,
    async read(into: Uint8Array, at: number) {
      if (at > 0) await gate.promise
      into.fill(0x78, 0, 5)
      return 5
    },
    close: async () => {},
  }
  await serving(
    (response, pool) => sendBlob(headed(response, 10), { reader, start: 0, end: 10 }, { pool }),
    async (connect) => {
      using socket = await connect()
      await socket.request('GET /')
      const head = (await socket.received(1)).indexOf('\r\n\r\n')
      await socket.received(head + 4 + 5)
      gate.resolve()
      assert.equal((await socket.answer()).body.toString(), 'x'.repeat(10))
    },
  )
})

test('a blob that ends too early breaks the connection: a short body never looks whole', async () => {
  const reader = new TestReader({ lasts: 5 * MEBIBYTE })
  let broken: ServerResponse | undefined
  const pool = await serving(
    (response, lender) => {
      broken = response
      return sendBlob(headed(response, BYTES.length), { reader, start: 0, end: BYTES.length }, { pool: lender })
    },
    async (connect, sendings) => {
      using socket = await connect()
      await socket.request('GET /')
      assert.equal((await socket.answer()).cut, true)
      assert.match(String(await sendings[0]), /Blob ends at byte 5242880, not at 9449529/)
      assert.equal(broken?.writableEnded, false)
    },
  )
  assert.equal(pool.lent, 0)
  assert.equal(reader.closed, 1)
})

test('the memory of a client who left is freed at once, as the collector of an idle server never comes', async () => {
  const reader = new TestReader()
  const lent: Buffer[] = []
  await serving(
    (response, pool) => {
      const lend = pool.lend.bind(pool)
      pool.lend = (wanted) => {
        const buffer = lend(wanted)
        lent.push(buffer)
        return buffer
      }
      return sendBlob(headed(response, BYTES.length), { reader, start: 0, end: BYTES.length }, { pool })
    },
    async (connect, sendings) => {
      const socket = await connect()
      await socket.request('GET /')
      socket.pause()
      await quiet(() => reader.reads)
      socket.reset()
      assert.ok((await sendings[0]) instanceof ClientLeft)
      await quiet(() => lent.reduce((sum, { byteLength }) => sum + byteLength, 0))
    },
  )
  assert.deepEqual(
    lent.map(({ byteLength }) => byteLength),
    [0, 0],
  )
})

test('what the socket may still hold is never lent again', () => {
  const pool = new BufferPool()
  const dropped = pool.lend(MEBIBYTE)
  pool.drop(dropped)
  const given = pool.lend(MEBIBYTE)
  assert.notEqual(given, dropped)
  pool.giveBack(given)
  assert.equal(pool.lend(MEBIBYTE), given)
})

test('buffers are large while the budget lasts, and small beyond; few are kept', () => {
  const pool = new BufferPool()
  const lent = Array.from({ length: 70 }, () => pool.lend(10 * MEBIBYTE))
  assert.deepEqual(
    lent.map(({ length }) => length),
    [...Array(64).fill(MEBIBYTE), ...Array(6).fill(MEBIBYTE / 4)],
  )
  assert.equal(pool.lent, 64 * MEBIBYTE + 6 * (MEBIBYTE / 4))
  for (const buffer of lent) pool.giveBack(buffer)
  assert.equal(pool.lent, 0)
  assert.equal(lent.filter(({ byteLength }) => byteLength > 0).length, 4, 'the memory of the others is freed')
  const again = Array.from({ length: 5 }, () => pool.lend(MEBIBYTE))
  assert.equal(again.filter((buffer) => lent.includes(buffer)).length, 4)
  assert.equal(new BufferPool().lend(100).length, 100)
})

test('no more memory is taken for a reader than is of use to it', async () => {
  const reader = new TestReader()
  const asked = new Set<number>()
  const few: BlobReader = {
    ...{ size: BYTES.length, atOnce: MEBIBYTE / 4, close: () => reader.close() },
    read(into, at) {
      asked.add(into.length)
      return reader.read(into, at)
    },
  }
  await serving(
    (response, pool) =>
      sendBlob(headed(response, BYTES.length), { reader: few, start: 0, end: BYTES.length }, { pool }),
    async (connect, sendings) => {
      using socket = await connect()
      await socket.request('GET /')
      assert.equal((await socket.answer()).body.length, BYTES.length)
      assert.equal(await sendings[0], 'whole')
    },
  )
  assert.equal(Math.max(...asked), MEBIBYTE / 4)
})

/** Resolves when a number has stood still for a while. */
async function quiet(count: () => number): Promise<void> {
  for (let [before, still] = [-1, 0]; still < 5; still = count() === before ? still + 1 : 0) {
    before = count()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a client that leaves while a reader waits for bytes has its reader closed at once', async () => {
  const closed = Promise.withResolvers<never>()
  closed.promise.catch(() => undefined)
  let closes = 0
  const reader: BlobReader = {
    size: Infinity,
    read: () => closed.promise,
    async close() {
      closes += 1
      closed.reject(new Error('closed'))
    },
  }
  const pool = await serving(
    (response, lender) => {
      response.writeHead(200, { 'content-length': 5 }).flushHeaders()
      return sendBlob(response, { reader, start: 0, end: 5 }, { pool: lender })
    },
    async (connect, sendings) => {
      const socket = await connect()
      await socket.request('GET /')
      await socket.received(10)
      socket.reset()
      assert.ok((await sendings[0]) instanceof ClientLeft)
    },
  )
  assert.equal(pool.lent, 0)
  assert.equal(closes, 1)
})

test('a blob without a size goes out in chunks, to its end', async () => {
  const reader = new TestReader({ lasts: 2 * MEBIBYTE })
  const pool = await serving(
    (response, lender) => sendBlob(response.writeHead(200), { reader, start: 0, end: Infinity }, { pool: lender }),
    async (connect) => {
      using socket = await connect()
      await socket.request('GET /')
      const answer = await socket.answer()
      const { body, cut } = answer
      assert.equal(cut, false)
      assert.equal(headerOf(answer, 'transfer-encoding'), 'chunked')
      assert.ok(body.equals(BYTES.subarray(0, 2 * MEBIBYTE)))
    },
  )
  assert.equal(pool.lent, 0)
  assert.equal(reader.closed, 1)
})

test('the head goes out though the first bytes are not there yet (FC-14)', async () => {
  const gate = Promise.withResolvers<void>()
  const inner = new TestReader()
  const reader: BlobReader = {
    size: BYTES.length,
    async read(into, at) {
      await gate.promise
      return await inner.read(into, at)
    },
    close: () => inner.close(),
  }
  await serving(
    (response, pool) => {
      headed(response, 5)
      return sendBlob(response, { reader, start: 0, end: 5 }, { pool, sendHead: () => response.flushHeaders() })
    },
    async (connect) => {
      using socket = await connect()
      await socket.request('GET /')
      assert.match((await socket.received(15)).toString('latin1'), /^HTTP\/1\.1 200/)
      gate.resolve()
      assert.ok((await socket.answer()).body.equals(BYTES.subarray(0, 5)))
    },
  )
})
