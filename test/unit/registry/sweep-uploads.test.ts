import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { FsBlobStore } from '../../../src/blobs/fs-blob-store.ts'
import type { Swept } from '../../../src/registry/sweep-uploads.ts'
import { type TemporaryFolder, temporaryFolder } from '../../helpers/temporary.ts'
import { ANYONE, bodyOf, openTestRules } from '../../helpers/test-rules.ts'

const DAY = 24 * 60 * 60 * 1000
const AGE = 7 * DAY
const NOW = 100 * DAY

test('sweep: a session past its age goes with its file; one that got bytes since stays', async () => {
  await using swept = await uploads()
  const old = await swept.begin(NOW - AGE)
  const kept = await swept.begin(NOW - AGE)
  swept.touch(kept, NOW - AGE + 1)
  assert.deepEqual(await swept.sweep(), [{ id: old, size: 5, what: 'upload' }])
  assert.deepEqual(swept.files(), [kept])
  await assert.rejects(swept.status(old), { kind: 'upload-unknown' })
  assert.equal((await swept.status(kept)).received, 5)
})

test('sweep: a dry run tells the same, and takes nothing', async () => {
  await using swept = await uploads()
  const old = await swept.begin(NOW - AGE)
  swept.leave('manifest-1', NOW - DAY)
  const told = await swept.sweep({ dryRun: true })
  assert.deepEqual(told.map(({ id }) => id).sort(), [old, 'manifest-1'].sort())
  assert.deepEqual(swept.files(), [old, 'manifest-1'].sort())
  assert.equal((await swept.status(old)).received, 5)
})

test('sweep: what crashes left goes after a day, whatever its name; what is younger stays', async () => {
  await using swept = await uploads()
  for (const name of ['manifest-1', 'some-id', 'some-id.replaced']) swept.leave(name, NOW - DAY)
  swept.leave('manifest-2', NOW - DAY + 1)
  const told = await swept.sweep()
  assert.deepEqual(told.map(({ id, what }) => `${id} ${what}`).sort(), [
    'manifest-1 leftover',
    'some-id leftover',
    'some-id.replaced leftover',
  ])
  assert.deepEqual(swept.files(), ['manifest-2'])
})

test('sweep: a session that lost its file ends', async () => {
  await using swept = await uploads()
  const id = await swept.begin(NOW - AGE)
  await swept.blobs.drop(id)
  assert.deepEqual(await swept.sweep(), [{ id, size: 0, what: 'upload' }])
  assert.deepEqual(await swept.rules.catalog.uploads({ limit: 10 }), [])
})

test('sweep: what a request is at work on is never taken', async () => {
  await using swept = await uploads()
  const id = await swept.begin(NOW - AGE)
  const gate = Promise.withResolvers<void>()
  const reading = Promise.withResolvers<void>()
  async function* slow() {
    reading.resolve()
    await gate.promise
    yield Buffer.from('more')
  }
  const appending = swept.rules.registry.uploads.append({ id, repository: 'a', caller: ANYONE }, { body: slow() })
  await reading.promise
  swept.touch(id, NOW - AGE)
  assert.deepEqual(await swept.sweep(), [])
  gate.resolve()
  assert.equal((await appending).received, 9)

  swept.touch(id, NOW - AGE)
  assert.deepEqual(
    (await swept.sweep()).map(({ what }) => what),
    ['upload'],
    'it rests, and goes',
  )
})

/** The rules over files, and a clock that the test sets. */
async function uploads() {
  const folder: TemporaryFolder = await temporaryFolder()
  const blobs = new FsBlobStore({ root: folder.path, publish: async () => undefined })
  const rules = await openTestRules({ blobs })
  const home = folder.at('homeport/uploads')
  mkdirSync(home, { recursive: true })
  const touch = (name: string, at: number) => utimesSync(`${home}/${name}`, at / 1_000, at / 1_000)
  return {
    rules,
    blobs,
    touch,
    /** Begins an upload of 5 bytes at that moment. */
    async begin(at: number): Promise<string> {
      rules.clock.now = at
      const { id } = await rules.registry.uploads.begin('a', ANYONE, 'sha256')
      await rules.registry.uploads.append({ id, repository: 'a', caller: ANYONE }, { body: bodyOf('hello') })
      touch(id, at)
      return id
    },
    leave(name: string, at: number): void {
      writeFileSync(`${home}/${name}`, 'left')
      touch(name, at)
    },
    async sweep({ dryRun = false } = {}): Promise<Swept[]> {
      const told: Swept[] = []
      for await (const each of rules.registry.uploads.sweep({ now: NOW, age: AGE, dryRun })) told.push(each)
      return told
    },
    status: (id: string) => rules.registry.uploads.status({ id, repository: 'a', caller: ANYONE }),
    files: () => readdirSync(home).sort(),
    async [Symbol.asyncDispose]() {
      await rules[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}
