import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Algorithm } from '../../src/oci/digest.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { makeImage, makeIndex } from '../helpers/images.ts'
import { needs } from '../helpers/programs.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { startServer } from '../helpers/server.ts'
import { answersIn, lostByPowerCut } from './push-order.ts'
import { trace } from './strace.ts'

/** A push that is answered with 201. `hex`: digits of the digest of the bytes that come with it, if any. */
interface Push {
  readonly name: string
  readonly hex?: string
  readonly send: (client: RegistryClient) => Promise<number>
}

const LAYER = seededBytes('a layer', 3 * 1024 * 1024 + 17)
const SMALL = seededBytes('a small layer', 1_000)
const LONG = seededBytes('a layer under sha512', 1_000)
const IMAGE = makeImage('an image')
const INDEX = makeIndex([IMAGE])

const UPLOADS = '/v2/team/app/blobs/uploads/'

/** One after the other, in an empty registry. */
// biome-ignore format: one push a line
const PUSHES: readonly Push[] = [
  { name: 'a blob by PATCH and PUT', hex: hexOf(LAYER), send: (client) => inPieces(client, [LAYER.subarray(0, 2_000_000), LAYER.subarray(2_000_000)]) },
  { name: 'a blob by PATCH, and a PUT that brings nothing', hex: hexOf(SMALL), send: (client) => inPieces(client, [SMALL, SMALL.subarray(0, 0)]) },
  { name: 'a blob that is here already', hex: hexOf(SMALL), send: (client) => atOnce(client, '/v2/team/other/blobs/uploads/', SMALL) },
  { name: 'the first blob under sha512', hex: hexOf(LONG, 'sha512'), send: (client) => atOnce(client, UPLOADS, LONG, 'sha512') },
  { name: 'an empty blob', hex: hexOf(Buffer.alloc(0)), send: (client) => atOnce(client, UPLOADS, Buffer.alloc(0)) },
  { name: 'a mounted blob', send: (client) => post(client, `/v2/team/third/blobs/uploads/?mount=${digestOf(LAYER)}&from=team/app`) },
  ...[...IMAGE.blobs.values()].map((bytes) => ({ name: 'a blob by a single POST', hex: hexOf(bytes), send: (client: RegistryClient) => atOnce(client, UPLOADS, bytes) })),
  { name: 'a manifest by digest', hex: hexOf(IMAGE.manifest.bytes), send: async (client) => (await client.pushManifest('team/app', IMAGE.manifest)).status },
  { name: 'an index by tag', hex: hexOf(INDEX.manifest.bytes), send: async (client) => (await client.pushManifest('team/app', INDEX.manifest, 'latest')).status },
  { name: 'a second tag on what is here', hex: hexOf(INDEX.manifest.bytes), send: async (client) => (await client.pushManifest('team/app', INDEX.manifest, 'v1')).status },
]

test('every 201 comes after all that a power cut could take back is on the disk', needs('strace'), async (context) => {
  await using server = await startServer()
  using client = await server.client()
  const statuses: number[] = []
  const calls = await trace(server.process.pid, async () => {
    for (const { send } of PUSHES) statuses.push(await send(client))
  })
  assert.deepEqual(
    statuses,
    PUSHES.map(() => 201),
  )

  const created = answersIn(calls).filter(({ status }) => status === 201)
  assert.equal(created.length, PUSHES.length, 'strace shows another number of answers than there were')
  for (const [index, { name, hex }] of PUSHES.entries()) {
    const answered = created[index]
    await context.test(name, () => assert.deepEqual(answered && lostByPowerCut(answered, hex), []))
  }
})

function hexOf(bytes: Uint8Array, algorithm?: Algorithm): string {
  return digestOf(bytes, algorithm).split(':')[1] ?? ''
}

/** All but the last piece by `PATCH`; that one by the `PUT`. */
async function inPieces(client: RegistryClient, pieces: readonly [Buffer, Buffer]): Promise<number> {
  const begun = await client.request('POST', UPLOADS)
  const location = begun.headers.location ?? ''
  const sent = await client.request('PATCH', location, { body: pieces[0] })
  const ended = await client.request('PUT', withDigest(sent.headers.location ?? '', Buffer.concat(pieces)), {
    body: pieces[1],
  })
  return ended.status
}

async function atOnce(client: RegistryClient, path: string, bytes: Buffer, algorithm?: Algorithm): Promise<number> {
  const { status } = await client.request('POST', withDigest(path, bytes, algorithm), { body: bytes })
  return status
}

async function post(client: RegistryClient, path: string): Promise<number> {
  const { status } = await client.request('POST', path)
  return status
}

function withDigest(path: string, bytes: Uint8Array, algorithm?: Algorithm): string {
  return `${path}${path.includes('?') ? '&' : '?'}digest=${digestOf(bytes, algorithm)}`
}
