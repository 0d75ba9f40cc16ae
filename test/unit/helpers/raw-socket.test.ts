import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { issueCertificate } from '../../helpers/certificates.ts'
import { headerOf } from '../../helpers/http-answers.ts'
import { RawSocket } from '../../helpers/raw-socket.ts'

const HELLO = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Two: a\r\nX-Two: b\r\n\r\nhello'

const certificates = await issueCertificate()
const [ca, cert, key] = await Promise.all(
  [certificates.ca, certificates.certificate, certificates.key].map((path) => readFile(path, 'utf8')),
)
if (ca === undefined || cert === undefined || key === undefined) throw new Error('No certificate')

async function withServer(
  makeServer: (serve: (socket: Socket) => void) => Server,
  serve: (socket: Socket) => void,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>()
  const server = makeServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    await use((server.address() as AddressInfo).port)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

const plain = (serve: (socket: Socket) => void) => createServer({ allowHalfOpen: true }, serve)

for (const [name, trust, makeServer] of [
  ['plain', {}, plain],
  ['TLS', { ca }, (serve: (socket: Socket) => void) => createTlsServer({ cert, key }, serve)],
] as const) {
  test(`a raw socket over ${name} sends pieces and reads a pipeline`, async () => {
    const serve = (socket: Socket) => {
      let seen = ''
      socket.on('data', (bytes) => {
        seen += bytes
        if (seen === 'ab') socket.write(HELLO.slice(0, 30), () => socket.write(HELLO.slice(30) + HELLO))
      })
    }
    await withServer(makeServer, serve, async (port) => {
      using socket = await RawSocket.connect({ port, ...trust })
      await socket.write('a')
      await socket.write('b')
      const answers = await socket.answers(2)
      assert.deepEqual(
        answers.map(({ body }) => body.toString()),
        ['hello', 'hello'],
      )
      assert.equal(headerOf({ headers: answers[0]?.headers ?? [] }, 'X-Two'), 'a')
      assert.equal(socket.unread.length, 0)
    })
  })

  test(`a raw socket over ${name} tells an end from a break, and a body that was cut`, async () => {
    await withServer(
      makeServer,
      (socket) => socket.end(HELLO.slice(0, -1)),
      async (port) => {
        using socket = await RawSocket.connect({ port, ...trust })
        assert.equal(await socket.ended, 'fin')
        const { body, cut } = await socket.answer()
        assert.deepEqual([body.toString(), cut], ['hell', true])
        await assert.rejects(socket.answer(), /ended \(fin\) before an answer/)
      },
    )
  })

  test(`a raw socket over ${name} breaks the connection`, async () => {
    const broken = Promise.withResolvers<unknown>()
    await withServer(
      makeServer,
      (socket) => socket.on('error', broken.resolve).write('ready'),
      async (port) => {
        using socket = await RawSocket.connect({ port, ...trust })
        assert.equal(String(await socket.received(5)), 'ready')
        socket.reset()
        assert.equal(((await broken.promise) as NodeJS.ErrnoException).code, 'ECONNRESET')
      },
    )
  })
}

test('a raw socket notices a reset', async () => {
  await withServer(
    plain,
    (socket) => socket.on('data', () => socket.resetAndDestroy()),
    async (port) => {
      using socket = await RawSocket.connect({ port })
      await socket.write('a')
      assert.equal(await socket.ended, 'reset')
    },
  )
})

test('a raw socket goes on reading when it has ended its side, and the other way round', async () => {
  await withServer(
    plain,
    (socket) => socket.on('end', () => socket.write(HELLO)).resume(),
    async (port) => {
      using socket = await RawSocket.connect({ port })
      socket.end()
      assert.equal((await socket.answer()).status, 200)
    },
  )
  const heard = Promise.withResolvers<string>()
  const serve = (socket: Socket) => socket.on('data', (bytes) => heard.resolve(String(bytes))).end()
  await withServer(plain, serve, async (port) => {
    using socket = await RawSocket.connect({ port })
    assert.equal(await socket.ended, 'fin')
    await socket.write('still here')
    assert.equal(await heard.promise, 'still here')
  })
})
