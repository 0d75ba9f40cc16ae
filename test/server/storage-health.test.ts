import assert from 'node:assert/strict'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server as HttpServer } from 'node:http'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { digestOf } from '../helpers/digest-of.ts'
import { diskFaults } from '../helpers/disk-faults.ts'
import { makeImage } from '../helpers/images.ts'
import { DISK_PROGRAMS, type MountedDisk, mountDisk } from '../helpers/mounted-disk.ts'
import { needs } from '../helpers/programs.ts'
import type { Answer, RegistryClient } from '../helpers/registry-client.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { type Server, type ServerOptions, startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const READS = 'storagedriver_filesystem'
const WRITES = 'storagedriver_filesystem_write'
const FAILS = /a health check fails/
const SOUND = /a health check is sound again/
const MEBIBYTE = 1024 * 1024
const IMAGE = makeImage('stored before')

test(
  'on a full disk pulls go on and pushes get 507 with a sentence; with room again they work, without a restart (70, D-3)',
  needs(...DISK_PROGRAMS),
  async () => {
    await using disk = await mountDisk('tmpfs', 24)
    await using checked = await startChecked({ data: disk.data, launcher: disk.launcher })
    const { server, client } = checked
    await client.pushImage('team/app', IMAGE, 'v1')

    await fillUntil(disk, server.process.output(FAILS))
    await assertPullsGoOn(client)
    for (const answer of await pushesTo(client)) assertRefused(answer, 507, /no room|is full/)
    assert.deepEqual(await checked.health(), { status: 503, failing: [WRITES] })
    const ready = await client.request('GET', '/readyz')
    assert.equal(ready.status, 200)
    assert.match(ready.text, /degraded.*no room/)

    await rm(disk.at('filler'))
    await server.process.output(SOUND)
    assert.deepEqual(await checked.health(), { status: 200, failing: [] })
    await client.pushImage('team/app', makeImage('pushed after'), 'v2')
    await assertPullsGoOn(client)
  },
)

test(
  'a push that fills the disk between two rounds gets 507, can go on when there is room, and gives the room back when it is given up (D-3)',
  needs(...DISK_PROGRAMS),
  async () => {
    await using disk = await mountDisk('tmpfs', 24)
    await using server = await startServer({ data: disk.data, launcher: disk.launcher })
    using client = await server.client()
    await client.pushImage('team/app', IMAGE, 'v1')
    const bytes = seededBytes('too large', 40 * MEBIBYTE)
    const digest = digestOf(bytes)
    const session = await begin(client)
    const tooLarge = await client.request('PATCH', session, { body: bytes })
    assertRefused(tooLarge, 507, /is full/)
    const stands = await client.request('GET', session)
    const received = Number(/^0-(\d+)$/.exec(String(stands.headers.range))?.[1] ?? -1) + 1
    assert.ok(received < bytes.length, 'nothing is counted that is not there')
    assert.equal((await client.request('HEAD', `/v2/team/app/blobs/${digest}`)).status, 404)
    await assertPullsGoOn(client)

    // Not a byte is left, so the catalog cannot grow either.
    await disk.fill()
    assertRefused(await client.request('POST', '/v2/team/app/blobs/uploads/'), 507, /is full/)
    await assertPullsGoOn(client)

    assert.equal((await client.request('DELETE', session)).status, 204, 'to give up is possible on a full disk')
    await rm(disk.at('filler'))
    assert.deepEqual(await readdir(disk.at('data/homeport/uploads')), [], 'nothing is left of what failed')
    await client.pushBlob('team/app', seededBytes('fits again', 12 * MEBIBYTE))
    await client.pushImage('team/app', makeImage('pushed after'), 'v2')
    await client.pullManifest('team/app', 'v2')
  },
)

test(
  'on a disk that became read-only pulls go on and pushes get 503 with a sentence (70, D-4)',
  needs(...DISK_PROGRAMS),
  async () => {
    await using disk = await mountDisk('ext4', 32)
    await using checked = await startChecked({ data: disk.data, launcher: disk.launcher })
    const { server, client } = checked
    await client.pushImage('team/app', IMAGE, 'v1')
    await disk.abort()
    await server.process.output(FAILS)
    await assertPullsGoOn(client)
    for (const answer of await pushesTo(client)) assertRefused(answer, 503, /read-only|fails to write/)
    assert.deepEqual(await checked.health(), { status: 503, failing: [WRITES] })
    assert.equal((await client.request('GET', '/readyz')).status, 200)
    const deleted = await client.request('DELETE', `/v2/team/app/manifests/${IMAGE.manifest.digest}`)
    assertRefused(deleted, 503, /read-only|disk fails/)
    await assertPullsGoOn(client)
  },
)

