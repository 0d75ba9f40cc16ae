import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { headerOf } from '../helpers/http-answers.ts'
import { makeImage } from '../helpers/images.ts'
import { ProcessFailed, run } from '../helpers/processes.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { LAUNCHER, type Server, startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const USERS = { ann: 'correct horse' }

test('headers of the configuration are on every answer, and replace none of ours', async () => {
  const headers = {
    'Access-Control-Allow-Origin': ['https://ui.example'],
    'X-Two': ['1', '2'],
    'X-Content-Type-Options': ['nosniff'],
    'Docker-Distribution-Api-Version': ['registry/9'],
    'Content-Type': ['text/html'],
  }
  await using server = await startServer({ tls: true, users: USERS, http: { headers } })
  const answers: readonly [what: string, status: number, head: string, ca?: undefined][] = [
    ['what is open', 200, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['a probe', 200, 'GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['who has not signed in', 401, 'GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['no route', 404, 'GET /v1/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['no method', 405, 'POST /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'],
    ['a tunnel', 405, 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['no host', 400, 'GET / HTTP/1.1\r\n\r\n'],
    ['no HTTP', 400, 'HELO a\r\n\r\n'],
    ['headers without end', 431, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(140_000)}\r\n\r\n`],
  ]
  for (const [what, status, head] of answers) {
    using socket = await server.connect()
    await socket.write(head)
    await assertCarries(socket, status, what)
  }
  using plain = await RawSocket.connect({ port: server.port })
  await plain.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await assertCarries(plain, 400, 'plain HTTP to a port of TLS')
})

async function assertCarries(socket: RawSocket, status: number, what: string): Promise<void> {
  const answer = await socket.answer()
  assert.equal(answer.status, status, what)
  assert.equal(headerOf(answer, 'access-control-allow-origin'), 'https://ui.example', what)
  const all = (name: string) => answer.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  assert.deepEqual(all('x-two'), ['1', '2'], what)
  assert.deepEqual(all('x-content-type-options'), ['nosniff'], what)
  assert.deepEqual(all('docker-distribution-api-version'), ['registry/2.0'], what)
}

test('below http.prefix, with small pages, read-only for maintenance: as it is configured', async () => {
  const image = makeImage('below a prefix')
  await using server = await startServer({ http: { prefix: '/reg/' } })
  using client = await server.client()
  const begun = await client.request('POST', '/reg/v2/team/app/blobs/uploads/')
  assert.match(String(begun.headers.location), /^\/reg\/v2\/team\/app\/blobs\/uploads\//)
  for (const path of ['/', '/healthz', '/readyz', '/reg/', '/reg/healthz', '/reg/readyz', '/reg/v2/']) {
    assert.equal((await client.request('GET', path)).status, 200, path)
  }
  assert.equal((await client.request('GET', '/v2/')).status, 404)

  await using small = await startServer({ config: { catalog: { maxentries: 1 }, tags: { maxtags: 1 } } })
  using pusher = await small.client()
  for (const name of ['one', 'two']) await pusher.pushImage(name, image, 'a')
  await pusher.pushImage('one', image, 'b')
  const catalog = await pusher.request('GET', '/v2/_catalog?n=100')
  assert.deepEqual(JSON.parse(catalog.text), { repositories: ['one'] })
  const tags = await pusher.request('GET', '/v2/one/tags/list?n=100')
  assert.deepEqual(JSON.parse(tags.text).tags, ['a'])

  const storage = { filesystem: { rootdirectory: small.data }, maintenance: { readonly: { enabled: true } } }
  await small.stop()
  await using reader = await startServer({ data: small.data, config: { storage } })
  using puller = await reader.client()
  const refused = await puller.request('POST', '/v2/one/blobs/uploads/')
  assert.equal(refused.status, 405)
  assert.match(refused.text, /"UNSUPPORTED".*storage\.maintenance\.readonly/)
  assert.equal((await puller.pullManifest('one', 'a')).digest, image.manifest.digest)
})

test('on a socket of the file system it answers, replaces what a killed one left, and nothing else', async (t) => {
  await using folder = await temporaryFolder()
  const path = folder.at('http.sock')
  const http = { net: 'unix', addr: path, trustedproxies: ['unix:'] }
  await using server = await startServer({ http })
  const status = async () => (await ask(path)).statusCode

  await t.test('answers, and believes whom the proxy names', async () => {
    assert.equal(await status(), 200)
    const told = await ask(path, { 'x-forwarded-for': '203.0.113.9', 'user-agent': 'through-a-proxy' })
    assert.equal(told.statusCode, 200)
    const [line] = await server.process.output(/^\{.*"through-a-proxy".*\}$/m)
    assert.equal(JSON.parse(line)['http.request.remoteaddr'], '203.0.113.9')
  })

  await t.test('another server does not take the socket of one that runs', async () => {
    await assert.rejects(
      startAnother(server, folder.at('other')),
      /Cannot listen on .*http\.sock: another program does/,
    )
    assert.equal(await status(), 200)
  })

  await t.test('what a killed one left is replaced', async () => {
    await server.kill()
    assert.ok(existsSync(path))
    await server.start()
    assert.equal(await status(), 200)
  })

  await t.test('it is gone when the server has ended, and a file in its place is left alone', async () => {
    await server.stop()
    assert.ok(!existsSync(path))
    await writeFile(path, 'somebody wants to keep this')
    await assert.rejects(startAnother(server, folder.at('third')), /Cannot listen on/)
    assert.ok(existsSync(path))
  })
})

/** A server of the same configuration over another folder. Resolves to nothing: it is expected to fail. */
async function startAnother({ configFile }: Server, data: string): Promise<void> {
  const env = { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: data }
  try {
    await run(LAUNCHER, ['serve', configFile], { env, timeoutMs: 20_000 })
  } catch (error) {
    assert.ok(error instanceof ProcessFailed)
    throw new Error(error.outcome.stderr, { cause: error })
  }
}

function ask(socketPath: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ socketPath, path: '/v2/', headers: { host: 'reg.example', ...headers }, agent: false })
    asked
      .once('response', (response) => resolve(response.resume()))
      .once('error', reject)
      .end()
  })
}
