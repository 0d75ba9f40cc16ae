import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { test } from 'node:test'
import { openEgress } from '../../../src/egress/open-egress.ts'

test('egress: it tells what an answer begins with, and does not wait for its body', async () => {
  await using server = await listening((request, response) => {
    response.writeHead(503, { 'x-got': request.headers['x-token'] ?? 'none' })
    response.write('the first of a body without an end')
  })
  await using egress = openEgress()
  const { status, headers } = await egress.head({
    method: 'GET',
    url: server.url,
    headers: { 'x-token': ['t'] },
    timeout: 5_000,
  })
  assert.equal(status, 503)
  assert.equal(headers['x-got'], 't')
})

test('egress: a redirect is told, not followed', async () => {
  const paths: unknown[] = []
  await using server = await listening((request, response) => {
    paths.push(request.url)
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  await using egress = openEgress()
  const { status, headers } = await egress.head({ method: 'HEAD', url: server.url, timeout: 5_000 })
  assert.deepEqual([status, headers['location'], paths], [302, '/elsewhere', ['/']])
})

test('egress: who never answers is given up in time', async () => {
  await using server = await listening(() => undefined)
  await using egress = openEgress()
  await assert.rejects(egress.head({ method: 'HEAD', url: server.url, timeout: 50 }), { name: 'TimeoutError' })
})

test('egress: a proxy of the environment is not asked', async () => {
  await using server = await listening((_, response) => response.writeHead(204).end())
  await using proxy = await listening((_, response) => response.writeHead(502).end())
  const before = process.env['HTTP_PROXY']
  process.env['HTTP_PROXY'] = proxy.url.href
  try {
    await using egress = openEgress()
    assert.equal((await egress.head({ method: 'HEAD', url: server.url, timeout: 5_000 })).status, 204)
  } finally {
    if (before === undefined) delete process.env['HTTP_PROXY']
    else process.env['HTTP_PROXY'] = before
  }
})

test('egress: a dial finds who listens, and tells who does not', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await using egress = openEgress()
  const to = { host: '127.0.0.1', port, timeout: 5_000 }
  const taken = once(server, 'connection')
  await egress.dial(to)
  const [socket] = await taken
  await once(socket.resume(), 'close')
  server.close()
  await once(server, 'close')
  await assert.rejects(egress.dial(to), { code: 'ECONNREFUSED' })
})

async function listening(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
