import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { createHandler } from '../../src/http/dispatch.ts'
import type { SignIn } from '../../src/http/guard.ts'
import { routes } from '../../src/http/routes.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { headerOf, type WireAnswer } from '../helpers/http-answers.ts'
import type { RawSocket } from '../helpers/raw-socket.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { type TestHttpServer, testHttpServer } from '../helpers/test-http-server.ts'
import { ANYONE, openTestRules } from '../helpers/test-rules.ts'

const NOBODY_IN: SignIn = { required: true, challenge: 'Basic realm="Homeport"', callerFor: async () => undefined }
const OPEN: SignIn = { required: false, challenge: '', callerFor: async () => ANYONE }

const HIDDEN = 'GET /v2/hidden/tags/list HTTP/1.1\r\nHost: x\r\n\r\n'
/** A body of many pieces, full of what would be requests. */
const LONG = Buffer.from(HIDDEN.repeat(40_000))

async function openRegistry({ signIn = OPEN, tls = false }: { signIn?: SignIn; tls?: boolean } = {}) {
  const rules = await openTestRules()
  const http = await testHttpServer(createHandler({ routes: routes(rules.registry), signIn }), { tls })
  return {
    ...{ rules, http },
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]()
      await rules[Symbol.asyncDispose]()
    },
  }
}

function assertError(answer: WireAnswer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.body.toString())
  assert.equal(headerOf(answer, 'content-type'), 'application/json')
  assert.equal(headerOf(answer, 'docker-distribution-api-version'), 'registry/2.0')
  assert.equal(JSON.parse(answer.body.toString()).errors[0].code, code)
  assert.equal(answer.cut, false)
}

async function beginUpload(socket: RawSocket): Promise<string> {
  await socket.request('POST /v2/app/blobs/uploads/', ['Content-Length: 0'])
  const answer = await socket.answer()
  assert.equal(answer.status, 202)
  return headerOf(answer, 'location') ?? ''
}

