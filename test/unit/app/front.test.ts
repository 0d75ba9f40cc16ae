import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openFront } from '../../../src/app/front.ts'
import { openLog } from '../../../src/base/log.ts'
import { createHandler } from '../../../src/http/dispatch.ts'
import { RegistryClient } from '../../helpers/registry-client.ts'

const signIn = { required: false, challenge: '', callerFor: async () => undefined }

test('a server answers probes from the moment that it holds its folder, and all else when it is ready', async () => {
  const lines: Record<string, unknown>[] = []
  const log = openLog({ level: 'debug', write: (line) => lines.push(JSON.parse(line)) })
  await using front = await openFront({
    ...{ address: { host: '127.0.0.1', port: 0 }, log, drainMs: 1_000 },
    prefix: { inward: '/', outward: '/' },
  })
  using client = new RegistryClient(`http://${front.address}`)
  const ask = async (path: string) => {
    const { status, headers, text } = await client.request('GET', path)
    return { status, after: headers['retry-after'], text }
  }

  assert.equal((await ask('/healthz')).status, 200)
  assert.deepEqual(await ask('/readyz'), { status: 503, after: undefined, text: '{"status":"adopting"}' })
  const early = await ask('/v2/team/app/manifests/latest')
  assert.deepEqual([early.status, early.after], [503, '5'])
  assert.match(early.text, /"UNAVAILABLE".*the server is starting.*\(request [0-9a-f]{16}\)/)

  const reply = () => {
    log.debug({}, 'said while a request is answered')
    return { status: 200, headers: {} }
  }
  const routes = [{ methods: ['GET'], path: '/v2/', access: 'open' as const, handler: reply }, ...front.routes]
  front.serve(createHandler({ routes, signIn }))
  assert.equal((await ask('/v2/')).status, 200)
  assert.equal((await ask('/readyz')).text, '{"status":"ready"}')
  const said = lines.find(({ msg }) => msg === 'said while a request is answered')
  assert.match(String(said?.['http.request.id']), /^[0-9a-f]{16}$/)

  await front.drain()
  await assert.rejects(ask('/healthz'), /ECONNREFUSED|ECONNRESET|socket hang up/)
})

test('a server that may take months to end cuts nobody at once', async () => {
  const log = openLog({ level: 'error', write: () => undefined })
  const drainMs = 90 * 24 * 3_600_000
  await using front = await openFront({
    ...{ address: { host: '127.0.0.1', port: 0 }, log, drainMs },
    prefix: { inward: '/', outward: '/' },
  })
  using client = new RegistryClient(`http://${front.address}`)
  const asked = Promise.withResolvers<void>()
  const told = Promise.withResolvers<void>()
  const handler = async () => {
    asked.resolve()
    await told.promise
    return { status: 200, headers: {} }
  }
  front.serve(createHandler({ routes: [{ methods: ['GET'], path: '/v2/', access: 'open', handler }], signIn }))
  const answer = client.request('GET', '/v2/')
  await asked.promise
  const drained = front.drain()
  await pause(20)
  told.resolve()
  assert.equal((await answer).status, 200)
  await drained
})
