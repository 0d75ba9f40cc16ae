import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeAnswer } from '../../helpers/http-answers.ts'

interface Case {
  readonly name: string
  readonly wire: string
  readonly method?: string
  readonly ended?: true
  readonly status: number
  readonly body: string
  readonly rest?: string
  readonly cut?: true
}

// biome-ignore format: one case a line
const CASES: readonly Case[] = [
  { name: 'a body of the length that was told', wire: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', status: 200, body: 'hello' },
  { name: 'a body of no bytes', wire: 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n', status: 202, body: '' },
  { name: 'what follows is left for the next', wire: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nheHTTP/1.1 404', status: 200, body: 'he', rest: 'HTTP/1.1 404' },
  { name: 'HEAD has a length and no body', method: 'HEAD', wire: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP', status: 200, body: '', rest: 'HTTP' },
  { name: '100 Continue is an answer of its own', wire: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201', status: 100, body: '', rest: 'HTTP/1.1 201' },
  { name: '304 has no body', wire: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', status: 304, body: '' },
  { name: 'chunks are joined', wire: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\nmore', status: 200, body: 'hello', rest: 'more' },
  { name: 'without a length the body ends with the connection', ended: true, wire: 'HTTP/1.1 200 OK\r\n\r\nhello', status: 200, body: 'hello' },
  { name: 'a body shorter than was told is cut', ended: true, wire: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel', status: 200, body: 'hel', cut: true },
  { name: 'chunks without the last are cut', ended: true, wire: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n', status: 200, body: '3\r\nhel\r\n', cut: true },
]

for (const { name, wire, method = 'GET', ended = false, status, body, rest = '', cut = false } of CASES) {
  test(`an answer on the wire: ${name}`, () => {
    const taken = takeAnswer(Buffer.from(wire), { method, ended })
    assert.equal(taken?.answer.status, status)
    assert.equal(taken?.answer.body.toString(), body)
    assert.equal(taken?.answer.cut, cut)
    assert.equal(taken?.rest.toString(), rest)
  })
}

test('an answer is taken when its last byte is there, and not before', () => {
  for (const { name, wire, method = 'GET', ended, rest = '' } of CASES) {
    if (ended) continue
    const whole = Buffer.from(wire.slice(0, wire.length - rest.length))
    for (let length = 0; length < whole.length; length += 1) {
      assert.equal(takeAnswer(whole.subarray(0, length), { method, ended: false }), undefined, `${name}: ${length}`)
    }
    assert.notEqual(takeAnswer(whole, { method, ended: false }), undefined, name)
  }
})

for (const [name, wire] of [
  ['what is no answer', 'hello\r\n\r\n'],
  ['a header without a name', 'HTTP/1.1 200 OK\r\n: value\r\n\r\n'],
  ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n'],
  ['a chunk longer than its size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n'],
] as const) {
  test(`an answer on the wire: ${name} is an error`, () => {
    assert.throws(() => takeAnswer(Buffer.from(wire), { method: 'GET', ended: false }))
  })
}