for (const [error, says] of [
  ['EROFS', /read-only/],
  ['EIO', /fails to write/],
  ['ENOSPC', /no room|is full/],
] as const) {
  test(
    `${error} of each write refuses pushes, and without it they work again, without a restart (70)`,
    needs('gcc'),
    async () => {
      await using disk = await diskFaults()
      await using checked = await startChecked({ data: disk.data, env: disk.env })
      const { server, client } = checked
      await client.pushImage('team/app', IMAGE, 'v1')
      disk.set({
        calls: ['write', 'create', 'fsync', 'fdatasync', 'rename', 'mkdir', 'unlink', 'link', 'truncate'],
        error,
      })
      await server.process.output(FAILS)
      for (const answer of await pushesTo(client)) assertRefused(answer, error === 'ENOSPC' ? 507 : 503, says)
      await assertPullsGoOn(client)
      disk.set()
      await server.process.output(SOUND)
      await client.pushImage('team/app', makeImage('pushed after'), 'v2')
    },
  )
}

test('a disk that does not answer is one that fails, and no second round waits for it', needs('gcc'), async () => {
  await using disk = await diskFaults()
  await using checked = await startChecked({ data: disk.data, env: disk.env })
  const { server, client } = checked
  await client.pushImage('team/app', IMAGE, 'v1')
  disk.set({ calls: ['fsync'], path: '/homeport/probe', delay: 1_500, times: 1 })
  await server.process.output(FAILS)
  assertRefused(await client.request('POST', '/v2/team/app/blobs/uploads/'), 503, /not answered a write/)
  await assertPullsGoOn(client)
  await server.process.output(SOUND)
  await until(async () => disk.seen() >= 2)
  await client.pushImage('team/app', makeImage('pushed after'), 'v2')
})

test('without its folder every API request gets 503 after the threshold, and with it again all work (70, D-4)', async () => {
  await using folder = await temporaryFolder()
  await using checked = await startChecked({ data: folder.at('data') }, { threshold: 2 })
  const { server, client } = checked
  await client.pushImage('team/app', IMAGE, 'v1')

  await rename(folder.at('data'), folder.at('away'))
  await server.process.output(/a health check fails.*is its disk mounted|is its disk mounted.*a health check fails/)
  for (const [method, path] of EVERYTHING) {
    assertRefused(await client.request(method, path), 503, method === 'HEAD' ? /^/ : /is its disk mounted/)
  }
  const { status, failing } = await checked.health()
  assert.equal(status, 503)
  assert.ok(failing.includes(READS), String(failing))
  assert.equal((await client.request('GET', '/readyz')).status, 503)
  assert.equal((await client.request('GET', '/healthz')).status, 200)

  await rename(folder.at('away'), folder.at('data'))
  await until(async () => (await checked.health()).status === 200)
  await assertPullsGoOn(client)
  await client.pushImage('team/app', makeImage('pushed after'), 'v2')
})

test('an empty mount point in the place of the folder is no volume', async () => {
  await using folder = await temporaryFolder()
  await using checked = await startChecked({ data: folder.at('data') })
  await rename(folder.at('data'), folder.at('away'))
  await mkdir(folder.at('data'))
  await checked.server.process.output(FAILS)
  await until(async () => (await checked.client.request('GET', '/v2/')).status === 503)
})

