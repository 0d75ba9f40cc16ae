import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { digestOf } from '../helpers/digest-of.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { type Server, startServer } from '../helpers/server.ts'

/** A row: bytes on a connection of their own, the statuses of all answers, and whether the connection goes on. */
interface RawCase {
  readonly name: string
  /** Pieces are sent one after the other, each when the one before has left. Characters are bytes. */
  readonly send: string | readonly string[]
  /** The client ends its side after the last piece. */
  readonly ends?: true
  /** An empty list: the connection ends without an answer. */
  readonly answers: readonly number[]
  readonly stays: boolean
  /** Default: `open`, plain HTTP for everybody. `users` is plain HTTP with passwords, `tls` is plain bytes to a TLS port. */
  readonly to?: 'users' | 'tls'
  /** What the last answer says. */
  readonly says?: RegExp
}

const HELLO = digestOf('hello')
const BLOB = `/v2/app/blobs/${HELLO}`
const OCI = 'application/vnd.oci.image.manifest.v1+json'
const KEPT = { stays: true }
const ENDS = { stays: false }
const OK = { answers: [200], ...KEPT }
const BAD = { answers: [400], ...ENDS }
const NOT_FOUND = { answers: [404], ...KEPT }
const REFUSED = { answers: [400], ...KEPT }

function request(first: string, headers: readonly string[] = [], body = ''): string {
  return [`${first} HTTP/1.1`, 'Host: reg.home', ...headers, '', body].join('\r\n')
}

function get(target: string, ...headers: string[]): string {
  return request(`GET ${target}`, headers)
}

/** A POST that opens an upload. `headers` say how its body is framed. */
function post(headers: readonly string[], body = ''): string {
  return request('POST /v2/app/blobs/uploads/', headers, body)
}

