import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FillBytes } from '../../../src/registry/fill-bytes.ts'
import type { FillStore } from '../../../src/registry/fill-store.ts'
import { PageMemory } from '../../../src/registry/fill-window.ts'

test('bytes of a download: one that is given up while it is written ends, whatever it has that is not', async () => {
  const appended = Promise.withResolvers<void>()
  const written = Promise.withResolvers<void>()
  const store = {
    size: 0,
    async append([chunk]: readonly Uint8Array[]) {
      appended.resolve()
      await written.promise
      this.size += chunk?.length ?? 0
    },
    drop: async () => {},
  }
  const bytes = new FillBytes(store as unknown as FillStore, {
    ...{ memory: new PageMemory(), algorithm: 'sha256', sleep: async () => {} },
    ...{ floor: () => 0, foremost: () => undefined, lost: (error: unknown) => assert.fail(String(error)) },
  })
  await bytes.take(Buffer.alloc(100))
  await appended.promise
  await bytes.take(Buffer.alloc(100))
  const closed = bytes.close(false)
  written.resolve()
  await closed
  await bytes.flush()
  assert.equal(store.size, 100)
})
