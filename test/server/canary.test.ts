import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { run } from '../helpers/processes.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { RegistryClient } from '../helpers/registry-client.ts'
import { LAUNCHER, startServer } from '../helpers/server.ts'

/** A secret that is nowhere else. Each has a word of its own, so that one that is found tells where it came from. */
const canary = (where: string) => `canary-${where}-5f2c`
const CANARY = /canary-[a-z0-9-]+-5f2c|Y2FuYXJ5/
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test('no secret appears in a log at level debug, in metrics, errors, or what config check prints (T9)', async () => {
  await using checked = createServer((_, response) => response.writeHead(500).end())
  await once(checked.listen(0, '127.0.0.1'), 'listening')
  const free = createServer()
  await once(free.listen(0, '127.0.0.1'), 'listening')
  const { port: debugPort } = free.address() as { port: number }
  free.close()
  const { port: checkedPort } = checked.address() as { port: number }

  const config = {
    log: { level: 'debug', formatter: 'json' },
    http: {
      addr: '127.0.0.1:0',
      secret: canary('httpsecret'),
      debug: { addr: `127.0.0.1:${debugPort}`, prometheus: { enabled: true } },
    },
    proxy: { remoteurl: 'https://registry-1.docker.io', username: 'hub', password: canary('proxy') },
    redis: { addr: 'localhost:6379', password: canary('redis') },
    reporting: { bugsnag: { apikey: canary('bugsnag') }, newrelic: { licensekey: canary('newrelic') } },
    notifications: {
      endpoints: [{ name: 'a', url: 'http://127.0.0.1:1/', headers: { Authorization: [canary('notification')] } }],
    },
    health: {
      storagedriver: { enabled: true },
      http: [
        {
          uri: `http://ann:${canary('healthuri')}@127.0.0.1:${checkedPort}/?token=${canary('healthquery')}`,
          headers: { Authorization: [canary('healthheader')] },
          interval: '1s',
        },
      ],
    },
  }
  const users = { ann: canary('password') }
  await using server = await startServer({
    ...{ users, config },
    env: {
      REGISTRY_PROXY_PASSWORD: canary('variable'),
      HTTPS_PROXY: `http://proxy:${canary('egress')}@127.0.0.1:1`,
      REGISTRY_LOG_NONSENSE: canary('unknown'),
    },
  })

  const said: string[] = []
  const client = new RegistryClient(server.url)
  for (const [method, path, authorization] of [
    ['GET', '/v2/', basic(`ann:${users.ann}`)],
    ['POST', '/v2/team/app/blobs/uploads/', basic(`ann:${users.ann}`)],
    ['GET', '/v2/', basic(`ann:${canary('wrong')}`)],
    ['GET', '/v2/', basic(`bob:${canary('unknownuser')}`)],
    ['GET', '/v2/', `Bearer ${canary('bearer')}`],
    ['GET', '/v2/', `Basic ${canary('nobase64')}`],
  ] as const) {
    const { text, headers } = await client.request(method, path, { headers: { authorization } })
    said.push(text, JSON.stringify(headers))
  }
  client[Symbol.dispose]()
  using socket = await RawSocket.connect({ port: server.port })
  await socket.write(
    `GET http://ann:${canary('target')}@localhost/v2/ HTTP/1.1\r\nHost: localhost\r\nReferer: http://ann:${canary('referer')}@a/\r\n\r\n`,
  )
  said.push((await socket.answer()).body.toString())
  using debug = new RegistryClient(`http://127.0.0.1:${debugPort}`)
  for (const path of ['/metrics', '/debug/health']) said.push((await debug.request('GET', path)).text)
  const commands = [
    ['config', 'check', server.configFile],
    ['import', 'registry2', '--config', server.configFile],
  ]
  for (const args of commands) {
    const { stdout, stderr } = await run(LAUNCHER, args, { env: { REGISTRY_PROXY_PASSWORD: canary('variable') } })
    assert.ok((stdout + stderr).length > 0)
    said.push(stdout, stderr)
  }
  const { stdout, stderr } = await server.stop()
  said.push(stdout, stderr)

  const text = said.join('\n')
  // What is looked through is what was meant to be: requests, a refused password, the failing check.
  for (const part of ['response completed with error', 'registry_http_requests_total', 'a health check fails', '***']) {
    assert.ok(text.includes(part), part)
  }
  const found = text.split('\n').filter((line) => CANARY.test(line))
  assert.deepEqual(found, [])
})
