import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import type { Outcome } from '../../src/http/dispatch.ts'
import { makeImage } from '../helpers/images.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { testHttpServer } from '../helpers/test-http-server.ts'

const MEBIBYTE = 1024 * 1024
const CLIENTS = 500
const READERS = 50
/** The minute for a head, scaled down. */
const HEAD_MS = 1_500
const DRIBBLE_MS = 100

/** How a client may begin, and what it then sends of, byte by byte. */
const SLOW = {
  'send nothing': '',
  'dribble a header': `GET /v2/ HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(1_000)}`,
  'dribble a request line': `GET /v2/${'a'.repeat(1_000)}`,
}
/** A ClientHello of 512 bytes, or the front of it. */
const HELLO = Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(200)])
const SLOW_TLS = {
  'send nothing': '',
  'send one byte of a handshake': HELLO.subarray(0, 1),
  'dribble a handshake': HELLO,
}

const LARGE = seededBytes('more than a socket takes', 16 * MEBIBYTE)
const READER = {
  size: LARGE.length,
  read: async (into: Uint8Array, at: number) => LARGE.copy(into, 0, at),
  close: async () => {},
}

async function download(): Promise<Outcome> {
  const headers = { 'content-length': String(LARGE.length) }
  return { reply: { status: 200, headers, body: { reader: READER, start: 0, end: LARGE.length } }, account: '' }
}

for (const tls of [false, true]) {
  suite(`${CLIENTS} clients over ${tls ? 'TLS' : 'plain HTTP'}`, () => {
    for (const [what, bytes] of Object.entries(tls ? SLOW_TLS : SLOW)) {
      test(`that ${what} are all cut off, and others are answered meanwhile (D-13)`, async () => {
        const answer = async () => ({ reply: { status: 204, headers: {} }, account: '' })
        await using http = await testHttpServer(answer, { tls, idleMs: HEAD_MS, headMs: HEAD_MS })
        using crowd = await dribble(http.server.port, CLIENTS, Buffer.from(bytes))
        for (let asked = 0; asked < 5; asked += 1) {
          using socket = await http.connect()
          await socket.request('GET /')
          assert.equal((await socket.answer()).status, 204)
        }
        await crowd.gone
      })
    }

    test(`${READERS} clients that take nothing of a download are all cut off, and their buffers are free (D-13)`, async () => {
      await using http = await testHttpServer(download, { tls, idleMs: HEAD_MS * 2 })
      const begin = async () => {
        const socket = await http.connect()
        await socket.request('GET /')
        await socket.received(1)
        socket.pause()
        return socket
      }
      const sockets = await Promise.all(Array.from({ length: READERS }, begin))
      assert.ok(http.pool.lent > 0)
      for (let ended = 0; ended < READERS; ended += 1)
        assert.equal((await http.logged()).fields['http.response.status'], 499)
      assert.equal(http.pool.lent, 0)
      for (const socket of sockets) socket[Symbol.dispose]()
    })
  })
}

test(`while ${CLIENTS} clients dribble and ${READERS} take nothing pulls and pushes go on, and memory stays within bounds (D-13)`, async (context) => {
  for (const tls of [false, true]) {
    await context.test(tls ? 'over TLS' : 'over plain HTTP', async (part) => {
      await using server = await startServer(tls ? { tls } : {})
      using client = await server.client()
      const image = makeImage('stored before')
      await client.pushImage('team/app', image, 'v1')
      const large = await client.pushBlob('team/app', LARGE)
      await client.pullBlob('team/app', large)

      await server.resetMemoryPeak()
      const before = await server.memoryPeak()
      using crowd = await dribble(server.port, CLIENTS, tls ? HELLO : Buffer.from(SLOW['dribble a header']))
      using readers = await takeNothing(server, READERS, `/v2/team/app/blobs/${large}`)
      for (let round = 0; round < 3; round += 1) {
        using other = await server.client()
        assert.equal((await other.pullManifest('team/app', 'v1')).digest, image.manifest.digest)
        for (const [digest, bytes] of image.blobs)
          assert.deepEqual(await other.pullBlob('team/app', digest), { digest, size: bytes.length })
        await other.pushImage('team/app', makeImage(`pushed amid ${round}`), 'v2')
      }
      assert.equal(crowd.open, CLIENTS)
      assert.equal(readers.open, READERS)
      // Downloads have 64 MiB together, and a little each beyond that; a connection some kilobytes.
      const rise = ((await server.memoryPeak()) - before) / MEBIBYTE
      part.diagnostic(`memory rose by ${Math.round(rise)} MiB`)
      assert.ok(rise < 64 + READERS + CLIENTS * 0.125 + 32, `memory rose by ${Math.round(rise)} MiB`)
    })
  }
})

interface Held extends Disposable {
  readonly open: number
  /** Resolves when the server has ended all of them. */
  readonly gone: Promise<void>
}

/** Clients that send a byte every now and then, and never a whole request. */
async function dribble(port: number, count: number, bytes: Buffer): Promise<Held> {
  const sockets = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1' }))
  const held = hold(sockets)
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.once('connect', resolve))))
  let sent = 0
  const timer = setInterval(() => {
    const byte = bytes.subarray(sent, sent + 1)
    sent += 1
    if (byte.length > 0) for (const socket of sockets) if (socket.writable) socket.write(byte)
  }, DRIBBLE_MS)
  return {
    ...held,
    get open() {
      return held.open
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      held[Symbol.dispose]()
    },
  }
}

/** Clients that ask for a blob, and read the front of the answer only. */
async function takeNothing(
  server: Server,
  count: number,
  path: string,
): Promise<Disposable & { readonly open: number }> {
  const sockets = await Promise.all(Array.from({ length: count }, () => server.connect()))
  let open = count
  for (const socket of sockets) {
    void socket.ended.then(() => (open -= 1))
    await socket.request(`GET ${path}`)
    await socket.received(1)
    socket.pause()
  }
  return {
    get open() {
      return open
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket[Symbol.dispose]()
    },
  }
}

function hold(sockets: readonly Socket[]): Held {
  let open = sockets.length
  const gone = Promise.withResolvers<void>()
  for (const socket of sockets) {
    socket
      .on('error', () => {})
      .resume()
      .once('close', () => {
        open -= 1
        if (open === 0) gone.resolve()
      })
  }
  return {
    get open() {
      return open
    },
    gone: gone.promise,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
