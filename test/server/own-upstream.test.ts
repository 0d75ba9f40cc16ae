import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePort } from '../helpers/listening.ts'
import { startServer } from '../helpers/server.ts'

test('an upstream whose API leads back here is told as that, and is not asked in a circle', async () => {
  const port = await freePort()
  await using server = await startServer({
    http: { addr: `127.0.0.1:${port}` },
    config: { upstreams: { 'lab.test': { default: true, url: `http://127.0.0.1:${port}` } } },
  })
  using client = await server.client()
  const { status, text } = await client.request('GET', '/v2/library/a/manifests/1')
  assert.equal(status, 502)
  assert.match(text, /sent by this very server/)
  const asked = server.log.filter((line) => line['vars.reference'] === '1').length
  assert.ok(asked < 100, `it was asked ${asked} times`)
})
