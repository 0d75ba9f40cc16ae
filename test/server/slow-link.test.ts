import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { digestOf } from '../helpers/digest-of.ts'
import { fastClock } from '../helpers/fast-clock.ts'
import { headerOf } from '../helpers/http-answers.ts'
import { needs } from '../helpers/programs.ts'
import type { RawSocket } from '../helpers/raw-socket.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { type Server, startServer } from '../helpers/server.ts'

/** Two minutes of the server's are one of our seconds. */
const SPEED = 120
const MINUTE_MS = 60_000 / SPEED

const LAYER = seededBytes('a layer over a slow link', 240 * 1024)
const DIGEST = digestOf(LAYER)
/** Of the server's time. Longer than all its timers, and than the five minutes that Node gives a request by default. */
const MINUTES = 7
const PIECES = 240

async function begin(server: Server, socket: RawSocket): Promise<string> {
  await socket.request('POST /v2/team/app/blobs/uploads/', ['Content-Length: 0'])
  const location = headerOf(await socket.answer(), 'location')
  assert.ok(location, server.url)
  return location
}

/** Sends in even pieces, over so many minutes of the server's. */
async function drip(socket: RawSocket, frame: (piece: Buffer) => Uint8Array | string): Promise<void> {
  const size = LAYER.length / PIECES
  for (let at = 0; at < LAYER.length; at += size) {
    await pause((MINUTES * MINUTE_MS) / PIECES)
    await socket.write(frame(LAYER.subarray(at, at + size)))
  }
}

const chunk = (piece: Buffer) =>
  Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])

for (const tls of [false, true]) {
  test(`a layer over a slow link, ${tls ? 'by TLS' : 'in the clear'}`, needs('gcc'), async (t) => {
    await using clock = await fastClock(SPEED)
    await using server = await startServer({ ...(tls && { tls: true as const }), env: clock.env })
    using client = await server.client()
    const isStored = async () => {
      assert.deepEqual(await client.pullBlob('team/app', DIGEST), { digest: DIGEST, size: LAYER.length })
      await client.request('DELETE', `/v2/team/app/blobs/${DIGEST}`)
    }

    await t.test('one PATCH of seven minutes, in chunks, as docker sends it', async () => {
      using socket = await server.connect()
      const location = await begin(server, socket)
      await socket.request(`PATCH ${location}`, ['Transfer-Encoding: chunked'])
      await drip(socket, chunk)
      await socket.write('0\r\n\r\n')
      assert.equal((await socket.answer()).status, 202)
      await socket.request(`PUT ${location}?digest=${DIGEST}`, ['Content-Length: 0'])
      assert.equal((await socket.answer()).status, 201)
      await isStored()
    })

    await t.test('one PUT of seven minutes, of a known length, as containerd sends it', async () => {
      using socket = await server.connect()
      const location = await begin(server, socket)
      await socket.request(`PUT ${location}?digest=${DIGEST}`, [`Content-Length: ${LAYER.length}`])
      await drip(socket, (piece) => piece)
      assert.equal((await socket.answer()).status, 201)
      await isStored()
    })

    await t.test('who stands still for minutes amid a chunk is cut off, and goes on from what is told', async () => {
      using socket = await server.connect()
      const location = await begin(server, socket)
      await socket.request(`PATCH ${location}`, [`Content-Length: ${LAYER.length}`])
      await socket.write(LAYER.subarray(0, 100_000))
      await socket.ended
      using again = await server.connect()
      await again.request(`GET ${location}`)
      const told = await again.answer()
      assert.deepEqual([told.status, headerOf(told, 'range')], [204, '0-99999'])
      const range = [`Content-Range: 100000-${LAYER.length - 1}`, `Content-Length: ${LAYER.length - 100_000}`]
      await again.request(`PATCH ${location}`, range)
      await again.write(LAYER.subarray(100_000))
      assert.equal((await again.answer()).status, 202)
      await again.request(`PUT ${location}?digest=${DIGEST}`, ['Content-Length: 0'])
      assert.equal((await again.answer()).status, 201)
      await isStored()
    })

    await t.test('who rests between two chunks loses the connection, and not what was taken', async () => {
      using socket = await server.connect()
      const location = await begin(server, socket)
      await socket.request(`PATCH ${location}`, ['Content-Range: 0-9', 'Content-Length: 10'])
      await socket.write(LAYER.subarray(0, 10))
      assert.equal((await socket.answer()).status, 202)
      await socket.ended
      const rest = { body: LAYER.subarray(10), headers: { 'content-range': `10-${LAYER.length - 1}` } }
      assert.equal((await client.request('PATCH', location, rest)).status, 202)
      assert.equal((await client.request('PUT', `${location}?digest=${DIGEST}`)).status, 201)
      await isStored()
    })
  })
}