test('a file, a port and a URL can be what the answers depend on, as for registry:2', async (context) => {
  await using folder = await temporaryFolder()
  const peer = createServer((_, response) => response.writeHead(204).end())
  await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve))
  context.after(() => close(peer))
  const { port } = peer.address() as { port: number }
  const uri = `http://127.0.0.1:${port}/up`
  await using checked = await startChecked(
    {},
    {
      health: {
        file: [{ file: folder.at('down'), interval: '100ms' }],
        tcp: [{ addr: `127.0.0.1:${port}`, interval: '100ms', timeout: '5s' }],
        http: [{ uri, statuscode: 204, interval: '100ms', timeout: '5s' }],
      },
    },
  )
  const { client } = checked
  const ping = async () => (await client.request('GET', '/v2/')).status
  assert.equal(await ping(), 200)

  await writeFile(folder.at('down'), '')
  await until(async () => (await ping()) === 503)
  const { failing } = await checked.health()
  assert.deepEqual(failing, [folder.at('down')])
  assert.doesNotMatch((await client.request('GET', '/v2/')).text, /down/, 'clients are not told which')
  await rm(folder.at('down'))
  await until(async () => (await ping()) === 200)

  await close(peer)
  await until(async () => (await checked.health()).failing.length === 2)
  assert.deepEqual((await checked.health()).failing.sort(), [`127.0.0.1:${port}`, uri])
  assert.equal(await ping(), 503)
})

/** Whatever a client may ask for. */
const EVERYTHING = [
  ['GET', '/v2/'],
  ['GET', '/v2/_catalog'],
  ['GET', '/v2/team/app/tags/list'],
  ['GET', '/v2/team/app/manifests/v1'],
  ['HEAD', '/v2/team/app/manifests/v1'],
  ['GET', `/v2/team/app/blobs/${[...IMAGE.blobs.keys()][0]}`],
  ['POST', '/v2/team/app/blobs/uploads/'],
  ['PUT', '/v2/team/app/manifests/v2'],
  ['DELETE', '/v2/team/app/manifests/v1'],
] as const

interface Checked extends AsyncDisposable {
  readonly server: Server
  readonly client: RegistryClient
  health(): Promise<{ status: number; failing: string[] }>
}

/** A server that looks at its disk all the time, and tells of it on its debug listener. */
async function startChecked(
  options: ServerOptions,
  { threshold = 0, health }: { threshold?: number; health?: object } = {},
): Promise<Checked> {
  const server = await startServer({
    ...options,
    config: {
      health: health ?? { storagedriver: { enabled: true, interval: '200ms', threshold } },
      http: { addr: '127.0.0.1:0', debug: { addr: '127.0.0.1:0' } },
    },
  })
  const client = await server.client()
  await server.process.output(/debug server listening/)
  const address = server.log.find(({ msg }) => msg === 'debug server listening')?.['address']
  return {
    server,
    client,
    async health() {
      const response = await fetch(`http://${String(address)}/debug/health`)
      return { status: response.status, failing: Object.keys((await response.json()) as object) }
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

async function begin(client: RegistryClient): Promise<string> {
  const begun = await client.request('POST', '/v2/team/app/blobs/uploads/')
  assert.equal(begun.status, 202, begun.text)
  return String(begun.headers.location)
}

/** One push of each kind, whatever comes of it. */
async function pushesTo(client: RegistryClient): Promise<Answer[]> {
  return [
    await client.request('POST', '/v2/team/app/blobs/uploads/'),
    await client.request('PUT', '/v2/team/app/manifests/v2', {
      headers: { 'content-type': IMAGE.manifest.mediaType },
      body: IMAGE.manifest.bytes,
    }),
  ]
}

async function assertPullsGoOn(client: RegistryClient): Promise<void> {
  const { digest } = await client.pullManifest('team/app', 'v1')
  assert.equal(digest, IMAGE.manifest.digest)
  for (const [blob, bytes] of IMAGE.blobs) {
    assert.deepEqual(await client.pullBlob('team/app', blob), { digest: blob, size: bytes.length })
    assert.equal((await client.request('HEAD', `/v2/team/app/blobs/${blob}`)).status, 200)
  }
}

function assertRefused({ status, headers, text }: Answer, expected: number, says: RegExp): void {
  assert.equal(status, expected, text)
  assert.ok(Number(headers['retry-after']) > 0, 'it says when to try again')
  assert.match(text, says)
}

/** A round of the check gives room back when it ends, and so does a push. */
async function fillUntil(disk: MountedDisk, event: Promise<unknown>): Promise<void> {
  let came = false
  const coming = event.finally(() => {
    came = true
  })
  while (!came) {
    await disk.fill()
    await Promise.race([coming, delay(50)])
  }
  await coming
}

async function close(peer: HttpServer): Promise<void> {
  peer.closeAllConnections()
  await new Promise((resolve) => peer.close(resolve))
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries += 1) {
    assert.ok(tries < 200, 'it did not come about')
    await delay(50)
  }
}
