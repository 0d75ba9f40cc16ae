import assert from 'node:assert/strict'
import { digestOf } from '../helpers/digest-of.ts'
import type { Content } from '../helpers/images.ts'
import type { Answer, RegistryClient } from '../helpers/registry-client.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'

const UPLOADS = '/v2/team/app/blobs/uploads/'
const CONFIG = Buffer.from('{}')

/** One kind of change that a client asks for; `number` makes each try a change of its own. */
export interface Kind {
  readonly name: string
  /** What has to be there before. */
  readonly prepare: (client: RegistryClient, number: number) => Promise<void>
  /** Asks for the change; the answer that counts. */
  readonly send: (client: RegistryClient, number: number) => Promise<Answer>
  /** Whether the change is to be seen. Throws where anything else is: half of it, or other bytes. */
  readonly seen: (client: RegistryClient, number: number) => Promise<boolean>
}

const POST: Kind = {
  name: 'a blob by a single POST',
  prepare: async () => {},
  send: (client, number) => {
    const bytes = blob('post', number)
    return client.request('POST', `${UPLOADS}?digest=${digestOf(bytes)}`, { body: bytes })
  },
  seen: (client, number) => blobSeen(client, blob('post', number)),
}

const CHUNKED: Kind = {
  name: 'a blob by two PATCHes and a PUT',
  prepare: async () => {},
  send: async (client, number) => {
    const bytes = blob('patch', number)
    const begun = await client.request('POST', UPLOADS)
    if (begun.status !== 202) return begun
    const first = await client.request('PATCH', begun.headers.location ?? '', { body: bytes.subarray(0, 900) })
    if (first.status !== 202) return first
    const second = await client.request('PATCH', first.headers.location ?? '', { body: bytes.subarray(900) })
    if (second.status !== 202) return second
    return await client.request('PUT', `${second.headers.location}?digest=${digestOf(bytes)}`)
  },
  seen: (client, number) => blobSeen(client, blob('patch', number)),
}

const MOUNT: Kind = {
  name: 'a mounted blob',
  prepare: async (client, number) => {
    await client.pushBlob('team/source', blob('mount', number))
  },
  send: (client, number) => {
    const digest = digestOf(blob('mount', number))
    return client.request('POST', `${UPLOADS}?mount=${digest}&from=team/source`)
  },
  seen: (client, number) => blobSeen(client, blob('mount', number)),
}

const BY_DIGEST: Kind = {
  name: 'a manifest by digest',
  prepare: async (client) => {
    await client.pushBlob('team/app', CONFIG)
  },
  send: (client, number) => putManifest(client, manifest('by digest', number)),
  seen: (client, number) => manifestSeen(client, manifest('by digest', number)),
}

const MOVE: Kind = {
  name: 'a tag that moves',
  prepare: async (client, number) => {
    await client.pushBlob('team/app', CONFIG)
    await client.pushManifest('team/app', manifest('before', number), `moves-${number}`)
  },
  send: (client, number) => putManifest(client, manifest('after', number), `moves-${number}`),
  seen: async (client, number) => {
    const { digest } = await client.pullManifest('team/app', `moves-${number}`)
    if (digest === manifest('after', number).digest) return await manifestSeen(client, manifest('after', number))
    assert.equal(digest, manifest('before', number).digest)
    return false
  },
}

const NO_TAG: Kind = {
  name: 'a tag that is deleted',
  prepare: async (client, number) => {
    await client.pushBlob('team/app', CONFIG)
    await client.pushManifest('team/app', manifest('tagged', number), `goes-${number}`)
  },
  send: (client, number) => client.request('DELETE', `/v2/team/app/manifests/goes-${number}`),
  seen: async (client, number) => {
    assert.ok(await manifestSeen(client, manifest('tagged', number)))
    const { status } = await client.request('HEAD', `/v2/team/app/manifests/goes-${number}`)
    assert.ok(status === 200 || status === 404)
    return status === 404
  },
}

const NO_MANIFEST: Kind = {
  name: 'a manifest that is deleted',
  prepare: async (client, number) => {
    await client.pushBlob('team/app', CONFIG)
    await client.pushManifest('team/app', manifest('deleted', number), `deleted-${number}`)
  },
  send: (client, number) => client.request('DELETE', `/v2/team/app/manifests/${manifest('deleted', number).digest}`),
  seen: async (client, number) => {
    const there = await manifestSeen(client, manifest('deleted', number))
    const { status } = await client.request('HEAD', `/v2/team/app/manifests/deleted-${number}`)
    assert.equal(status, there ? 200 : 404, 'the tag goes with its manifest')
    return !there
  },
}

const NO_BLOB: Kind = {
  name: 'a blob that is deleted',
  prepare: async (client, number) => {
    await client.pushBlob('team/app', blob('deleted', number))
  },
  send: (client, number) => client.request('DELETE', `/v2/team/app/blobs/${digestOf(blob('deleted', number))}`),
  seen: async (client, number) => !(await blobSeen(client, blob('deleted', number))),
}

/** Every kind of change that is answered with 201 or 202 and must then stay. */
export const KINDS: readonly Kind[] = [POST, CHUNKED, MOUNT, BY_DIGEST, MOVE, NO_TAG, NO_MANIFEST, NO_BLOB]

function blob(kind: string, number: number): Buffer {
  return seededBytes(`${kind} ${number}`, 2_000)
}

function manifest(kind: string, number: number): Content {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const config = {
    mediaType: 'application/vnd.oci.empty.v1+json',
    digest: digestOf(CONFIG),
    size: CONFIG.length,
  }
  const annotations = { kind, number: String(number) }
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [], annotations }))
  return { bytes, mediaType, digest: digestOf(bytes) }
}

function putManifest(client: RegistryClient, content: Content, reference: string = content.digest): Promise<Answer> {
  const headers = { 'content-type': content.mediaType }
  return client.request('PUT', `/v2/team/app/manifests/${reference}`, { headers, body: content.bytes })
}

async function blobSeen(client: RegistryClient, bytes: Buffer): Promise<boolean> {
  const answer = await client.request('GET', `/v2/team/app/blobs/${digestOf(bytes)}`)
  if (answer.status === 404) return false
  assert.equal(answer.status, 200)
  assert.ok(answer.bytes.equals(bytes), 'other bytes than were pushed')
  return true
}

async function manifestSeen(client: RegistryClient, { digest, bytes }: Content): Promise<boolean> {
  const answer = await client.request('GET', `/v2/team/app/manifests/${digest}`)
  if (answer.status === 404) return false
  assert.equal(answer.status, 200)
  assert.ok(answer.bytes.equals(bytes), 'other bytes than were pushed')
  return true
}
