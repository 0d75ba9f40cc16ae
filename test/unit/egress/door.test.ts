import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { test } from 'node:test'
import type { Attempt } from '../../../src/egress/egress.ts'
import { faultOf, ok, outcome, rawServer, testDoor, textOf } from './harness.ts'

test('door: exactly what was asked for is sent, and nothing of our own but host and connection (T48)', async () => {
  await using server = await rawServer(ok('hello'))
  await using out = testDoor()
  const headers = { authorization: 'Bearer t', accept: 'a/b, c/d', 'accept-encoding': 'identity' }
  const answer = await out.send(`http://reg.example:${server.port}/v2/a%20b?c=%25d&e`, { headers })
  assert.deepEqual([answer.status, answer.headers['content-length'], await textOf(answer)], [200, '5', 'hello'])
  assert.deepEqual(server.heads[0]?.split('\r\n'), [
    'GET /v2/a%20b?c=%25d&e HTTP/1.1',
    `host: reg.example:${server.port}`,
    'connection: keep-alive',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ])
})

test('door: headers that come several times are a list, and 1xx is no answer', async () => {
  await using server = await rawServer(
    'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n' +
      'HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer a\r\nwww-authenticate: Basic b\r\ncontent-length: 0\r\n\r\n',
  )
  await using out = testDoor()
  const { status, headers } = await out.send(`http://reg.example:${server.port}/`)
  assert.deepEqual([status, headers['www-authenticate']], [401, ['Bearer a', 'Basic b']])
})

