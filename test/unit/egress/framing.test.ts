import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { outcome, rawServer, type Serve, testDoor } from './harness.ts'

const HEAD = 'HTTP/1.1 200 OK\r\n'

/** Writes, and ends the connection when all was sent. */
function then(text: string, by: 'fin' | 'reset'): Serve {
  return (socket: Socket) => {
    // A reset throws away what the other side has not read yet.
    const end = () => (by === 'fin' ? socket.end() : setTimeout(() => socket.resetAndDestroy(), 20))
    if (text === '') end()
    else socket.write(text, end)
  }
}

const WHOLE: readonly (readonly [string, Serve | string, string])[] = [
  ['a length', `${HEAD}content-length: 5\r\n\r\nhello`, '200 hello'],
  ['chunks', `${HEAD}transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nx-t: 1\r\n\r\n`, '200 hello'],
  ['the end of the connection (FC-105)', then(`${HEAD}\r\nhello`, 'fin'), '200 hello'],
  [
    'the end of the connection, and it says so (FC-105)',
    then(`${HEAD}connection: close\r\n\r\nhello`, 'fin'),
    '200 hello',
  ],
  ['HTTP/1.0 (FC-105)', then('HTTP/1.0 200 OK\r\n\r\nhello', 'fin'), '200 hello'],
  ['nothing: 204', 'HTTP/1.1 204 No\r\n\r\n', '204 '],
  ['nothing: 304', 'HTTP/1.1 304 No\r\ncontent-length: 5\r\n\r\n', '304 '],
]

for (const [says, serve, expected] of WHOLE) {
  test(`framing: a body whose end is told by ${says} is read`, async () => {
    await using server = await rawServer(serve)
    await using out = testDoor()
    assert.equal(await outcome(out.send(`http://reg.example:${server.port}/`)), expected)
  })
}

const CUT: readonly (readonly [string, Serve, string])[] = [
  ['closed before a byte', then('', 'fin'), 'header: reset'],
  ['reset before a byte', then('', 'reset'), 'header: reset'],
  ['closed amid the headers', then(`${HEAD}content-le`, 'fin'), 'header: reset'],
  ['reset amid the headers', then(`${HEAD}content-le`, 'reset'), 'header: reset'],
  ['closed behind the headers', then(`${HEAD}content-length: 5\r\n\r\n`, 'fin'), 'body: reset'],
  ['closed amid a body with a length', then(`${HEAD}content-length: 5\r\n\r\nhel`, 'fin'), 'body: reset'],
  ['reset amid a body with a length', then(`${HEAD}content-length: 5\r\n\r\nhel`, 'reset'), 'body: reset'],
  [
    'reset amid a body with a length, on a connection that was to be closed',
    then(`${HEAD}connection: close\r\ncontent-length: 5\r\n\r\nhel`, 'reset'),
    'body: reset',
  ],
  ['closed amid chunks', then(`${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhel`, 'fin'), 'body: reset'],
  [
    'closed before the last chunk',
    then(`${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`, 'fin'),
    'body: reset',
  ],
  [
    'reset before the last chunk',
    then(`${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`, 'reset'),
    'body: reset',
  ],
  ['closed amid trailers', then(`${HEAD}transfer-encoding: chunked\r\n\r\n0\r\nx-t: `, 'fin'), 'body: reset'],
  ['reset amid a body without a length (FC-105)', then(`${HEAD}\r\nhel`, 'reset'), 'body: reset'],
  [
    'reset amid a body without a length, and it says so (FC-105)',
    then(`${HEAD}connection: close\r\n\r\nhel`, 'reset'),
    'body: reset',
  ],
]

for (const [says, serve, expected] of CUT) {
  test(`framing: an answer that is ${says} is '${expected}', and never a short body (FC-106)`, async () => {
    await using server = await rawServer(serve)
    await using out = testDoor()
    assert.equal(await outcome(out.send(`http://reg.example:${server.port}/`)), expected)
    assert.equal(server.connections, 1)
  })
}

