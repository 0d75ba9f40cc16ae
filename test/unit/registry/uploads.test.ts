import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import type { Caller } from '../../../src/registry/registry.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { ANYONE, ASKER, bodyOf, openTestRules } from '../../helpers/test-rules.ts'
import { temporaryStore } from '../blobs/temporary-store.ts'

const ANN: Caller = { account: 'ann', may: () => true }
const BOB: Caller = { account: 'bob', may: () => true }

test('uploads: a session of another account, or of another repository, is unknown (T23)', async () => {
  await using rules = await openTestRules()
  const { uploads } = rules.registry
  const { id } = await uploads.begin('team/app', ANN, 'sha256')
  for (const key of [
    { id, repository: 'team/app', caller: BOB },
    { id, repository: 'team/other', caller: ANN },
    { id, repository: 'team/app', caller: ANYONE },
    { id: 'never-begun', repository: 'team/app', caller: ANN },
  ]) {
    await assert.rejects(uploads.status(key), { kind: 'upload-unknown' })
    await assert.rejects(uploads.append(key, { body: bodyOf('x') }), { kind: 'upload-unknown' })
    await assert.rejects(uploads.finish(key, digestOf('x'), { body: bodyOf('x') }), { kind: 'upload-unknown' })
    await assert.rejects(uploads.cancel(key), { kind: 'upload-unknown' })
  }
  assert.deepEqual(await uploads.status({ id, repository: 'team/app', caller: ANN }), { id, received: 0 })
})

test('uploads: who has nothing to do with a session does not wait for whoever is at it (T23)', async () => {
  await using rules = await openTestRules()
  const { uploads } = rules.registry
  const { id } = await uploads.begin('team/app', ANN, 'sha256')
  const more = Promise.withResolvers<void>()
  async function* slow() {
    yield Buffer.from('hel')
    await more.promise
    yield Buffer.from('lo')
  }
  const appended = uploads.append({ id, repository: 'team/app', caller: ANN }, { body: slow() })
  await assert.rejects(uploads.status({ id, repository: 'team/app', caller: BOB }), { kind: 'upload-unknown' })
  await assert.rejects(uploads.cancel({ id, repository: 'bob/own', caller: BOB }), { kind: 'upload-unknown' })
  more.resolve()
  assert.deepEqual(await appended, { id, received: 5 })
})

test('uploads: a wrong digest ends the session, and nothing of it can be read', async () => {
  await using rules = await openTestRules()
  const { uploads } = rules.registry
  const { id } = await uploads.begin('team/app', ANN, 'sha256')
  const key = { id, repository: 'team/app', caller: ANN }
  await assert.rejects(uploads.finish(key, digestOf('hello'), { body: bodyOf('hellO') }), { kind: 'digest-invalid' })
  await assert.rejects(uploads.status(key), { kind: 'upload-unknown' })
  await assert.rejects(rules.registry.findBlob('team/app', digestOf('hellO'), { asker: ASKER, promisedTo: ANN }), {
    kind: 'blob-unknown',
  })
})

test('uploads: two calls in one session take turns', async () => {
  await using rules = await openTestRules()
  const { uploads } = rules.registry
  const { id } = await uploads.begin('team/app', ANN, 'sha256')
  const key = { id, repository: 'team/app', caller: ANN }
  const gate = Promise.withResolvers<void>()
  const first = uploads.append(key, {
    body: (async function* () {
      yield Buffer.from('hel')
      await gate.promise
    })(),
  })
  const second = uploads.append(key, { body: bodyOf('lo') })
  gate.resolve()
  assert.equal((await first).received, 3)
  assert.equal((await second).received, 5)
  await uploads.finish(key, digestOf('hello'), { body: bodyOf() })
})

test('uploads: more sessions than are kept open go on all the same', async () => {
  await using rules = await openTestRules()
  const { uploads } = rules.registry
  const keys = []
  for (let index = 0; index < 40; index += 1) {
    const { id } = await uploads.begin('team/app', ANN, 'sha256')
    const key = { id, repository: 'team/app', caller: ANN }
    await uploads.append(key, { body: bodyOf(`begin ${index} `) })
    keys.push(key)
  }
  for (const [index, key] of keys.entries()) {
    await uploads.finish(key, digestOf(`begin ${index} end`), { body: bodyOf('end') })
  }
})

test('uploads: a mount looks only where the caller may pull, and says no more than no (T7, 26)', async () => {
  await using rules = await openTestRules()
  const { uploads } = rules.registry
  const digest = await rules.push('secret/app', 'hello')
  const outsider: Caller = { account: 'eve', may: (_action, repository) => !repository.startsWith('secret/') }
  assert.equal(await uploads.mount('team/app', digest, { from: 'secret/app', caller: outsider }), false)
  assert.equal(await uploads.mount('team/app', digest, { caller: outsider }), false)
  assert.equal(await uploads.mount('team/app', digest, { from: 'nowhere/at-all', caller: ANN }), false)
  await assert.rejects(rules.registry.findBlob('team/app', digest, { asker: ASKER, promisedTo: ANN }), {
    kind: 'blob-unknown',
  })
  assert.equal(await uploads.mount('team/app', digest, { caller: ANN }), true)
  assert.equal((await rules.registry.findBlob('team/app', digest, { asker: ASKER, promisedTo: ANN })).size, 5)
})