/** A manifest, with its length. */
function put(body: string, { type = OCI, to = 'raw' } = {}): string {
  return request(
    `PUT /v2/app/manifests/${to}`,
    [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`, `Content-Type: ${type}`],
    body,
  )
}

/** A manifest in chunks as written. */
function chunks(body: string): string {
  return request('PUT /v2/app/manifests/raw', ['Transfer-Encoding: chunked', `Content-Type: ${OCI}`], body)
}

function image(fields: object): string {
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: HELLO, size: 5 }
  return JSON.stringify({ schemaVersion: 2, mediaType: OCI, config, layers: [], ...fields })
}

const layer = (digest: string) => put(image({ layers: [{ mediaType: 'a/b', digest, size: 1 }] }))
const NEXT = get('/v2/')

// biome-ignore format: one case a line
const CASES: readonly RawCase[] = [
  // Framing.
  { name: 'a whole request', send: get('/v2/'), ...OK },
  { name: 'empty lines before it', send: `\r\n\r\n${get('/v2/')}`, ...OK },
  { name: 'a request byte by byte', send: [...get('/v2/')], ...OK },
  { name: 'a length', send: post(['Content-Length: 0']), answers: [202], ...KEPT },
  { name: 'chunks', send: chunks('2\r\n{}\r\n0\r\n\r\n'), ...REFUSED },
  { name: 'chunks with an extension', send: chunks('2;a=b\r\n{}\r\n0\r\n\r\n'), ...REFUSED },
  { name: 'chunks byte by byte', send: [...chunks('1\r\n{\r\n1\r\n}\r\n0\r\n\r\n')], ...REFUSED },
  { name: 'a chunk that is longer than it says', send: chunks('1\r\n{}\r\n0\r\n\r\n'), ...BAD },
  { name: 'a chunk of a size that is no number', send: chunks('zz\r\n{}\r\n0\r\n\r\n'), ...BAD },
  { name: 'a chunk of a negative size', send: chunks('-2\r\n{}\r\n0\r\n\r\n'), ...BAD },
  { name: 'a chunk of a size in C', send: chunks('0x2\r\n{}\r\n0\r\n\r\n'), ...BAD },
  { name: 'a chunk of more than 64 bits', send: chunks('10000000000000002\r\n{}\r\n0\r\n\r\n'), ...BAD },
  { name: 'chunks with bare line feeds', send: chunks('2\n{}\n0\n\n'), ...BAD },
  { name: 'an extension with a bare line feed', send: chunks('2;a\n{}\r\n0\r\n\r\n'), ...BAD },
  { name: 'an extension of 20 kB', send: chunks(`2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`), answers: [431], ...ENDS },
  { name: 'a trailer that would be a length', send: chunks('2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n'), ...BAD },
  { name: 'a trailer of 200 kB', send: chunks(`2\r\n{}\r\n0\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`), answers: [431], ...ENDS },
  { name: 'a body with a GET', send: get('/v2/', 'Content-Length: 5', '', 'hello').slice(0, -4), ...OK },
  { name: 'a body in chunks with a GET', send: get('/v2/', 'Transfer-Encoding: chunked', '', '5', 'hello', '0'), answers: [200], ...ENDS },
  { name: 'a body with a HEAD', send: request(`HEAD ${BLOB}0`, ['Content-Length: 5'], 'hello') + NEXT, answers: [400, 200], ...KEPT },
  { name: 'a body with a DELETE', send: request('DELETE /v2/app/manifests/none', ['Content-Length: 5'], 'hello') + NEXT, answers: [404, 200], ...KEPT },
  { name: 'a manifest of 5 MB by its length', send: request('PUT /v2/app/manifests/raw', ['Content-Length: 5000000']), answers: [413], ...ENDS },
  { name: 'a manifest of 4 MiB and a byte by its length', send: request('PUT /v2/app/manifests/raw', ['Content-Length: 4194305']), answers: [413], ...ENDS },
  { name: 'a manifest of 5 MiB in chunks', send: chunks(`100000\r\n${'x'.repeat(1_048_576)}\r\n`.repeat(5)), answers: [413], ...ENDS },

  // Smuggling: nobody may find two requests where another finds one.
  { name: 'a length and chunks', send: post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), ...BAD },
  { name: 'chunks and a length', send: post(['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'), ...BAD },
  { name: 'a length and chunks, and a request behind', send: post(['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${NEXT}`), ...BAD },
  { name: 'two lengths', send: post(['Content-Length: 0', 'Content-Length: 5']), ...BAD },
  { name: 'one length twice', send: post(['Content-Length: 0', 'Content-Length: 0']), ...BAD },
  { name: 'one length twice, in two cases', send: post(['Content-Length: 0', 'CONTENT-LENGTH: 0']), ...BAD },
  { name: 'a list of lengths', send: post(['Content-Length: 0, 0']), ...BAD },
  { name: 'a length with a plus', send: post(['Content-Length: +0']), ...BAD },
  { name: 'a negative length', send: post(['Content-Length: -1']), ...BAD },
  { name: 'a length in C', send: post(['Content-Length: 0x0']), ...BAD },
  { name: 'a length that is no number', send: post(['Content-Length: five']), ...BAD },
  { name: 'no length', send: post(['Content-Length: ']), ...BAD },
  { name: 'a length of more than 64 bits', send: post(['Content-Length: 18446744073709551617']), ...BAD },
  { name: 'a space before the colon', send: post(['Content-Length : 0']), ...BAD },
  { name: 'chunks by a space before the colon', send: post(['Transfer-Encoding : chunked'], '0\r\n\r\n'), ...BAD },
  { name: 'chunks in capitals', send: post(['Transfer-Encoding: CHUNKED'], '0\r\n\r\n'), answers: [202], stays: true },
  { name: 'chunks behind a tab', send: post(['Transfer-Encoding:\tchunked'], '0\r\n\r\n'), answers: [202], stays: true },
  { name: 'chunks behind a vertical tab', send: post(['Transfer-Encoding: \x0bchunked'], '0\r\n\r\n'), ...BAD },
  { name: 'chunks in quotes', send: post(['Transfer-Encoding: "chunked"'], '0\r\n\r\n'), ...BAD },
  { name: 'chunks twice', send: post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), ...BAD },
  { name: 'chunks in chunks', send: post(['Transfer-Encoding: chunked, chunked'], '0\r\n\r\n'), ...BAD },
  { name: 'chunks, and something behind them', send: post(['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'), ...BAD },
  { name: 'chunks of gzip', send: post(['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'), ...BAD, says: /not 'chunked'/ },
  { name: 'a coding nobody knows', send: post(['Transfer-Encoding: xchunked'], '0\r\n\r\n'), ...BAD },
  { name: 'the coding that is none', send: post(['Transfer-Encoding: identity']), ...BAD },
  { name: 'chunks in HTTP/1.0', send: post(['Connection: keep-alive', 'Transfer-Encoding: chunked'], '0\r\n\r\n').replace('1.1', '1.0'), ...BAD },
  { name: 'a folded header', send: get('/v2/', 'X: a', ' b'), ...BAD },
  { name: 'chunks by a folded header', send: post(['Transfer-Encoding:', ' chunked'], '0\r\n\r\n'), ...BAD },
  { name: 'a request line folded into the first header', send: 'GET /v2/ HTTP/1.1\r\n Host: x\r\n\r\n', ...BAD },

  // Lines and headers.
  { name: 'bare line feeds', send: 'GET /v2/ HTTP/1.1\nHost: x\n\n', ...BAD },
  { name: 'a bare line feed in the head', send: 'GET /v2/ HTTP/1.1\r\nHost: x\nX: y\r\n\r\n', ...BAD },
  { name: 'a bare carriage return in the head', send: 'GET /v2/ HTTP/1.1\r\nHost: x\rX: y\r\n\r\n', ...BAD },
  { name: 'a NUL in a value', send: get('/v2/', 'X: a\0b'), ...BAD },
  { name: 'a NUL in a name', send: get('/v2/', 'X\0: a'), ...BAD },
  { name: 'a NUL in the target', send: get('/v2/\0'), ...BAD },
  { name: 'a NUL in the method', send: 'GE\0T /v2/ HTTP/1.1\r\nHost: x\r\n\r\n', ...BAD },
  { name: 'a name with a space', send: get('/v2/', 'X Y: a'), ...BAD },
  { name: 'no name', send: get('/v2/', ': a'), ...BAD },
  { name: 'no colon', send: get('/v2/', 'abc'), ...BAD },
  { name: 'the name __proto__, twice', send: get('/v2/', '__proto__: a', '__proto__: b'), ...OK },
  { name: 'the names of Object.prototype', send: get('/v2/', 'constructor: a', 'toString: b', 'hasOwnProperty: c'), ...OK },
  { name: '2,500 headers of one name', send: get('/v2/', ...Array.from({ length: 2500 }, () => 'X: y')), answers: [431], ...ENDS },
  { name: 'a header of 120 kB', send: get('/v2/', `X: ${'a'.repeat(120_000)}`), ...OK },
  { name: 'a header of 140 kB', send: get('/v2/', `X: ${'a'.repeat(140_000)}`), answers: [431], ...ENDS },
  { name: 'a header that never ends, and a client that does', send: `GET /v2/ HTTP/1.1\r\nX: ${'a'.repeat(50_000)}`, ends: true, ...BAD },
  { name: 'two Hosts', send: get('/v2/', 'Host: evil'), ...BAD, says: /host twice/ },
  { name: 'no Host', send: 'GET /v2/ HTTP/1.1\r\n\r\n', ...BAD, says: /no Host/ },
  { name: 'a Host that is none', send: 'GET /v2/ HTTP/1.1\r\nHost: a/b@c\r\n\r\n', ...BAD },
  { name: 'two passwords', send: get('/v2/', 'Authorization: Basic YTpi', 'Authorization: Basic YzpkCg=='), to: 'users', ...BAD, says: /authorization twice/ },
  { name: 'a password of 100 kB', send: get('/v2/', `Authorization: Basic ${'YTpi'.repeat(25_000)}`), to: 'users', answers: [401], ...KEPT },
  { name: 'a password with a NUL', send: get('/v2/', `Authorization: Basic ${btoa('ann:sec\0ret')}`), to: 'users', answers: [401], ...KEPT },
  { name: 'a password that is no base64', send: get('/v2/', 'Authorization: Basic \xff\xfe'), to: 'users', answers: [401], ...KEPT },

  // Versions and methods.
  { name: 'HTTP/1.0', send: 'GET /v2/ HTTP/1.0\r\n\r\n', answers: [200], ...ENDS },
  { name: 'HTTP/1.0 that would stay', send: 'GET /v2/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', ...OK },
  { name: 'HTTP/0.9', send: 'GET /v2/\r\n\r\n', ...BAD },
  { name: 'HTTP/1.2', send: 'GET /v2/ HTTP/1.2\r\nHost: x\r\n\r\n', ...BAD },
  { name: 'HTTP/2.0', send: 'GET /v2/ HTTP/2.0\r\nHost: x\r\n\r\n', ...BAD },
  { name: 'HTTP/2’s preface (T42)', send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', ...BAD },
  { name: 'an upgrade to HTTP/2', send: get('/v2/', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'), ...OK },
  { name: 'an upgrade to a WebSocket', send: get('/v2/', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='), ...OK },
  { name: 'a tunnel', send: 'CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\n\r\n', answers: [405], ...ENDS, says: /no proxy/ },
  { name: 'a trace', send: get('/v2/').replace('GET', 'TRACE'), answers: [405], ...KEPT },
  { name: 'a method nobody knows', send: get('/v2/').replace('GET', 'BREW'), ...BAD },
  { name: 'a method in small letters', send: get('/v2/').replace('GET', 'get'), ...BAD },
  { name: 'a method with a prefix', send: ` ${get('/v2/')}`, ...BAD },
  { name: 'bytes of TLS', send: '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', ...BAD, says: /began TLS/ },
  { name: 'bytes of nothing', send: '\x01\x02\x03\x04\r\n\r\n', ...BAD },

  // Targets and paths (T39).
  { name: 'the address of a proxy', send: get('http://evil.example/v2/'), ...OK },
  { name: 'the address of a proxy, with a password', send: get('http://a:b@evil.example/v2/'), ...OK },
  { name: 'another scheme', send: get('ftp://evil.example/v2/'), ...NOT_FOUND },
  { name: 'no path', send: get('reg.home:5000'), ...BAD },
  { name: 'everything', send: get('*').replace('GET', 'OPTIONS'), ...NOT_FOUND },
  { name: 'a fragment', send: get('/v2/#x'), ...NOT_FOUND },
  { name: 'a space in the target', send: get('/v2/ x'), ...BAD },
  { name: 'bytes beyond ASCII in the target', send: get('/v2/\xc3\xa9/tags/list'), ...BAD },
  { name: 'a target of 100 kB', send: get(`/v2/${'a'.repeat(100_000)}/tags/list`), ...REFUSED },
  { name: 'a target of 140 kB', send: get(`/v2/${'a'.repeat(140_000)}/tags/list`), answers: [431], ...ENDS },
  { name: 'a target of 30,000 components', send: get(`/v2/${'a/'.repeat(30_000)}tags/list`), ...REFUSED },
  { name: 'a slash that is hidden', send: get(`/v2/other%2fapp/blobs/${HELLO}`), ...REFUSED },
  { name: 'a slash that is hidden, of 100 kB', send: get(`/v2/${'a'.repeat(100_000)}%2f/blobs/${HELLO}`), ...REFUSED, says: /^.{0,500}$/s },
  { name: 'two slashes', send: get(`//v2/app/blobs/${HELLO}`), ...NOT_FOUND },
  { name: 'two slashes in the name', send: get(`/v2//app/blobs/${HELLO}`), ...REFUSED },
  { name: 'a slash at the end', send: get(`${BLOB}/`), ...NOT_FOUND },
  { name: 'a way up', send: get(`/v2/x/../app/blobs/${HELLO}`), ...REFUSED },
  { name: 'a way up that is hidden', send: get(`/v2/x/%2e%2e/app/blobs/${HELLO}`), ...REFUSED },
  { name: 'a way out', send: get('/v2/app/blobs/uploads/..%2f..%2f..%2fetc%2fpasswd'), ...NOT_FOUND },
  { name: 'a way out through the digest', send: get('/v2/app/blobs/sha256:..%2f..%2fetc%2fpasswd'), ...REFUSED },
  { name: 'a parameter in the path', send: get(`/v2/app;x=y/blobs/${HELLO}`), ...REFUSED },
  { name: 'backslashes', send: get(`/v2\\app\\blobs\\${HELLO}`), ...NOT_FOUND },
  { name: 'a NUL that is hidden', send: get(`/v2/app%00/blobs/${HELLO}`), ...REFUSED },
  { name: 'line breaks that are hidden', send: get('/v2/app/manifests/a%0d%0aX:%20y'), ...REFUSED },
  { name: 'half an encoding', send: get('/v2/app%2/tags/list'), ...REFUSED },
  { name: 'UTF-8 that is none', send: get('/v2/%ff/tags/list'), ...REFUSED },
  { name: 'a query of 50 kB', send: get(`/v2/app/tags/list?${'n=1&'.repeat(12_500)}`), ...OK },
  { name: 'a page of nothing that is a number', send: get('/v2/_catalog?n=-1'), ...REFUSED },
  { name: 'a page of 2^63', send: get('/v2/_catalog?n=9223372036854775808'), ...OK },

  // Digests and JSON (T28, D-26).
  { name: 'the digest of a path, in a layer', send: layer('sha256:../../../../etc/passwd'), ...REFUSED },
  { name: 'a digest in capitals, in a layer', send: layer(HELLO.toUpperCase()), ...REFUSED },
  { name: 'a digest of 1 MB, in a layer', send: layer(`sha256:${'a'.repeat(1_000_000)}`), ...REFUSED, says: /^.{0,900}$/s },
  { name: 'a digest in capitals, in the path', send: get(BLOB.toUpperCase().replace('/V2/APP/BLOBS', '/v2/app/blobs')), ...REFUSED },
  { name: 'an algorithm nobody stores, in the path', send: get(`/v2/app/blobs/md5:${'a'.repeat(32)}`), ...REFUSED },
  { name: 'a digest that is none, in the query', send: request('POST /v2/app/blobs/uploads/?digest=sha256:x', ['Content-Length: 0']), ...REFUSED },
  { name: 'a digest that is none, to mount', send: request('POST /v2/app/blobs/uploads/?mount=sha256:%00&from=x', ['Content-Length: 0']), ...REFUSED },
  { name: '1,000 layers that nobody has', send: put(image({ layers: Array.from({ length: 1000 }, (_, index) => ({ digest: digestOf(`${index}`), size: 1 })) })), ...REFUSED, says: /^.{0,20000}900 more.{0,20000}$/s },
  { name: 'JSON of 10,000 levels', send: put(`{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`), ...REFUSED },
  { name: 'JSON of 4 MiB of brackets', send: put('['.repeat(4_194_304)), ...REFUSED },
  { name: 'JSON with a key of 4 MB', send: put(`{"${'x'.repeat(4_000_000)}":1}`, { type: 'text/html;' }), answers: [201], ...KEPT },
  { name: 'JSON with a key twice', send: put('{"config":1,"config":2}'), ...REFUSED },
  { name: 'JSON with a key in capitals', send: put(image({ Layers: [] })), ...REFUSED },
  { name: 'JSON with __proto__', send: put(image({ annotations: JSON.parse('{"__proto__":"x"}') })), answers: [201], ...KEPT },
  { name: 'JSON that is no UTF-8', send: put('{"a":"\xff"}'), ...REFUSED },
  { name: 'a size beyond 2^53', send: put(image({}).replace('"size":5', '"size":9007199254740993')), ...REFUSED },
  { name: 'a size of 1e400', send: put(image({}).replace('"size":5', '"size":1e400')), ...REFUSED },
  { name: 'no JSON', send: put('<html>'), ...REFUSED },
  { name: 'a type with a line break', send: put(image({ mediaType: 'a/b\r\nX: y' })), ...REFUSED },

  // Slow clients and pipelines.
  { name: 'three requests at once', send: get('/v2/') + get(BLOB) + get('/v2/none/tags/list'), answers: [200, 200, 404], ...KEPT },
  { name: 'a request, and half of the next', send: [`${get('/v2/')}GET /v2`, '/ HTTP/1.1\r\nHost: x\r\n\r\n'], answers: [200, 200], ...KEPT },
  { name: 'a request, and nonsense behind it', send: `${get(BLOB)}\x01\x02\r\n\r\n`, answers: [200, 400], ...ENDS },
  { name: 'an upload, and nonsense behind it', send: `${post(['Content-Length: 0'])}BREW\r\n\r\n`, answers: [202, 400], ...ENDS },
  { name: 'a request, and a broken body behind it', send: get(BLOB) + chunks('zz\r\n'), answers: [200, 400], ...ENDS },
  { name: 'a request in the place of a refused body', send: request('PUT /v2/app/manifests/raw', ['Content-Length: 5000000'], NEXT), answers: [413], ...ENDS },
  { name: 'a request behind a refused body', send: [request('PUT /v2/app/manifests/raw', ['Content-Length: 5000000'], NEXT.padEnd(5_000_000)), NEXT], answers: [413, 200], ...KEPT },
  { name: 'a last request', send: get('/v2/', 'Connection: close') + NEXT, answers: [200], ...ENDS },
  { name: 'a client that sends nothing', send: '', ends: true, answers: [], ...ENDS },
  { name: 'a client that leaves in the middle of a body', send: request('PUT /v2/app/manifests/raw', ['Content-Length: 100'], 'hello'), ends: true, ...BAD },
  { name: 'a body byte by byte', send: [...request(`POST /v2/app/blobs/uploads/?digest=${HELLO}`, ['Content-Length: 5'], 'hello')], answers: [201], ...KEPT },
  { name: '100,000 chunks of a byte', send: chunks(`1\r\n \r\n`.repeat(100_000).concat('0\r\n\r\n')), ...REFUSED },
  { name: 'a body that is announced, and told to come (56)', send: request(`POST /v2/app/blobs/uploads/?digest=${HELLO}`, ['Content-Length: 5', 'Expect: 100-continue'], 'hello'), answers: [100, 201], ...KEPT },
  { name: 'a body that is announced, and refused (56)', send: request('PUT /v2/app/manifests/raw', ['Content-Length: 5', 'Expect: 100-continue']), to: 'users', answers: [401], ...ENDS },
  { name: 'a request in the place of a body that is announced, and refused', send: [request('PUT /v2/app/manifests/raw', [`Content-Length: ${NEXT.length + 1}`, 'Expect: 100-continue']), NEXT], to: 'users', answers: [401], ...ENDS },
  { name: 'a body that is announced, and comes before it is refused', send: [request('PUT /v2/app/manifests/raw', ['Content-Length: 5000000', 'Expect: 100-continue']), 'x'.repeat(5_000_000)], answers: [413], ...KEPT },
  { name: 'an expectation that nobody knows', send: get('/v2/', 'Expect: 200-maybe'), ...OK },

  // Plain bytes to the TLS port.
  { name: 'plain HTTP to the TLS port', send: get('/v2/'), to: 'tls', ...BAD, says: /https:\/\// },
  { name: 'HTTP/2’s preface to the TLS port', send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', to: 'tls', ...BAD },
  { name: 'an alert to the TLS port', send: '\x15\x03\x01\0\x02\x02\x28', to: 'tls', ...BAD },
  { name: 'a handshake that is none to the TLS port', send: '\x16\x03\x01\0\x05hello', to: 'tls', answers: [], ...ENDS },
  { name: 'half a handshake to the TLS port, and a client that ends', send: '\x16\x03\x01', to: 'tls', ends: true, answers: [], ...ENDS },
  { name: 'nothing to the TLS port', send: '', to: 'tls', ends: true, answers: [], ...ENDS },
]

suite('raw sockets', () => {
  const servers = new Map<string, Server>()
  const memoryBefore = new Map<string, number>()

  before(async () => {
    const [open, users, tls] = await Promise.all([
      startServer(),
      startServer({ users: { ann: 'secret' } }),
      startServer({ tls: true }),
    ])
    servers.set('open', open).set('users', users).set('tls', tls)
    const client = await open.client()
    const blob = await client.request('POST', `/v2/app/blobs/uploads/?digest=${HELLO}`, { body: 'hello' })
    assert.equal(blob.status, 201)
    await usualWork(open)
    for (const [name, server] of servers) {
      await answersStill(server)
      memoryBefore.set(name, await memoryOf(server))
    }
  })
  after(async () => {
    for (const server of servers.values()) await server[Symbol.asyncDispose]()
  })

  // Side by side: a refused body is lingered over for three seconds.
  suite('each', { concurrency: 4 }, () => {
    for (const { name, to = 'open', send, ends, answers, stays, says } of CASES) {
      test(`raw: ${name} gets ${answers.join(', ') || 'nothing'}, and the connection ${stays ? 'stays' : 'ends'}`, async () => {
        const server = servers.get(to)
        assert.ok(server)
        using socket = await RawSocket.connect({ port: server.port })
        await sendAll(socket, send)
        if (ends) socket.end()
        let body = ''
        for (const [index, status] of answers.entries()) {
          const answer = await socket.answer(index === 0 ? methodOf(send) : 'GET')
          body = answer.body.toString()
          assert.equal(answer.status, status, body.slice(0, 400))
          assert.equal(answer.cut, false)
        }
        if (says !== undefined) assert.match(body, says)
        if (stays) {
          await socket.write(get('/'))
          assert.equal((await socket.answer()).status, 200)
        } else assert.equal(await socket.ended, 'fin')
        // TLS says by an alert of its own what it did not like.
        const unread = socket.unread.toString('latin1', 0, 200)
        const alert = to === 'tls' && unread.length === 7 && unread.charCodeAt(0) === 0x15
        if (!alert) assert.equal(unread, '')
      })
    }
  })

  test('raw: after all of them the servers answer, have not grown by 50 MB, and met no fault of their own', async () => {
    for (const [name, server] of servers) {
      const grown = async () => (await memoryOf(server)) - (memoryBefore.get(name) ?? 0)
      // What was let go is given back when the next needs room, so there are a few looks.
      for (let look = 0; look < 5 && (await grown()) >= 50_000_000; look += 1) await usualWork(server)
      await answersStill(server)
      assert.ok((await grown()) < 50_000_000, `${name} grew by ${await grown()} bytes`)
      const faults = server.log.filter(({ level }) => level === 'error' || level === 'fatal')
      assert.deepEqual(faults, [])
    }
  })
})

suite('raw packets', () => {
  const LARGE = Buffer.alloc(3_000_000, 'x')

  for (const target of ['/v2/app/manifests/large', `/v2/app/blobs/${digestOf(LARGE)}`]) {
    test(`raw: 100 requests in one packet cost no more than one does (${target.slice(0, 16)})`, async () => {
      await using server = await startServer()
      const client = await server.client()
      await client.pushBlob('app', LARGE)
      const body = JSON.stringify({ mediaType: 'a/b', annotations: { a: 'x'.repeat(4_000_000) } })
      const manifest = { headers: { 'content-type': 'a/b' }, body }
      assert.equal((await client.request('PUT', '/v2/app/manifests/large', manifest)).status, 201)
      await server.resetMemoryPeak()
      const start = await memoryOf(server)
      using socket = await RawSocket.connect({ port: server.port })
      await socket.write(get(target).repeat(100))
      await socket.received(1)
      socket.pause()
      // A client that is answered meanwhile shows that all of them were seen.
      for (let round = 0; round < 5; round += 1) await answersStill(server)
      const grown = (await server.memoryPeak()) - start
      assert.ok(grown < 100_000_000, `it grew by ${grown} bytes`)
    })
  }
})

test('raw: the table has the number of rows that was promised', () => {
  assert.ok(CASES.length >= 80)
  const names = CASES.map(({ name }) => name)
  assert.deepEqual(names, [...new Set(names)])
})

async function sendAll(socket: RawSocket, send: string | readonly string[]): Promise<void> {
  for (const piece of typeof send === 'string' ? [send] : send) {
    // A server that has refused already may take no more: what it said counts.
    await socket.write(Buffer.from(piece, 'latin1')).catch(() => undefined)
  }
}

/** Of the first request: an answer to HEAD has no body. */
function methodOf(send: string | readonly string[]): string {
  return typeof send === 'string' && send.startsWith('HEAD') ? 'HEAD' : 'GET'
}

/** What a usual day takes is not what an attack adds: it is done before both looks at the memory. */
async function usualWork(server: Server): Promise<void> {
  const client = await server.client({ user: 'ann', password: 'secret' })
  const body = image({ annotations: { a: 'x'.repeat(4_000_000) } })
  for (let round = 0; round < 10; round += 1) {
    const manifest = await client.request('PUT', '/v2/app/manifests/usual', { headers: { 'content-type': OCI }, body })
    assert.equal(manifest.status, 201)
  }
}

async function answersStill(server: Server): Promise<void> {
  const client = await server.client()
  assert.equal((await client.request('GET', '/')).status, 200)
}

/** What the process holds now, in bytes. */
async function memoryOf(server: Server): Promise<number> {
  const status = await readFile(`/proc/${server.process.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}
