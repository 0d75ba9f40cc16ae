import assert from 'node:assert/strict'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { makeImage } from '../helpers/images.ts'
import { DISK_PROGRAMS, mountDisk } from '../helpers/mounted-disk.ts'
import { needs } from '../helpers/programs.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'
import { LAUNCHER, type Server, startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const IMAGE = makeImage('stored before')
/** Of the two lines that tell that connections are not taken. */
const NOT_TAKEN = /^(connections are closed as they come|a connection could not be taken)/

for (const tls of [false, true]) {
  test(`with 80 file descriptors and 500 connections over ${tls ? 'TLS' : 'plain HTTP'} who is served goes on, the log says it once, and all work again when they close (D-5)`, async () => {
    await using limited = await launcherWithFiles(80)
    await using server = await startServer({ launcher: limited.launcher, ...(tls && { tls }) })
    using client = await server.client()
    await client.pushImage('team/app', IMAGE, 'v1')

    // One that holds no connection yet would be turned away.
    using served = await server.connect()
    const crowd = await Crowd.of(500, server)
    await crowd.until((open) => open < 20)
    await served.request('GET /v2/')
    assert.equal((await served.answer()).status, 200)
    assert.ok((await filesOf(server)) < 80, 'all descriptors are taken')
    assert.ok(crowd.open > 0, 'nobody is taken any more')
    const lines = server.log.filter(({ msg }) => NOT_TAKEN.test(msg ?? ''))
    assert.deepEqual([lines.length, lines[0]?.['level'], lines[0]?.['connections']], [1, 'error', 16])
    assert.match(String(lines[0]?.['hint']), /LimitNOFILE/)

    await crowd.leave()
    await assertWorks(server, 'v2')
    assert.ok(server.process.running)
  })
}

test('out of file descriptors for blobs requests get 503 and a sentence, the listener survives, and all work again when they are free (D-5)', async () => {
  await using limited = await launcherWithFiles(50)
  await using server = await startServer({ launcher: limited.launcher })
  {
    using before = await server.client()
    await before.pushImage('team/app', IMAGE, 'v1')
  }
  using served = await server.connect()
  const crowd = await Crowd.of(200, server)
  await crowd.until((open) => open < 20)
  await served.request(`GET /v2/team/app/blobs/${[...IMAGE.blobs.keys()][0]}`)
  const { status, body, headers } = await served.answer()
  assert.equal(status, 503, body.toString())
  assert.match(body.toString(), /too many files open/)
  assert.ok(headers.some(([name]) => name === 'retry-after'))
  assert.ok(server.log.filter(({ msg }) => NOT_TAKEN.test(msg ?? '')).length <= 2, 'the log is flooded')

  await crowd.leave()
  await assertWorks(server, 'v2')
  assert.ok(server.process.running)
})

for (const kind of ['tmpfs', 'ext4'] as const) {
  test(
    `on a ${kind} without an inode for another file pulls go on and pushes get 507; with some again they work, without a restart (D-5)`,
    needs(...DISK_PROGRAMS),
    async () => {
      await using disk = await mountDisk(kind, 24, { inodes: 200 })
      await using server = await startServer({ data: disk.data, launcher: disk.launcher })
      using client = await server.client()
      await client.pushImage('team/app', IMAGE, 'v1')

      const files = await disk.takeInodes()
      assert.ok(files.length > 50 && files.length < 300, `${files.length} files were made`)
      for (let round = 0; round < 3; round += 1) {
        const refused = await client.request('POST', '/v2/team/app/blobs/uploads/')
        assert.equal(refused.status, 507, refused.text)
        assert.match(refused.text, /is full/)
        await assertPulls(client)
      }
      // Its content is in the catalog, which has its files: it may be taken, and then it is there.
      const put = await client.request('PUT', '/v2/team/app/manifests/amid', {
        headers: { 'content-type': IMAGE.manifest.mediaType },
        body: IMAGE.manifest.bytes,
      })
      assert.ok([201, 507].includes(put.status), put.text)
      const got = await client.request('GET', '/v2/team/app/manifests/amid')
      assert.equal(got.status, put.status === 201 ? 200 : 404)

      for (const file of files) await rm(disk.at(file))
      await client.pushImage('team/app', makeImage('pushed after'), 'v2')
      await assertPulls(client)
      assert.ok(server.process.running)
    },
  )
}

async function launcherWithFiles(limit: number): Promise<{ readonly launcher: string } & AsyncDisposable> {
  const folder = await temporaryFolder()
  const launcher = folder.at('homeport')
  await writeFile(launcher, `#!/bin/sh\nulimit -n ${limit}\nexec '${LAUNCHER}' "$@"\n`, { mode: 0o755 })
  return { launcher, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

/** Connections that ask for nothing. */
class Crowd {
  readonly #sockets: readonly Socket[]
  readonly #open = new Set<Socket>()
  readonly #waiting = new Set<() => void>()

  /** Resolves when the system has connected all; the server closes some behind it. */
  static async of(count: number, { port }: Server): Promise<Crowd> {
    const crowd = new Crowd(Array.from({ length: count }, () => connect({ port, host: '127.0.0.1' })))
    await crowd.until((_, connecting) => connecting === 0)
    return crowd
  }

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets
    for (const socket of sockets) {
      this.#open.add(socket)
      socket.on('error', () => {}).on('connect', () => this.#notify())
      socket.resume().once('close', () => {
        this.#open.delete(socket)
        this.#notify()
      })
    }
  }

  get open(): number {
    return this.#open.size
  }

  until(reached: (open: number, connecting: number) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!reached(this.open, this.#sockets.filter(({ connecting }) => connecting).length)) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }

  async leave(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await this.until((open) => open === 0)
  }

  #notify(): void {
    for (const look of [...this.#waiting]) look()
  }
}

async function filesOf(server: Server): Promise<number> {
  return (await readdir(`/proc/${server.process.pid}/fd`)).length
}

/** The server may not know yet that the others have left. */
async function assertWorks(server: Server, tag: string): Promise<void> {
  using client = await server.client()
  for (let tries = 0; ; tries += 1) {
    try {
      await client.pushImage('team/app', makeImage('pushed after'), tag)
      break
    } catch (error) {
      if (tries === 100) throw error
    }
  }
  await assertPulls(client)
}

async function assertPulls(client: RegistryClient): Promise<void> {
  assert.equal((await client.pullManifest('team/app', 'v1')).digest, IMAGE.manifest.digest)
  for (const [blob, bytes] of IMAGE.blobs)
    assert.deepEqual(await client.pullBlob('team/app', blob), { digest: blob, size: bytes.length })
}