const MALFORMED: readonly (readonly [string, string])[] = [
  ['two lengths', `${HEAD}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`],
  ['one length twice', `${HEAD}content-length: 5\r\nContent-Length: 5\r\n\r\nhello`],
  ['a list of lengths', `${HEAD}content-length: 5, 5\r\n\r\nhello`],
  ['a negative length', `${HEAD}content-length: -5\r\n\r\nhello`],
  ['a length with a sign', `${HEAD}content-length: +5\r\n\r\nhello`],
  ['a length that is none', `${HEAD}content-length: five\r\n\r\nhello`],
  ['an empty length', `${HEAD}content-length: \r\n\r\nhello`],
  ['a length of 30 digits', `${HEAD}content-length: 999999999999999999999999999999\r\n\r\nhello`],
  ['a length and chunks', `${HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ['chunks and a length', `${HEAD}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ['a size of a chunk that is none', `${HEAD}transfer-encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n`],
  ['a chunk longer than its size', `${HEAD}transfer-encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`],
  ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a header without a name', `${HEAD}: x\r\n\r\n`],
  ['a space before the colon', `${HEAD}content-length : 5\r\n\r\nhello`],
  ['a folded header', `${HEAD}x-a: b\r\n c\r\ncontent-length: 5\r\n\r\nhello`],
  ['NUL in a header', `${HEAD}x-a: b\0c\r\ncontent-length: 5\r\n\r\nhello`],
  ['more headers than we take', `${HEAD}x-a: ${'b'.repeat(70_000)}\r\ncontent-length: 5\r\n\r\nhello`],
  ['many headers', `${HEAD}${'x-a: b\r\n'.repeat(20_000)}content-length: 5\r\n\r\nhello`],
  ['a change of protocol that nobody asked for', 'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
  ['100 Continue that nobody asked for', 'HTTP/1.1 100 Continue\r\n\r\n'],
]

for (const [says, text] of MALFORMED) {
  test(`framing: ${says} is malformed, and the connection is not used again (D-10)`, async () => {
    await using server = await rawServer(text)
    await using out = testDoor()
    const url = `http://reg.example:${server.port}/`
    assert.match(await outcome(out.send(url)), /^(?:header|body): malformed$/)
    await outcome(out.send(url))
    assert.equal(server.connections, 2)
  })
}

test('framing: bytes behind a body are nobody’s answer, and the connection is not used again (D-10)', async () => {
  await using server = await rawServer((socket, _, nth) =>
    socket.write(`${HEAD}content-length: 5\r\n\r\nhello${nth === 1 ? `${HEAD}content-length: 5\r\n\r\nother` : ''}`),
  )
  await using out = testDoor()
  const url = `http://reg.example:${server.port}/`
  for (const _ of [1, 2]) {
    assert.equal(await outcome(out.send(url)), '200 hello')
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(server.connections, 2)
})

test('framing: a stream of 1xx ends with the time (T40)', async () => {
  await using server = await rawServer((socket) => {
    const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 5)
    socket.once('close', () => clearInterval(timer))
  })
  await using out = testDoor()
  assert.equal(await outcome(out.send(`http://reg.example:${server.port}/`, { headerMs: 60 })), 'header: timeout')
})

test('framing: headers up to 64 KiB are taken', async () => {
  await using server = await rawServer(`${HEAD}x-a: ${'b'.repeat(60_000)}\r\ncontent-length: 5\r\n\r\nhello`)
  await using out = testDoor()
  assert.equal(await outcome(out.send(`http://reg.example:${server.port}/`)), '200 hello')
})

test('framing: five hundred resets at any stage are five hundred errors, and nothing else (FC-106)', async () => {
  const stages = ['', 'HTTP/1.1 2', HEAD, `${HEAD}content-length: 5\r\n\r\nhel`, `${HEAD}\r\nhel`]
  let count = 0
  await using server = await rawServer((socket) => {
    count += 1
    const text = stages[count % stages.length] ?? ''
    socket.write(text, () => setImmediate(() => socket.resetAndDestroy()))
  })
  await using out = testDoor()
  const url = `http://reg.example:${server.port}/`
  for (let round = 0; round < 10; round += 1) {
    const found = await Promise.all(Array.from({ length: 50 }, () => outcome(out.send(url))))
    for (const line of found) assert.match(line, /^(?:header|body): reset$/)
  }
  assert.equal(server.connections, 500)
})