test('door: a connection is used again when its answer was read, discarded while short, or had no body', async () => {
  const answers = [ok('one'), ok('x'.repeat(2_000)), 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', ok('four')]
  await using server = await rawServer((socket, _, nth) => socket.write(answers[nth - 1] ?? ''))
  await using out = testDoor()
  const url = `http://reg.example:${server.port}/`
  const first = await out.send(url)
  assert.ok(first.ms.connect > 0)
  await textOf(first)
  const second = await out.send(url)
  assert.equal(second.ms.connect, 0)
  second.discard()
  await new Promise((resolve) => setImmediate(resolve))
  await textOf(await out.send(url, { method: 'HEAD' }))
  assert.equal(await textOf(await out.send(url)), 'four')
  assert.equal(server.connections, 1)
})

test('door: a long body that is discarded ends its connection, and a second discard does nothing', async () => {
  await using server = await rawServer('HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nx')
  await using out = testDoor()
  const answer = await out.send(`http://reg.example:${server.port}/`)
  const [socket] = server.sockets
  assert.ok(socket)
  answer.discard()
  answer.discard()
  await once(socket, 'close')
  assert.equal(await textOf(answer), '')
})

test('door: who stops reading ends the connection', async () => {
  await using server = await rawServer('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n')
  await using out = testDoor()
  const { body } = await out.send(`http://reg.example:${server.port}/`)
  const [socket] = server.sockets
  assert.ok(socket)
  for await (const chunk of body) {
    assert.equal(Buffer.from(chunk).toString(), 'ab')
    break
  }
  socket.write('10000\r\n'.padEnd(0x10000 + 7, 'x'))
  socket.write('\r\n1\r\nx\r\n')
  await once(socket, 'close')
})

test('door: what is read slowly is sent slowly, and arrives whole', async () => {
  const piece = Buffer.alloc(65_536)
  const pieces = 1_024
  let taken = 0
  await using server = await rawServer((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${piece.length * pieces}\r\n\r\n`)
    const more = () => {
      taken += 1
      if (taken < pieces) socket.write(piece, more)
      else socket.write(piece)
    }
    socket.write(piece.subarray(0, 0), () => {
      taken = 0
      socket.write(piece, more)
    })
  })
  await using out = testDoor()
  const { body } = await out.send(`http://reg.example:${server.port}/`)
  for (let before = -1; before !== taken; ) {
    before = taken
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.ok(taken < pieces / 2, `${taken} of ${pieces} were taken, and none was read`)
  let count = 0
  for await (const chunk of body) count += chunk.length
  assert.equal(count, piece.length * pieces)
})

test('door: a dead connection that waited is replaced once, and the request is sent again', async () => {
  await using server = await rawServer((socket, _, nth) => {
    if (nth === 2) socket.resetAndDestroy()
    else socket.write(ok(`answer ${nth}`))
  })
  await using out = testDoor()
  const url = `http://reg.example:${server.port}/`
  assert.equal(await outcome(out.send(url)), '200 answer 1')
  assert.equal(await outcome(out.send(url)), '200 answer 3')
  assert.equal(server.connections, 2)
})

test('door: a connection that the peer ended while it waited is not used', async () => {
  await using server = await rawServer((socket, _, nth) => {
    socket.write(ok(`answer ${nth}`))
    if (nth === 1) socket.end()
  })
  await using out = testDoor()
  const url = `http://reg.example:${server.port}/`
  assert.equal(await outcome(out.send(url)), '200 answer 1')
  for (const socket of server.sockets) await once(socket, 'close')
  assert.equal(await outcome(out.send(url)), '200 answer 2')
})

test('door: a fresh connection that is reset is one error, and no second try', async () => {
  await using server = await rawServer((socket) => socket.resetAndDestroy())
  await using out = testDoor()
  assert.equal(await outcome(out.send(`http://reg.example:${server.port}/`)), 'header: reset')
  assert.equal(server.connections, 1)
})

test('door: an answer that began on a connection that waited is not asked for again', async () => {
  await using server = await rawServer((socket, _, nth) => {
    socket.write(nth === 1 ? ok('one') : 'HTTP/1.1 200 OK\r\nconte')
    if (nth === 2) setImmediate(() => setImmediate(() => socket.resetAndDestroy()))
  })
  await using out = testDoor()
  const url = `http://reg.example:${server.port}/`
  await outcome(out.send(url))
  assert.equal(await outcome(out.send(url)), 'header: reset')
  assert.equal(server.heads.length, 2)
})

const TIMEOUTS: readonly (readonly [string, string, () => Parameters<typeof testDoor>[0], Partial<Attempt>])[] = [
  [
    'the name is never resolved',
    'dns: timeout',
    () => ({ resolve: () => new Promise(() => undefined) }),
    { connectMs: 30 },
  ],
  ['nobody answers the connection', 'connect: timeout', () => ({ dial: () => new Socket() }), { connectMs: 30 }],
  ['no header comes', 'header: timeout', () => ({}), { headerMs: 30 }],
]

for (const [says, expected, options, times] of TIMEOUTS) {
  test(`door: when ${says}, it is over in time, with its hop`, async () => {
    await using server = await rawServer(() => undefined)
    await using out = testDoor(options())
    const error = await faultOf(out.send(`http://reg.example:${server.port}/`, times))
    assert.equal(`${error.hop}: ${error.fault}`, expected)
    assert.equal(error.facts.peer, `reg.example:${server.port}`)
  })
}

test('door: half a header and then nothing is a timeout', async () => {
  await using server = await rawServer('HTTP/1.1 200 OK\r\ncontent-')
  await using out = testDoor()
  assert.equal(await outcome(out.send(`http://reg.example:${server.port}/`, { headerMs: 30 })), 'header: timeout')
})

test('door: a name that is not resolved has the code of the system', async () => {
  const error = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
  await using out = testDoor({ resolve: () => Promise.reject(error) })
  const { hop, fault, facts } = await faultOf(out.send('https://gone.example/'))
  assert.deepEqual([hop, fault, facts.peer, facts.code], ['dns', 'not-resolved', 'gone.example:443', 'ENOTFOUND'])
})

test('door: a refused connection is told with its peer and code', async () => {
  await using server = await rawServer('')
  const { port } = server
  await server[Symbol.asyncDispose]()
  await using out = testDoor()
  const { hop, fault, facts } = await faultOf(out.send(`http://reg.example:${port}/`))
  assert.deepEqual([hop, fault, facts.peer, facts.code], ['connect', 'refused', `reg.example:${port}`, 'ECONNREFUSED'])
})

test('door: the next address is tried when one is refused, or silent', async () => {
  await using server = await rawServer(ok('here'))
  const resolve = async () => ['127.0.0.2', '127.0.0.3', '127.0.0.1']
  await using out = testDoor({
    resolve,
    dial: ({ address, port }) => {
      // 127.0.0.3 is a black hole; on 127.0.0.2 nobody listens.
      if (address === '127.0.0.3') return new Socket()
      return new Socket().connect({ host: address, port })
    },
  })
  assert.equal(await outcome(out.send(`http://reg.example:${server.port}/`)), '200 here')
  assert.deepEqual(
    out.dialled,
    ['127.0.0.2', '127.0.0.3', '127.0.0.1'].map((address) => `${address}:${server.port}`),
  )
})

test('door: one lookup serves all who ask for a name at once', async () => {
  await using server = await rawServer(ok('x'))
  let lookups = 0
  await using out = testDoor({
    resolve: async () => {
      lookups += 1
      await new Promise((resolve) => setTimeout(resolve, 20))
      return ['127.0.0.1']
    },
  })
  const url = `http://reg.example:${server.port}/`
  await Promise.all(Array.from({ length: 5 }, () => outcome(out.send(url))))
  assert.equal(lookups, 1)
  assert.equal(server.connections, 5)
})

const UNSENDABLE: readonly (readonly [string, Partial<Attempt>])[] = [
  ['CR and LF in a value', { headers: { authorization: 'Bearer a\r\nx: y' } }],
  ['LF in a value', { headers: { authorization: 'Bearer a\nx' } }],
  ['NUL in a value', { headers: { authorization: 'Bearer \0' } }],
  ['letters beyond Latin-1 in a value', { headers: { authorization: 'Bearer \u{10c}' } }],
  ['CR and LF in a name', { headers: { 'a\r\nb': 'c' } }],
  ['a space in a name', { headers: { 'a b': 'c' } }],
  ['an empty name', { headers: { '': 'c' } }],
]

for (const [says, attempt] of UNSENDABLE) {
  test(`door: ${says} is refused, and nothing is sent (T46)`, async () => {
    await using out = testDoor({ resolve: () => assert.fail('Nothing may be looked up') })
    assert.equal(await outcome(out.send('http://reg.example:1/', attempt)), 'header: malformed')
    assert.deepEqual(out.dialled, [])
  })
}

test('door: CR, LF and NUL in an address do not reach the wire (T46)', async () => {
  await using server = await rawServer(ok('x'))
  await using out = testDoor()
  await outcome(out.send(`http://reg.example:${server.port}/a\r\nb\0c?d\r\ne\0 f`))
  assert.match(
    server.heads[0] ?? '',
    /^GET \/ab%00c\?de%00%20f HTTP\/1\.1\r\nhost: reg\.example:\d+\r\nconnection: keep-alive$/,
  )
  assert.throws(() => new URL('http://a\0b/'))
})

test('door: the signal gives an attempt up at every stage, with its reason', async () => {
  await using server = await rawServer(() => undefined)
  const stuck: readonly Parameters<typeof testDoor>[0][] = [
    { resolve: () => new Promise(() => undefined) },
    { dial: () => new Socket() },
    {},
  ]
  for (const options of stuck) {
    await using out = testDoor(options)
    const reason = new Error('the client left')
    const signal = AbortSignal.any([AbortSignal.timeout(30)])
    const giveUp = new AbortController()
    signal.addEventListener('abort', () => giveUp.abort(reason))
    await assert.rejects(out.send(`http://reg.example:${server.port}/`, { signal: giveUp.signal }), reason)
    await assert.rejects(out.send(`http://reg.example:${server.port}/`, { signal: giveUp.signal }), reason)
  }
})

test('door: the signal breaks a body off, and its connection is not used again', async () => {
  await using server = await rawServer('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc')
  await using out = testDoor()
  const giveUp = new AbortController()
  const reason = new Error('the client left')
  const answer = await out.send(`http://reg.example:${server.port}/`, { signal: giveUp.signal })
  const [socket] = server.sockets
  giveUp.abort(reason)
  await assert.rejects(textOf(answer), reason)
  if (socket && !socket.destroyed) await once(socket, 'close')
})

test('door: its end ends what runs', async () => {
  await using server = await rawServer('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc')
  const out = testDoor()
  const url = `http://reg.example:${server.port}/`
  const answer = await out.send(url)
  await out[Symbol.asyncDispose]()
  await assert.rejects(textOf(answer), /closed/)
  await assert.rejects(out.send(url), /closed/)
})

test('door: variables of proxies are not looked at (FC-40)', async () => {
  await using server = await rawServer(ok('direct'))
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()])
  const before = names.map((name) => [name, process.env[name]] as const)
  for (const name of names) process.env[name] = 'http://127.0.0.1:1'
  try {
    await using out = testDoor()
    assert.equal(await outcome(out.send(`http://reg.example:${server.port}/`)), '200 direct')
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
})