for (const tls of [false, true]) {
  suite(tls ? 'over TLS' : 'over plain HTTP', () => {
    test('a PATCH in chunks without a length is taken, and its range has no unit (47)', async () => {
      await using registry = await openRegistry({ tls })
      using socket = await registry.http.connect()
      const location = await beginUpload(socket)
      await socket.request(`PATCH ${location}`, ['Transfer-Encoding: chunked'])
      await socket.write('5\r\nhello\r\n')
      await socket.write('6\r\n world\r\n0\r\n\r\n')
      const answer = await socket.answer()
      assert.equal(answer.status, 202)
      assert.equal(headerOf(answer, 'range'), '0-10')
      assert.equal(headerOf(answer, 'content-length'), '0')

      await socket.request(`PUT ${location}?digest=${digestOf('hello world')}`, ['Content-Length: 0'])
      const stored = await socket.answer()
      assert.equal(stored.status, 201)
      await socket.request(`GET ${headerOf(stored, 'location')}`)
      assert.equal((await socket.answer()).body.toString(), 'hello world')
    })

    test('a Range header of 60 KiB is read (42)', async () => {
      await using registry = await openRegistry({ tls })
      const digest = await registry.rules.push('app', 'x'.repeat(5000))
      using socket = await registry.http.connect()
      const ranges = Array.from({ length: 1000 }, (_, index) => `${index * 2}-${index * 2},${' '.repeat(52)}`)
      await socket.request(`GET /v2/app/blobs/${digest}`, [`Range: bytes=${ranges.join('')}`])
      const answer = await socket.answer()
      assert.equal(answer.status, 206)
      assert.equal(headerOf(answer, 'content-length'), String(answer.body.length))
    })

    test('a refusal is delivered while the client still sends, and the next request is the one behind the body (56)', async () => {
      await using registry = await openRegistry({ signIn: NOBODY_IN, tls })
      for (const [framing, front, back] of [
        [`Content-Length: ${LONG.length}`, '', ''],
        ['Transfer-Encoding: chunked', `${LONG.length.toString(16)}\r\n`, '\r\n0\r\n\r\n'],
      ] as const) {
        using socket = await registry.http.connect()
        await socket.request('PUT /v2/app/manifests/latest', [framing])
        await socket.write(front)
        await socket.write(LONG.subarray(0, 256 * 1024))
        const answer = await socket.answer()
        assertError(answer, 401, 'UNAUTHORIZED')
        // A proxy that is told so breaks off what it is still passing on, and its own answer with it.
        assert.notEqual(headerOf(answer, 'connection'), 'close')
        await socket.write(LONG.subarray(256 * 1024))
        await socket.write(`${back}GET /v2/behind/tags/list HTTP/1.1\r\nHost: x\r\n\r\n`)
        assertError(await socket.answer(), 401, 'UNAUTHORIZED')
        assert.equal(socket.unread.length, 0)
        assert.equal((await registry.http.logged()).fields['http.request.uri'], '/v2/app/manifests/latest')
        assert.equal((await registry.http.logged()).fields['http.request.uri'], '/v2/behind/tags/list')
      }
    })

    test('behind a refused body that stays away no request is found, and the connection ends (56)', async () => {
      await using registry = await openRegistry({ signIn: NOBODY_IN, tls })
      const tellsEnd = async (socket: RawSocket) => socket.end()
      const saysNoMore = async () => {}
      const leaves = async (socket: RawSocket) => socket.reset()
      for (const stop of [tellsEnd, saysNoMore, leaves]) {
        using socket = await registry.http.connect()
        await socket.request('PUT /v2/app/manifests/latest', [`Content-Length: ${LONG.length + 1}`])
        await socket.write(LONG.subarray(0, 256 * 1024))
        assertError(await socket.answer(), 401, 'UNAUTHORIZED')
        // It goes on sending for a while, as a client does that reads late, and is not reset for it.
        await socket.write(LONG.subarray(256 * 1024))
        await stop(socket)
        assert.equal(await socket.ended, stop === leaves ? 'reset' : 'fin')
        assert.equal(socket.unread.length, 0)
        assert.equal((await registry.http.logged()).fields['http.request.uri'], '/v2/app/manifests/latest')
      }
      assert.equal(registry.http.log.length, 3)
    })

    test('with Expect: 100-continue a refusal goes out before the body, and what is sent in its place is no request (56)', async () => {
      await using registry = await openRegistry({ signIn: NOBODY_IN, tls })
      for (const inItsPlace of ['', HIDDEN]) {
        using socket = await registry.http.connect()
        await socket.request('PUT /v2/app/manifests/latest', ['Content-Length: 1000', 'Expect: 100-continue'])
        const answer = await socket.answer()
        assertError(answer, 401, 'UNAUTHORIZED')
        assert.equal(headerOf(answer, 'connection'), 'close')
        await socket.write(inItsPlace).catch(() => undefined)
        await socket.ended
        assert.equal(socket.unread.length, 0)
      }
      assert.equal(registry.http.log.length, 2)
    })

    test('with Expect: 100-continue whoever does not wait is refused like one who never asked (56)', async () => {
      await using registry = await openRegistry({ signIn: NOBODY_IN, tls })
      for (const stays of [true, false]) {
        using socket = await registry.http.connect()
        const wish = stays ? [] : ['Connection: close']
        const expecting = [`Content-Length: ${LONG.length}`, 'Expect: 100-continue', ...wish]
        await socket.request('PUT /v2/app/manifests/latest', expecting)
        await socket.write(LONG.subarray(0, 256 * 1024))
        const answer = await socket.answer()
        assertError(answer, 401, 'UNAUTHORIZED')
        assert.equal(headerOf(answer, 'connection'), stays ? 'keep-alive' : 'close')
        await socket.write(LONG.subarray(256 * 1024))
        if (stays) {
          await socket.request('GET /v2/')
          assertError(await socket.answer(), 401, 'UNAUTHORIZED')
        } else assert.equal(await socket.ended, 'fin')
        assert.equal(socket.unread.length, 0)
      }
    })

    for (const method of ['PATCH', 'PUT']) {
      test(`with Expect: 100-continue a ${method} to an unknown session is refused before its body`, async () => {
        await using registry = await openRegistry({ tls })
        using socket = await registry.http.connect()
        const target = `/v2/app/blobs/uploads/none?digest=${digestOf('hello')}`
        await socket.request(`${method} ${target}`, ['Content-Length: 5', 'Expect: 100-continue'])
        assertError(await socket.answer(), 404, 'BLOB_UPLOAD_UNKNOWN')
      })
    }

    test('with Expect: 100-continue whoever may go on is told so', async () => {
      await using registry = await openRegistry({ tls })
      using socket = await registry.http.connect()
      const location = await beginUpload(socket)
      await socket.request(`PATCH ${location}`, ['Content-Length: 5', 'Expect: 100-continue'])
      assert.equal((await socket.answer()).status, 100)
      await socket.write('hello')
      assert.equal(headerOf(await socket.answer(), 'range'), '0-4')
    })

    test('a manifest that is too large is refused by its length, and without one while it comes (T1)', async () => {
      await using registry = await openRegistry({ tls })
      using told = await registry.http.connect()
      await told.request('PUT /v2/app/manifests/latest', ['Content-Length: 4194305'])
      assertError(await told.answer(), 413, 'MANIFEST_INVALID')

      using untold = await registry.http.connect()
      await untold.request('PUT /v2/app/manifests/latest', ['Transfer-Encoding: chunked'])
      const mebibyte = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1024 * 1024), Buffer.from('\r\n')])
      for (let sent = 0; sent < 5; sent += 1) await untold.write(mebibyte)
      assertError(await untold.answer(), 413, 'MANIFEST_INVALID')
    })

    test('requests that come at once are answered in their order', async () => {
      await using registry = await openRegistry({ tls })
      const large = seededBytes('large', 3_000_000)
      const digest = await registry.rules.push('app', 'hello')
      using socket = await registry.http.connect()
      const { id } = await registry.rules.registry.uploads.begin('app', ANYONE, 'sha256')
      const body = (async function* () {
        yield large
      })()
      await registry.rules.registry.uploads.finish({ id, repository: 'app', caller: ANYONE }, digestOf(large), { body })
      const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
      await socket.write(get(`/v2/app/blobs/${digestOf(large)}`) + get(`/v2/app/blobs/${digest}`) + get('/v2/'))
      const [first, second, third] = await socket.answers(3)
      assert.ok(first?.body.equals(large))
      assert.equal(second?.body.toString(), 'hello')
      assert.equal(third?.body.toString(), '{}')
    })

    test('a connection on which a hundred requests wait for the first is cut off at the next, and nobody else is', async () => {
      const first = Promise.withResolvers<void>()
      let asked = 0
      await using http = await testHttpServer(
        async ({ signal }) => {
          asked += 1
          if (asked === 1) await Promise.race([first.promise, once(signal, 'abort')])
          return { reply: { status: 200, headers: { 'content-length': '2' }, body: '{}' }, account: '' }
        },
        { tls },
      )
      using patient = await http.connect()
      using flooding = await http.connect()
      const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
      await flooding.write(get.repeat(102)).catch(() => undefined)
      await assert.rejects(flooding.answer(), /ended/)
      assert.equal(asked, 1)
      first.resolve()
      await patient.write(get.repeat(101))
      assert.equal((await patient.answers(101)).length, 101)
    })

    test('HEAD tells the length and sends no body', async () => {
      await using registry = await openRegistry({ tls })
      const digest = await registry.rules.push('app', 'hello')
      using socket = await registry.http.connect()
      await socket.request(`HEAD /v2/app/blobs/${digest}`)
      const answer = await socket.answer('HEAD')
      assert.equal(headerOf(answer, 'content-length'), '5')
      await socket.request('HEAD /v2/')
      assert.equal(headerOf(await socket.answer('HEAD'), 'content-length'), '2')
      assert.equal(socket.unread.length, 0)
    })
  })
}

