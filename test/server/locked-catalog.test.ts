import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { makeImage } from '../helpers/images.ts'
import { startServer } from '../helpers/server.ts'

test('while another program locks the catalog pulls go on and pushes get 503; then pushes work again (D-20)', async () => {
  await using server = await startServer()
  using client = await server.client()
  const image = makeImage('stored before')
  await client.pushImage('team/app', image, 'v1')

  const other = new DatabaseSync(join(server.data, 'homeport/catalog.db'), { timeout: 5_000 })
  other.exec('begin immediate')
  const pushing = client.request('POST', '/v2/team/app/blobs/uploads/')
  using reader = await server.client()
  assert.equal((await reader.pullManifest('team/app', 'v1')).digest, image.manifest.digest)
  const { status, headers, text } = await pushing
  assert.equal(status, 503, text)
  assert.match(text, /locked by another program/)
  assert.ok(Number(headers['retry-after']) > 0)

  other.exec('rollback')
  other.close()
  await client.pushImage('team/app', makeImage('pushed after'), 'v2')
})
