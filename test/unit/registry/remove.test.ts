import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlobStore } from '../../../src/blobs/blob-store.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { finishRemovals, removeBlob } from '../../../src/registry/remove.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { MemoryBlobStore } from '../../helpers/memory-blob-store.ts'
import { ANYONE, ASKER, openTestRules, type TestRules } from '../../helpers/test-rules.ts'

const HOUR = 3_600_000

/** A store whose deletes wait for a gate, and say that they are there. */
class GatedStore extends MemoryBlobStore {
  readonly reached = Promise.withResolvers<void>()
  readonly gate = Promise.withResolvers<void>()

  override async delete(digest: Digest): Promise<boolean> {
    this.reached.resolve()
    await this.gate.promise
    return await super.delete(digest)
  }
}

async function pushedLongAgo(rules: TestRules): Promise<Digest> {
  const digest = await rules.push('team/app', 'hello')
  rules.clock.now += HOUR
  return digest
}

async function textOf(blobs: BlobStore, digest: Digest): Promise<string | undefined> {
  const reader = await blobs.open(digest)
  if (reader === undefined) return undefined
  const bytes = Buffer.alloc(reader.size)
  await reader.read(bytes, 0)
  await reader.close()
  return bytes.toString()
}

test('removal: a blob that nothing names is gone: bytes, row and ties', async () => {
  await using rules = await openTestRules()
  const digest = await pushedLongAgo(rules)
  assert.equal(await removeBlob(rules.parts)(digest), true)
  assert.equal(await rules.parts.blobs.stat(digest), undefined)
  assert.equal(await rules.catalog.blobSize('team/app', digest), undefined)
  assert.deepEqual(await rules.catalog.leaving(), [])
})

test('removal: a lease keeps the blob', async () => {
  await using rules = await openTestRules()
  const digest = await rules.push('team/app', 'hello')
  assert.equal(await removeBlob(rules.parts)(digest), false)
  rules.clock.now += HOUR
  await rules.registry.findBlob('team/app', digest, { asker: ASKER, promisedTo: ANYONE })
  assert.equal(await removeBlob(rules.parts)(digest), false, 'a HEAD to somebody who may push began a new lease')
  assert.equal(await textOf(rules.parts.blobs, digest), 'hello')
})

test('removal: a mount, and a second upload of what is there, begin a lease too', async () => {
  await using rules = await openTestRules()
  const digest = await pushedLongAgo(rules)
  assert.equal(await rules.registry.uploads.mount('team/other', digest, { from: 'team/app', caller: ANYONE }), true)
  assert.equal(await removeBlob(rules.parts)(digest), false)
  rules.clock.now += HOUR
  await rules.push('team/third', 'hello')
  assert.equal(await removeBlob(rules.parts)(digest), false)
})

test('removal: a manifest that names the blob keeps it', async () => {
  await using rules = await openTestRules()
  const digest = await pushedLongAgo(rules)
  const manifest = { schemaVersion: 2, config: { digest, size: 5, mediaType: 'application/x' }, layers: [] }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const put = await rules.registry.putManifest('team/app', {
    reference: '1',
    tags: [],
    bytes,
    contentType: 'application/vnd.oci.image.manifest.v1+json',
  })
  assert.equal(await removeBlob(rules.parts)(digest), false)
  assert.equal(await removeBlob(rules.parts)(put.digest), false, "nor the manifest's own bytes")
})

test('removal: stopped before the bytes go, a commit of the same digest waits, and its bytes stay', async () => {
  const store = new GatedStore()
  await using rules = await openTestRules({ blobs: store })
  const digest = await pushedLongAgo(rules)

  const removal = removeBlob(rules.parts)(digest)
  await store.reached.promise
  await assert.rejects(rules.registry.findBlob('team/app', digest, { asker: ASKER }), {
    kind: 'blob-unknown',
  })
  const push = rules.push('team/app', 'hello')
  store.gate.resolve()

  assert.equal(await removal, true)
  assert.equal(await push, digest)
  assert.equal(await textOf(store, digest), 'hello')
  assert.equal(await rules.catalog.blobSize('team/app', digest), 5)
  assert.deepEqual(await rules.catalog.leaving(), [])
})

test('removal: stopped between its steps, a HEAD by a pusher waits for the end and says that it is gone', async () => {
  const store = new GatedStore()
  await using rules = await openTestRules({ blobs: store })
  const digest = await pushedLongAgo(rules)
  const removal = removeBlob(rules.parts)(digest)
  await store.reached.promise
  const head = rules.registry.findBlob('team/app', digest, { asker: ASKER, promisedTo: ANYONE })
  const mount = rules.registry.uploads.mount('team/other', digest, { from: 'team/app', caller: ANYONE })
  store.gate.resolve()
  await assert.rejects(head, { kind: 'blob-unknown' })
  assert.equal(await mount, false)
  await removal
})

for (const cut of ['before the bytes went', 'after the bytes went'] as const) {
  test(`removal: cut short ${cut}, it counts as absent, and is ended at the next start`, async () => {
    await using rules = await openTestRules()
    const digest = await pushedLongAgo(rules)
    await rules.catalog.write('markLeaving', { digest })
    if (cut === 'after the bytes went') await rules.parts.blobs.delete(digest)
    await assert.rejects(rules.registry.findBlob('team/app', digest, { asker: ASKER, promisedTo: ANYONE }), {
      kind: 'blob-unknown',
    })

    await finishRemovals(rules.parts)
    assert.deepEqual(await rules.catalog.leaving(), [])
    assert.equal(await rules.parts.blobs.stat(digest), undefined)
  })

  test(`removal: cut short ${cut}, a push of the same digest heals it, and the next start leaves it alone`, async () => {
    await using rules = await openTestRules()
    const digest = await pushedLongAgo(rules)
    await rules.catalog.write('markLeaving', { digest })
    if (cut === 'after the bytes went') await rules.parts.blobs.delete(digest)

    await rules.push('team/app', 'hello')
    await finishRemovals(rules.parts)
    assert.equal(await textOf(rules.parts.blobs, digest), 'hello')
    assert.equal(await rules.catalog.blobSize('team/app', digest), 5)
  })
}

test('removal: what nobody has is not removed', async () => {
  await using rules = await openTestRules()
  assert.equal(await removeBlob(rules.parts)(digestOf('nothing')), false)
})
