import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlobWrite } from '../../../src/blobs/blob-store.ts'
import type { Refusal } from '../../../src/oci/refusal.ts'
import { receive } from '../../../src/registry/receive.ts'

const MIB = 1024 * 1024

/** Records how many bytes each append took. */
function recorder(fail = false) {
  const appended: number[] = []
  const write = {
    get size() {
      return appended.reduce((sum, bytes) => sum + bytes, 0)
    },
    append: async (chunks: readonly Uint8Array[]) => {
      if (fail) throw new Error('disk')
      appended.push(chunks.reduce((sum, { length }) => sum + length, 0))
    },
  }
  return { appended, write: write as unknown as BlobWrite }
}

async function* chunks(size: number, count: number, end?: Error) {
  for (let index = 0; index < count; index += 1) yield new Uint8Array(size)
  if (end !== undefined) throw end
}

test('receive: each piece is written before the next is asked for, because it may be overwritten then', async () => {
  const events: string[] = []
  const write = { size: 0, append: async () => void events.push('written') } as unknown as BlobWrite
  async function* body() {
    for (let piece = 0; piece < 2; piece += 1) {
      events.push('asked')
      yield new Uint8Array(1)
    }
  }
  await receive(write, body())
  assert.deepEqual(events, ['asked', 'written', 'asked', 'written'])
})

test('receive: what came before the client left is kept, and the leaving is told', async () => {
  const { appended, write } = recorder()
  await assert.rejects(receive(write, chunks(1000, 3, new Error('client left'))), /client left/)
  assert.deepEqual(appended, [1000, 1000, 1000])
})

test('receive: a chunk that is longer than it said is cut there, and refused', async () => {
  const { appended, write } = recorder()
  await assert.rejects(
    receive(write, chunks(1000, 3), 2500),
    ({ kind, facts }: Refusal) => kind === 'size-invalid' && facts.received === 2500,
  )
  assert.deepEqual(appended, [1000, 1000, 500])
})

test('receive: a chunk that is shorter than it said is refused, and kept', async () => {
  const { appended, write } = recorder()
  await assert.rejects(receive(write, chunks(1000, 2), 2500), { kind: 'size-invalid' })
  assert.deepEqual(appended, [1000, 1000])
})

test('receive: a disk that fails is told', async () => {
  await assert.rejects(receive(recorder(true).write, chunks(MIB, 3)), /disk/)
})