test('what is no HTTP gets an error it can read', async () => {
  await using registry = await openRegistry()
  for (const [bytes, status] of [
    ['NONSENSE\r\n\r\n', 400],
    ['GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['GET /v2/ HTTP/1.1\r\n\r\n', 400],
    [`GET /v2/ HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(140_000)}\r\n\r\n`, 431],
  ] as const) {
    using socket = await registry.http.connect()
    await socket.write(bytes)
    const answer = await socket.answer()
    assertError(answer, status, 'BAD_REQUEST')
    const { fields } = await registry.http.logged()
    assert.equal(fields['http.response.status'], status)
    assert.match(answer.body.toString(), new RegExp(`\\(request ${String(fields['http.request.id'])}\\)`))
  }
})

test('plain HTTP on the TLS port is told to use https', async () => {
  await using registry = await openRegistry({ tls: true })
  const { RawSocket } = await import('../helpers/raw-socket.ts')
  using socket = await RawSocket.connect({ port: registry.http.server.port })
  await socket.request('GET /v2/')
  const answer = await socket.answer()
  assertError(answer, 400, 'BAD_REQUEST')
  assert.match(answer.body.toString(), /https:\/\//)
  assert.equal(await socket.ended, 'fin')
})

test('only HTTP/1.1 is offered over TLS', async () => {
  await using registry = await openRegistry({ tls: true })
  const { connect } = await import('node:tls')
  const socket = connect({
    ...{ port: registry.http.server.port, host: '127.0.0.1', rejectUnauthorized: false },
    ALPNProtocols: ['h2', 'http/1.1'],
  })
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  assert.equal(socket.alpnProtocol, 'http/1.1')
  socket.destroy()
})

test('every request is one line in the log, with the id that its error tells', async () => {
  await using registry = await openRegistry()
  using socket = await registry.http.connect()
  await socket.request('GET /v2/app/manifests/latest', ['User-Agent: tests/1'])
  const answer = await socket.answer()
  const { fields, level, message } = await registry.http.logged()
  const { message: told } = JSON.parse(answer.body.toString()).errors[0]
  assert.equal(level, 'info')
  assert.equal(message, 'response completed with error')
  assert.match(told, new RegExp(`\\(request ${String(fields['http.request.id'])}\\)$`))
  assert.match(String(fields['http.request.id']), /^[0-9a-f]{16}$/)
  assert.equal(fields['http.request.method'], 'GET')
  assert.equal(fields['http.request.host'], 'localhost')
  assert.equal(fields['http.request.uri'], '/v2/app/manifests/latest')
  assert.equal(fields['http.request.useragent'], 'tests/1')
  assert.match(String(fields['http.request.remoteaddr']), /^127\.0\.0\.1:\d+$/)
  assert.equal(fields['http.response.status'], 404)
  assert.equal(fields['http.response.written'], answer.body.length)
  assert.equal(fields['err.code'], 'manifest unknown')
})

test('a client that leaves in the middle of an upload is 499 in the log, and the session keeps what came', async () => {
  await using registry = await openRegistry()
  const socket = await registry.http.connect()
  const location = await beginUpload(socket)
  await registry.http.logged()
  await socket.request(`PATCH ${location}`, ['Content-Length: 1000'])
  await socket.write('hello')
  await untilReceived(registry.http)
  socket.reset()
  const { fields, level } = await registry.http.logged()
  assert.equal(level, 'info')
  assert.equal(fields['http.response.status'], 499)

  using again = await registry.http.connect()
  await again.request(`GET ${location}`)
  const answer = await again.answer()
  assert.equal(answer.status, 204)
  assert.equal(headerOf(answer, 'range'), '0-4')
})

/** Another request on another connection has been answered: what was sent before has arrived. */
async function untilReceived(http: TestHttpServer): Promise<void> {
  using socket = await http.connect()
  await socket.request('GET /')
  await socket.answer()
  await http.logged()
}