test('uploads: a blob whose bytes are gone is absent for a pusher, so that he sends it again', async () => {
  await using rules = await openTestRules()
  const digest = await rules.push('team/app', 'hello')
  await rules.parts.blobs.delete(digest)
  await assert.rejects(rules.registry.findBlob('team/app', digest, { asker: ASKER, promisedTo: ANN }), {
    kind: 'blob-unknown',
  })
  assert.equal(await rules.registry.uploads.mount('team/other', digest, { from: 'team/app', caller: ANN }), false)
  await rules.push('team/app', 'hello')
  assert.equal((await rules.registry.findBlob('team/app', digest, { asker: ASKER, promisedTo: ANN })).size, 5)
})

test('uploads: a reader of a blob whose bytes are gone is told, and so is the operator', async () => {
  await using rules = await openTestRules()
  const digest = await rules.push('team/app', 'hello')
  const found = await rules.registry.findBlob('team/app', digest, { asker: ASKER })
  await rules.parts.blobs.delete(digest)
  await assert.rejects(found.open(), { kind: 'blob-unknown' })
  assert.equal(rules.reports.length, 1)
})

test('manifests: one whose file was cut short is read from the catalog', async () => {
  await using rules = await openTestRules()
  const { registry, parts } = rules
  const bytes = Buffer.from('{"mediaType":"a/b"}')
  const pushed = { reference: '1', tags: [], bytes, contentType: 'a/b' }
  const { digest } = await registry.putManifest('team/app', pushed)
  const open = parts.blobs.open.bind(parts.blobs)
  Object.assign(parts.blobs, {
    open: async (asked: Digest) => Object.assign((await open(asked)) ?? {}, { bytes: bytes.subarray(1) }),
  })
  const found = await registry.findBlob('team/app', digest, { asker: ASKER })
  const reader = await found.open()
  const into = Buffer.alloc(100)
  assert.equal(into.toString('utf8', 0, await reader.read(into, 0)), bytes.toString())
})

test('uploads: nobody pushes to a cached repository, mounts into it, or deletes from it', async () => {
  await using rules = await openTestRules()
  const { registry, catalog } = rules
  const digest = await rules.push('team/app', 'hello')
  await catalog.write('setRepositoryKind', { repository: 'team/app', kind: 'cached' })
  await assert.rejects(registry.uploads.begin('team/app', ANN, 'sha256'), { kind: 'unsupported' })
  await assert.rejects(registry.uploads.mount('team/app', digest, { caller: ANN }), { kind: 'unsupported' })
  await assert.rejects(registry.deleteBlob('team/app', digest), { kind: 'unsupported' })
  await assert.rejects(registry.deleteManifest('team/app', '1'), { kind: 'unsupported' })
  const push = { reference: '1', tags: [], bytes: Buffer.from('{}'), contentType: 'application/x' }
  await assert.rejects(registry.putManifest('team/app', push), { kind: 'unsupported' })
})

test('uploads: where the bytes are stored and their row fails, the session is unknown, and a new one stores it', async () => {
  // Its bytes move: what is in memory could be committed twice.
  const blobs = await temporaryStore()
  await using rules = await openTestRules({ blobs })
  const { registry, catalog } = rules
  const { id } = await registry.uploads.begin('team/app', ANYONE, 'sha256')
  const key = { id, repository: 'team/app', caller: ANYONE }
  const write = catalog.write.bind(catalog)
  const failing: Catalog['write'] = (name, data) =>
    name === 'commitBlob' ? Promise.reject(new Error('EIO')) : write(name, data)
  Object.assign(catalog, { write: failing })
  await assert.rejects(registry.uploads.finish(key, digestOf('hello'), { body: bodyOf('hello') }), /EIO/)
  Object.assign(catalog, { write })
  await assert.rejects(registry.uploads.finish(key, digestOf('hello'), { body: bodyOf() }), { kind: 'upload-unknown' })
  await assert.rejects(registry.findBlob('team/app', digestOf('hello'), { asker: ASKER }), { kind: 'blob-unknown' })
  await rules.push('team/app', 'hello')
  assert.equal((await registry.findBlob('team/app', digestOf('hello'), { asker: ASKER, promisedTo: ANN })).size, 5)
})

for (const [what, text, ended] of [
  ['a blob that is stored is no failure', 'hello', undefined],
  ['wrong bytes are what the client is told of', 'other', { kind: 'digest-invalid' }],
] as const) {
  test(`${what}, though the end of its session cannot be noted; and that session is unknown`, async () => {
    await using rules = await openTestRules()
    const { registry, catalog } = rules
    const { id } = await registry.uploads.begin('team/app', ANYONE, 'sha256')
    const write = catalog.write.bind(catalog)
    const failing: Catalog['write'] = (name, data) =>
      name === 'endUpload' ? Promise.reject(new Error('EIO')) : write(name, data)
    Object.assign(catalog, { write: failing })
    const key = { id, repository: 'team/app', caller: ANYONE }
    const finishing = registry.uploads.finish(key, digestOf('hello'), { body: bodyOf(text) })
    if (ended === undefined) await finishing
    else await assert.rejects(finishing, ended)
    await assert.rejects(registry.uploads.status(key), { kind: 'upload-unknown' })
    await assert.rejects(registry.uploads.finish(key, digestOf('hello'), { body: bodyOf('') }), {
      kind: 'upload-unknown',
    })
  })
}
