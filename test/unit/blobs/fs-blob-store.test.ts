import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { BlobStat, BlobWrite } from '../../../src/blobs/blob-store.ts'
import { FsBlobStore } from '../../../src/blobs/fs-blob-store.ts'
import { blobStoreContract } from '../../contracts/blob-store.contract.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { type TemporaryStore, temporaryStore } from './temporary-store.ts'

blobStoreContract('FsBlobStore', temporaryStore)

const HELLO = digestOf('hello')
const HELLO_HEX = HELLO.slice('sha256:'.length)
const HELLO_FILE = `docker/registry/v2/blobs/sha256/2c/${HELLO_HEX}/data`

async function begin(store: FsBlobStore, id = 'a-write', text = 'hello'): Promise<BlobWrite> {
  const write = await store.begin(id)
  await write.append([Buffer.from(text)])
  return write
}

async function put(store: FsBlobStore): Promise<void> {
  const write = await begin(store)
  await write.commit(HELLO)
  await write.close()
}

/** Puts a file where a blob would be. */
async function place(store: TemporaryStore, path: string, text = 'foreign'): Promise<string> {
  const file = store.folder.at('docker/registry/v2/blobs', path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}

async function listed(store: FsBlobStore): Promise<BlobStat[]> {
  const found: BlobStat[] = []
  for await (const blob of store.list()) found.push(blob)
  return found
}

const uploads = (store: TemporaryStore) => readdirSync(store.folder.at('homeport/uploads'))

test('a blob lies where registry:2 looks for it, and nothing is left of its write', async () => {
  await using store = await temporaryStore()
  await put(store)
  assert.equal(await readFile(store.folder.at(HELLO_FILE), 'utf8'), 'hello')
  assert.deepEqual(uploads(store), [])
})

test('a write lies among the uploads, as long as it has come', async () => {
  await using store = await temporaryStore()
  const write = await begin(store, 'a-write', 'hel')
  assert.equal(await readFile(store.folder.at('homeport/uploads/a-write'), 'utf8'), 'hel')
  await write.abort()
  assert.deepEqual(uploads(store), [])
})

for (const id of ['', '.', '..', '../x', 'a/b', 'a.b', 'a\0b', 'ä', 'x'.repeat(65)]) {
  test(`'${id.replace('\0', '\\0')}' names no write`, async () => {
    await using store = await temporaryStore()
    await assert.rejects(store.begin(id), /cannot name a write/)
    assert.equal(await store.resume(id), undefined)
  })
}

test('an old file among the uploads is never taken for a new write, nor cut', async () => {
  await using store = await temporaryStore()
  await (await begin(store)).close()
  await assert.rejects(store.begin('a-write'), { code: 'EEXIST' })
  assert.equal(await readFile(store.folder.at('homeport/uploads/a-write'), 'utf8'), 'hello')
})

test('a commit heals a rotten file', async () => {
  await using store = await temporaryStore()
  await put(store)
  await writeFile(store.folder.at(HELLO_FILE), 'rotten')
  await put(store)
  assert.equal(await readFile(store.folder.at(HELLO_FILE), 'utf8'), 'hello')
})

test('a commit whose file cannot be published shows nothing, and can be tried again', async () => {
  await using store = await temporaryStore()
  const write = await begin(store)
  store.failures.push(Object.assign(new Error('no room'), { code: 'ENOSPC' }))
  await assert.rejects(write.commit(HELLO), { code: 'ENOSPC' })
  assert.equal(await store.stat(HELLO), undefined)
  assert.deepEqual(await listed(store), [])
  await write.commit(HELLO)
  await write.close()
  assert.equal(await readFile(store.folder.at(HELLO_FILE), 'utf8'), 'hello')
})

test('after a commit that failed, more may come', async () => {
  await using store = await temporaryStore()
  const write = await begin(store, 'a-write', 'hel')
  store.failures.push(new Error('no room'))
  await assert.rejects(write.commit(digestOf('hel')), /no room/)
  await write.append([Buffer.from('lo')])
  await write.commit(HELLO)
  await write.close()
})

test('a delete takes the blob’s own folder, and leaves what else lies in it', async () => {
  await using store = await temporaryStore()
  await put(store)
  assert.equal(await store.delete(HELLO), true)
  assert.equal(existsSync(store.folder.at(HELLO_FILE, '..')), false)
  assert.equal(existsSync(store.folder.at(HELLO_FILE, '../..')), true)

  await put(store)
  const foreign = await place(store, `sha256/2c/${HELLO_HEX}/notes`)
  assert.equal(await store.delete(HELLO), true)
  assert.equal(existsSync(foreign), true)
})

test('what is no file is no blob', async () => {
  await using store = await temporaryStore()
  const path = store.folder.at(HELLO_FILE)
  const elsewhere = await place(store, 'secret', 'hello')
  for (const make of [
    () => mkdir(path),
    () => symlink(elsewhere, path),
    () => symlink(join(path, 'nowhere'), path),
    async () => execFileSync('mkfifo', [path]),
  ]) {
    await mkdir(dirname(path), { recursive: true })
    await make()
    assert.equal(await store.stat(HELLO), undefined)
    assert.equal(await store.open(HELLO), undefined)
    assert.equal(await store.delete(HELLO), false)
    assert.deepEqual(await listed(store), [])
    await rm(dirname(path), { recursive: true })
  }
  await writeFile(dirname(path), 'a file where the folder would be')
  assert.equal(await store.stat(HELLO), undefined)
  assert.equal(await store.open(HELLO), undefined)
})

test('a link among the uploads is no write', async () => {
  await using store = await temporaryStore()
  await put(store)
  await symlink(store.folder.at(HELLO_FILE), store.folder.at('homeport/uploads/a-write'))
  assert.equal(await store.resume('a-write'), undefined)
})

test('a list passes by what is no blob', async () => {
  await using store = await temporaryStore()
  await put(store)
  await place(store, 'sha256/lost+found')
  await place(store, 'sha256/2c/short/data')
  await place(store, `sha256/ff/${HELLO_HEX}/data`)
  await place(store, `sha256/2/${HELLO_HEX}/data`)
  await place(store, `sha256/2c/${HELLO_HEX.toUpperCase()}/data`)
  await place(store, `sha256/00/${'0'.repeat(64)}/other`)
  await place(store, `md5/00/${'0'.repeat(32)}/data`)
  assert.deepEqual(await listed(store), [{ digest: HELLO, size: 5 }])
})

test('a reader of a file that was cut throws, and does not end as if it were whole', async () => {
  await using store = await temporaryStore()
  await put(store)
  const reader = await store.open(HELLO)
  await truncate(store.folder.at(HELLO_FILE), 3)
  assert.equal(await reader?.read(Buffer.alloc(8), 0), 3)
  await assert.rejects(async () => reader?.read(Buffer.alloc(8), 3), /ends before byte 3/)
  await reader?.close()
})

test('the folder of the volume is never made', async () => {
  await using store = await temporaryStore()
  const root = store.folder.at('not-mounted')
  const lost = new FsBlobStore({ root, publish: () => Promise.reject(new Error('not asked for')) })
  await assert.rejects(lost.begin('a-write'), { code: 'ENOENT' })
  assert.equal(existsSync(root), false)
  assert.equal(await lost.stat(HELLO), undefined)
})

test('two folders of what is coming in do not know each other', async () => {
  await using store = await temporaryStore()
  const publish = () => Promise.reject(new Error('not asked for'))
  const fills = new FsBlobStore({ root: store.folder.path, publish, incoming: 'homeport/fills' })
  await (await fills.begin('a-write')).close()
  assert.equal(await store.resume('a-write'), undefined)
  assert.deepEqual(readdirSync(store.folder.at('homeport/fills')), ['a-write'])
})
