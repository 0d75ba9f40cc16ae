import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { digestOf, digestOfStream } from '../helpers/digest-of.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { type Server, startServer } from '../helpers/server.ts'

const ROUNDS = 6
const SIZE = 8 * 1024 * 1024
/** A commit of `SIZE` bytes and its answer take about as long. */
const COMMIT_MS = 40

const SEED = Number(process.env['SEED'] ?? randomInt(2 ** 31))

test('an upload that kill -9 cut off goes on from where Range says, and shows nothing before', async (context) => {
  context.diagnostic(`SEED=${SEED}`)
  await using server = await startServer()
  for (let round = 0; round < ROUNDS; round += 1) {
    const bytes = seededBytes(`${SEED}/${round}`, SIZE)
    const digest = digestOf(bytes)
    const at = numberFrom(`${SEED}/at/${round}`, SIZE)
    const session = await beginUpload(server)
    await assert.rejects(request(server, 'PATCH', session, Readable.from(cutOff(bytes, at, server))))

    await server.start()
    await assertOnlyWholeBlobs(server)
    assert.equal((await request(server, 'HEAD', `/v2/team/app/blobs/${digest}`)).status, 404)
    const stands = await request(server, 'GET', session)
    assert.equal(stands.status, 204)
    const received = receivedOf(stands.headers.range)
    assert.ok(received <= at, `round ${round}: it has ${received} bytes of ${at} that were sent`)

    const rest = await request(server, 'PATCH', session, bytes.subarray(received), {
      'content-range': `${received}-${SIZE - 1}`,
    })
    assert.equal(rest.status, 202, rest.text)
    const ended = await request(server, 'PUT', `${rest.headers.location}?digest=${digest}`)
    assert.equal(ended.status, 201, ended.text)
    await assertServed(server, digest)
  }
})

test('a commit that kill -9 cut off shows the whole blob or none, and a 201 is kept', async (context) => {
  context.diagnostic(`SEED=${SEED}`)
  await using server = await startServer()
  for (let round = 0; round < ROUNDS; round += 1) {
    const bytes = seededBytes(`${SEED}/commit/${round}`, SIZE)
    const digest = digestOf(bytes)
    const session = await beginUpload(server)
    const sent = await request(server, 'PATCH', session, bytes)
    const committing = request(server, 'PUT', `${sent.headers.location}?digest=${digest}`).then(
      ({ status }) => status,
      () => 'cut off',
    )
    await delay(numberFrom(`${SEED}/ms/${round}`, COMMIT_MS))
    await server.kill()
    const answer = await committing
    context.diagnostic(`round ${round}: ${answer}`)

    await server.start()
    await assertOnlyWholeBlobs(server)
    const { status } = await request(server, 'HEAD', `/v2/team/app/blobs/${digest}`)
    assert.ok(
      status === 200 || (status === 404 && answer !== 201),
      `round ${round}: HEAD says ${status} after ${answer}`,
    )
    if (status === 404) await goOn(server, session, bytes)
    await assertServed(server, digest)
  }
})

async function* cutOff(bytes: Buffer, at: number, server: Server): AsyncGenerator<Buffer> {
  for (let from = 0; from < at; from += 65_536) yield bytes.subarray(from, Math.min(from + 65_536, at))
  await server.kill()
}

async function beginUpload(server: Server): Promise<string> {
  const { headers } = await request(server, 'POST', '/v2/team/app/blobs/uploads/')
  return headers.location ?? ''
}

/** Where the session still stands, it has every byte; where the crash came between file and row, the client sends again. */
async function goOn(server: Server, session: string, bytes: Buffer): Promise<void> {
  const stands = await request(server, 'GET', session)
  const query = `?digest=${digestOf(bytes)}`
  if (stands.status === 204) assert.equal(receivedOf(stands.headers.range), SIZE)
  else assert.equal(stands.status, 404)
  const ended =
    stands.status === 204
      ? await request(server, 'PUT', `${stands.headers.location}${query}`)
      : await request(server, 'POST', `/v2/team/app/blobs/uploads/${query}`, bytes)
  assert.equal(ended.status, 201, ended.text)
}

/** Over a connection of its own: the server is another one each time. */
async function request(
  server: Server,
  method: string,
  path: string,
  body?: Uint8Array | Readable,
  headers: Record<string, string> = {},
): ReturnType<RegistryClient['request']> {
  using client = await server.client()
  return await client.request(method, path, { ...(body !== undefined && { body }), headers })
}

async function assertServed(server: Server, digest: ReturnType<typeof digestOf>): Promise<void> {
  using client = await server.client()
  assert.deepEqual(await client.pullBlob('team/app', digest), { digest, size: SIZE })
}

/** Whatever lies under a digest hashes to it. */
async function assertOnlyWholeBlobs(server: Server): Promise<void> {
  const blobs = join(server.data, 'docker/registry/v2/blobs')
  const files = await readdir(blobs, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const file of files) {
    if (!file.isFile()) continue
    const { digest } = await digestOfStream(createReadStream(join(file.parentPath, file.name)))
    assert.ok(file.parentPath.endsWith(digest.slice('sha256:'.length)), `${file.parentPath} holds ${digest}`)
  }
}

/** `0-0` is nothing, as registry:2 says it. */
function receivedOf(range: string | undefined): number {
  const [, last] = /^0-(\d+)$/.exec(range ?? '') ?? []
  assert.ok(last !== undefined, `the session stands at '${range}'`)
  return last === '0' ? 0 : Number(last) + 1
}

/** The same for the same words. */
function numberFrom(words: string, below: number): number {
  return seededBytes(words, 4).readUInt32LE() % below
}
