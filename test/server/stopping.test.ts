import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { get as httpsGet } from 'node:https'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { digestOf, digestOfStream } from '../helpers/digest-of.ts'
import { headerOf } from '../helpers/http-answers.ts'
import { makeImage } from '../helpers/images.ts'
import { start } from '../helpers/processes.ts'
import type { RawSocket } from '../helpers/raw-socket.ts'
import { Registry2Folder } from '../helpers/registry2-folder.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { LAUNCHER, type Server, startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

/** Larger than all buffers between the server and a client that takes nothing. */
const LAYER = seededBytes('a layer on its way', 16 * 1024 * 1024)
const HALF = LAYER.length / 2
const DIGEST = digestOf(LAYER)

/** What is left of a push and of a pull when the server is asked to end at half of them (D-21). */
interface Halves {
  readonly upload: RawSocket
  /** Of the upload's session. */
  readonly location: string
  /** Nothing of its body is read yet. */
  readonly download: IncomingMessage
  readonly server: Server
}

async function openHalves(server: Server): Promise<Halves & Disposable> {
  using client = await server.client()
  await client.pushBlob('team/stored', LAYER)
  const upload = await server.connect()
  await upload.request('POST /v2/team/app/blobs/uploads/', ['Content-Length: 0'])
  const location = headerOf(await upload.answer(), 'location') ?? ''
  await upload.request(`PATCH ${location}`, [`Content-Length: ${LAYER.length}`])
  await upload.write(LAYER.subarray(0, HALF))
  const download = await pull(server)
  await untilReceived(server, HALF / 2)
  return {
    ...{ upload, location, download, server },
    [Symbol.dispose]() {
      upload[Symbol.dispose]()
      download.destroy()
    },
  }
}

async function pull({ url, ca: path }: Server): Promise<IncomingMessage> {
  const where = `${url}/v2/team/stored/blobs/${DIGEST}`
  const asked = path === undefined ? httpGet(where) : httpsGet(where, { ca: await readFile(path), agent: false })
  const [response] = await once(asked, 'response')
  return response
}

/** Until the file of the one upload has so many bytes. */
async function untilReceived({ data }: Server, bytes: number): Promise<void> {
  const folder = join(data, 'homeport/uploads')
  for (;;) {
    const files = await readdir(folder, { withFileTypes: true, recursive: true })
    const sizes = await Promise.all(
      files.filter((file) => file.isFile()).map(async (file) => (await stat(join(file.parentPath, file.name))).size),
    )
    if (Math.max(0, ...sizes) >= bytes) return
    await pause(10)
  }
}

async function refusesConnections(port: number): Promise<void> {
  for (;;) {
    const socket = createConnection({ port, host: '127.0.0.1' })
    const refused = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false)).once('error', () => resolve(true))
    })
    socket.destroy()
    if (refused) return
    await pause(10)
  }
}

for (const tls of [false, true]) {
  const over = tls ? 'TLS' : 'plain HTTP'
  const options = (draintimeout: string) => ({ ...(tls && { tls: true as const }), http: { draintimeout } })

  test(`asked to end at half of an upload and a download over ${over}, both come to their end, and no new one (D-21)`, async () => {
    await using server = await startServer(options('60s'))
    using halves = await openHalves(server)
    const { upload, download, location } = halves
    using idle = await server.connect()
    await idle.request('GET /healthz')
    assert.equal((await idle.answer()).status, 200)

    server.process.signal('SIGTERM')
    await refusesConnections(server.port)
    await idle.ended
    await upload.write(LAYER.subarray(HALF))
    const taken = await upload.answer()
    assert.deepEqual([taken.status, headerOf(taken, 'range')], [202, `0-${LAYER.length - 1}`])
    assert.equal(headerOf(taken, 'connection'), 'close')
    assert.equal((await digestOfStream(download)).digest, DIGEST)
    assert.equal((await server.process.ended).code, 0)

    await server.start()
    using client = await server.client()
    assert.equal((await client.request('PUT', `${location}?digest=${DIGEST}`)).status, 201)
    assert.equal((await client.pullBlob('team/app', DIGEST)).size, LAYER.length)
  })

  test(`what does not end in time over ${over} is cut, and an upload goes on from what it had (D-21)`, async () => {
    await using server = await startServer(options('500ms'))
    using halves = await openHalves(server)
    const { upload, download, location } = halves

    server.process.signal('SIGTERM')
    await upload.ended
    assert.equal((await server.process.ended).code, 0)
    // However much had come by then: it must not look whole.
    await assert.rejects(digestOfStream(download), { code: 'ECONNRESET' })

    await server.start()
    using client = await server.client()
    const { status, headers } = await client.request('GET', location)
    assert.equal(status, 204)
    const received = Number(/^0-(\d+)$/.exec(String(headers['range']))?.[1]) + 1
    assert.ok(received >= HALF / 2 && received <= HALF, `${received} of ${HALF}`)
    const rest = { body: LAYER.subarray(received), headers: { 'content-range': `${received}-${LAYER.length - 1}` } }
    assert.equal((await client.request('PATCH', location, rest)).status, 202)
    assert.equal((await client.request('PUT', `${location}?digest=${DIGEST}`)).status, 201)
    assert.equal((await client.pullBlob('team/app', DIGEST)).size, LAYER.length)
  })
}

test('a second signal ends it at once, and what was answered is kept (D-21)', async () => {
  await using server = await startServer({ http: { draintimeout: '10m' } })
  using halves = await openHalves(server)
  server.process.signal('SIGTERM')
  await refusesConnections(server.port)
  // A second in which a terminal and npm may both pass on the same signal.
  await pause(1_100)
  server.process.signal('SIGTERM')
  assert.equal((await server.process.ended).signal, 'SIGTERM')
  await server.start()
  using client = await server.client()
  assert.equal((await client.request('GET', halves.location)).status, 204)
  assert.equal((await client.pullBlob('team/stored', DIGEST)).size, LAYER.length)
})

test('asked to end while it adopts a folder, it ends well, and goes on at the next start', async () => {
  await using folder = await temporaryFolder()
  const registry2 = new Registry2Folder(folder.at('data'))
  const image = makeImage('to be adopted')
  const names = Array.from({ length: 200 }, (_, index) => `team${index % 20}/app${index}`)
  for (const name of names) await registry2.addImage(name, image, 'v1')

  await using server = await startServer({ data: folder.at('empty'), config: { log: { level: 'debug' } } })
  await server.stop()
  await writeFile(
    server.configFile,
    (await readFile(server.configFile, 'utf8')).replace(folder.at('empty'), registry2.root),
  )
  const adopting = start(LAUNCHER, ['serve', server.configFile])
  await adopting.output(/answering 503 until the folder is ready/)
  adopting.signal('SIGTERM')
  const { code, stderr } = await adopting.ended
  assert.equal(code, 0, stderr)
  assert.doesNotMatch(stderr, /"msg":"listening on/)

  await server.start()
  using client = await server.client()
  const { repositories } = JSON.parse((await client.request('GET', '/v2/_catalog?n=1000')).text)
  assert.deepEqual(repositories, names.toSorted())
})
