import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headRefusal } from '../../../src/http/request-head.ts'

function head(headers: readonly (readonly [name: string, value: string])[], httpVersion = '1.1') {
  return { httpVersion, headers: Object.fromEntries(headers.toReversed()), rawHeaders: headers.flat() }
}

// biome-ignore format: one case a line
const cases: { name: string; head: Parameters<typeof headRefusal>[0]; because?: RegExp }[] = [
  { name: 'a name and a port', head: head([['host', 'reg.home:5000']]) },
  { name: 'an IPv6 address', head: head([['host', '[::1]:5000']]) },
  { name: 'no name, as RFC 9112 allows', head: head([['host', '']]) },
  { name: 'no Host in HTTP/1.0', head: head([], '1.0') },
  { name: 'chunks', head: head([['host', 'x'], ['transfer-encoding', 'Chunked']]) },
  { name: 'a header twice that may come twice', head: head([['host', 'x'], ['accept', 'a'], ['accept', 'b']]) },
  { name: 'no Host', head: head([]), because: /no Host/ },
  { name: 'two Hosts', head: head([['host', 'x'], ['Host', 'x']]), because: /host twice/ },
  { name: 'two passwords', head: head([['host', 'x'], ['authorization', 'a'], ['Authorization', 'b']]), because: /authorization twice/ },
  { name: 'two types', head: head([['host', 'x'], ['content-type', 'a/b'], ['content-type', 'c/d']]), because: /content-type twice/ },
  { name: 'a Host with a path', head: head([['host', 'x/y']]), because: /Host header is 'x\/y'/ },
  { name: 'a Host with a user', head: head([['host', 'a@x']]), because: /Host/ },
  { name: 'a Host of two names', head: head([['host', 'x, y']]), because: /Host/ },
  { name: 'a Host with a space', head: head([['host', 'x y']]), because: /Host/ },
  { name: 'a Host with a port that is none', head: head([['host', 'x:y']]), because: /Host/ },
  { name: 'a bad Host in HTTP/1.0', head: head([['host', 'x y']], '1.0'), because: /Host/ },
  { name: 'HTTP/0.9', head: head([['host', 'x']], '0.9'), because: /HTTP\/0\.9/ },
  { name: 'HTTP/2.0', head: head([['host', 'x']], '2.0'), because: /HTTP\/2\.0/ },
  { name: 'chunks in HTTP/1.0', head: head([['transfer-encoding', 'chunked']], '1.0'), because: /no Transfer-Encoding/ },
  { name: 'a body in gzip', head: head([['host', 'x'], ['transfer-encoding', 'gzip, chunked']]), because: /'gzip, chunked'/ },
]

for (const { name, head: sent, because } of cases) {
  test(`a request's head: ${name} is ${because === undefined ? 'taken' : 'refused'} (T41, T44)`, () => {
    const refusal = headRefusal(sent)
    if (because === undefined) return assert.equal(refusal, undefined)
    assert.equal(refusal?.kind, 'request-invalid')
    assert.match(refusal.message, because)
  })
}

test('a Host header of 128 KiB is not told whole', () => {
  assert.ok((headRefusal(head([['host', `x y${'z'.repeat(131_072)}`]]))?.message.length ?? 0) < 300)
})
