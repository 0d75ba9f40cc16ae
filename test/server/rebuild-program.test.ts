import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { homeport } from '../helpers/homeport-command.ts'
import { makeImage } from '../helpers/images.ts'
import { type Server, startServer } from '../helpers/server.ts'

const IMAGES = Array.from({ length: 20 }, (_, at) => makeImage(`image ${at}`))
/** Link files follow a commit by some 20 ms; on a machine that is busy with other tests, by more. */
const FOLLOWED_MS = 2_000

test('tags of the last second are back after kill -9 and a deleted catalog', async () => {
  await using server = await startServer()
  const client = await server.client()
  for (const [at, image] of IMAGES.entries()) await client.pushImage('team/app', image, `v${at}`)
  await linked(server, `v${IMAGES.length - 1}`)
  await server.kill()
  await rm(catalogOf(server))

  const refused = await homeport('serve', server.configFile)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /catalog '[^']+' is not there/)
  assert.match(refused.stderr, /homeport rebuild/)
  assert.doesNotMatch(refused.stderr, /^ +at /m, 'no stack')

  const rebuilt = await homeport('rebuild', '--config', server.configFile, '--json')
  assert.equal(rebuilt.code, 0, rebuilt.stderr)
  assert.match(rebuilt.stderr, /rebuilt: 1 repositories, 20 manifests, 20 tags/)
  for (const line of rebuilt.stdout.split('\n').filter(Boolean)) JSON.parse(line)
  await server.start()
  await assertAllThere(server)
})

test('a damaged page keeps the server from starting, with the remedy; afterwards all is there, the damaged file too', async () => {
  await using server = await startServer()
  const client = await server.client()
  for (const [at, image] of IMAGES.entries()) await client.pushImage('team/app', image, `v${at}`)
  await server.stop()
  const file = await open(catalogOf(server), 'r+')
  await file.write(Buffer.alloc(4096, 0xff), 0, 4096, 4096)
  await file.close()

  const refused = await homeport('serve', server.configFile)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /is damaged/)
  assert.match(refused.stderr, /homeport rebuild/)
  assert.doesNotMatch(refused.stderr, /^ +at /m, 'no stack')

  const rebuilt = await homeport('rebuild', '--config', server.configFile)
  assert.equal(rebuilt.code, 0, rebuilt.stderr)
  assert.ok(existsSync(`${catalogOf(server)}.damaged-1`))
  await server.start()
  await assertAllThere(server)
})

test('while the server runs, rebuild is refused, and says who has the folder', async () => {
  await using server = await startServer()
  const { code, stderr } = await homeport('rebuild', '--config', server.configFile)
  assert.equal(code, 1)
  assert.match(stderr, /in use by process \d+/)
  assert.match(stderr, /stop it first/)
})

async function assertAllThere(server: Server): Promise<void> {
  using client = await server.client()
  for (const [at, { manifest, blobs }] of IMAGES.entries()) {
    assert.equal((await client.pullManifest('team/app', `v${at}`)).digest, manifest.digest)
    for (const [digest, bytes] of blobs) {
      assert.deepEqual(await client.pullBlob('team/app', digest), { digest, size: bytes.length })
    }
  }
}

async function linked(server: Server, tag: string): Promise<void> {
  const link = join(server.data, 'docker/registry/v2/repositories/team/app/_manifests/tags', tag, 'current/link')
  for (const end = performance.now() + FOLLOWED_MS; !existsSync(link); ) {
    assert.ok(performance.now() < end, 'the link does not follow')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function catalogOf({ data }: Server): string {
  return join(data, 'homeport/catalog.db')
}
