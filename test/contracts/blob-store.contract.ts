import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, it } from 'node:test'
import type { BlobReader, BlobStat, BlobStore, BlobWrite, WriteStat } from '../../src/blobs/blob-store.ts'
import type { Algorithm } from '../../src/oci/digest.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'

const HELLO = digestOf('hello')

/**
 * What every `BlobStore` must do. A store's own test file calls this once and
 * adds only what is special to that store.
 */
export function blobStoreContract(name: string, open: () => Promise<BlobStore>): void {
  describe(`${name} keeps the BlobStore contract`, () => {
    it('gives back what was committed', async () => {
      await using store = await open()
      assert.deepEqual(await put(store, 'hello'), { digest: HELLO, size: 5 })
      assert.deepEqual(await store.stat(HELLO), { digest: HELLO, size: 5 })
      assert.equal(await stored(store, 'hello'), 'hello')
    })

    it('says undefined of what is not stored', async () => {
      await using store = await open()
      assert.equal(await store.stat(HELLO), undefined)
      assert.equal(await store.open(HELLO), undefined)
      assert.equal(await store.resume('a-write'), undefined)
    })

    it('shows nothing before the commit', async () => {
      await using store = await open()
      const write = await begin(store, 'a-write', 'hello')
      assert.equal(await store.stat(HELLO), undefined)
      assert.equal(await store.open(HELLO), undefined)
      assert.deepEqual(await listed(store), [])
      await write.abort()
    })

    it('refuses bytes that do not hash to the digest, and keeps none of them', async () => {
      await using store = await open()
      const write = await begin(store, 'a-write', 'hellO')
      await assert.rejects(write.commit(HELLO), { name: 'Refusal', kind: 'digest-invalid' })
      assert.equal(await store.stat(HELLO), undefined)
      assert.equal(await store.resume('a-write'), undefined)
      await write.close()
      await write.abort()
    })

    it('stores nothing at all, under the digest of nothing', async () => {
      await using store = await open()
      await put(store, '')
      assert.deepEqual(await store.stat(digestOf('')), { digest: digestOf(''), size: 0 })
      assert.equal(await stored(store, ''), '')
    })

    it('takes an append of no bytes', async () => {
      await using store = await open()
      const write = await begin(store, 'a-write', 'hello')
      await write.append([])
      await write.append([Buffer.alloc(0)])
      assert.equal(write.size, 5)
      await commit(write, 'hello')
    })

    for (const [computed, asked] of [
      ['sha256', 'sha512'],
      ['sha512', 'sha256'],
      ['sha512', 'sha512'],
    ] as const) {
      it(`commits under ${asked} what came for ${computed}`, async () => {
        await using store = await open()
        const write = await begin(store, 'a-write', 'hello', computed)
        await commit(write, 'hello', asked)
        assert.equal(await stored(store, 'hello', asked), 'hello')
        assert.equal((await store.stat(digestOf('hello', asked)))?.size, 5)
      })
    }

    it('refuses a wrong digest of the other algorithm', async () => {
      await using store = await open()
      const write = await begin(store, 'a-write', 'hellO')
      await assert.rejects(write.commit(digestOf('hello', 'sha512')), { kind: 'digest-invalid' })
      assert.equal(await store.resume('a-write'), undefined)
    })

    it('rejects a write whose id is taken, and leaves the first alone', async () => {
      await using store = await open()
      const write = await begin(store, 'a-write', 'hel')
      await assert.rejects(store.begin('a-write'))
      await write.append([Buffer.from('lo')])
      await commit(write, 'hello')
    })

    it('picks a write up where it was put down, as often as it takes', async () => {
      await using store = await open()
      await (await begin(store, 'a-write', 'h')).close()
      for (const [index, letter] of [...'ello'].entries()) {
        const write = await resume(store, 'a-write')
        assert.equal(write.size, index + 1)
        await write.append([Buffer.from(letter)])
        await write.close()
      }
      await commit(await resume(store, 'a-write'), 'hello')
      assert.equal(await stored(store, 'hello'), 'hello')
    })

    it('picks up a write that has no byte yet', async () => {
      await using store = await open()
      await (await store.begin('a-write')).close()
      const write = await resume(store, 'a-write')
      assert.equal(write.size, 0)
      await write.append([Buffer.from('hello')])
      await commit(write, 'hello')
    })

    it('refuses wrong bytes before the place where a write was picked up', async () => {
      await using store = await open()
      await (await begin(store, 'a-write', 'hEl')).close()
      const write = await resume(store, 'a-write')
      await write.append([Buffer.from('lo')])
      await assert.rejects(write.commit(HELLO), { kind: 'digest-invalid' })
    })

    it('keeps nothing of what was aborted', async () => {
      await using store = await open()
      await (await begin(store, 'a-write', 'hello')).abort()
      assert.equal(await store.resume('a-write'), undefined)
      assert.equal(await store.stat(HELLO), undefined)
      await commit(await begin(store, 'a-write', 'hello'), 'hello')
    })

    it('leaves a committed blob alone when its write is closed or aborted', async () => {
      await using store = await open()
      const write = await begin(store, 'a-write', 'hello')
      await write.commit(HELLO)
      await write.close()
      await write.abort()
      assert.equal(await stored(store, 'hello'), 'hello')
      assert.equal(await store.resume('a-write'), undefined)
    })

    it('believes who hashed himself what he appended', async () => {
      await using store = await open()
      const write = await store.begin('a-write', 'by-caller')
      await write.append([Buffer.from('hel')])
      await write.append([Buffer.from('lo')])
      await write.commit(HELLO, HELLO)
      await write.close()
      assert.equal(await stored(store, 'hello'), 'hello')
    })

    it('refuses what its caller hashed to something else, and keeps none of it', async () => {
      await using store = await open()
      const write = await store.begin('a-write', 'by-caller')
      await write.append([Buffer.from('hellO')])
      await assert.rejects(write.commit(HELLO, digestOf('hellO')), { kind: 'digest-invalid' })
      assert.equal(await store.stat(HELLO), undefined)
      assert.equal(await store.resume('a-write'), undefined)
    })

    for (const told of [HELLO, undefined]) {
      it(`reads what was put down, and what nobody hashed, told ${told === undefined ? 'nothing' : 'that it is right'}`, async () => {
        await using store = await open()
        const wrong = await store.begin('wrong', 'by-caller')
        await wrong.append([Buffer.from('hEl')])
        await wrong.close()
        const write = await store.resume('wrong', 'by-caller')
        assert.ok(write)
        await write.append([Buffer.from('lo')])
        await assert.rejects(write.commit(HELLO, told), { kind: 'digest-invalid' })
        const right = await store.begin('right', 'by-caller')
        await right.append([Buffer.from('hello')])
        await commit(right, 'hello')
      })
    }

    it('syncs what was appended, and goes on', async () => {
      await using store = await open()
      const write = await begin(store, 'a-write', 'hel')
      assert.equal(await write.mark(), 3)
      await write.append([Buffer.from('lo')])
      await commit(write, 'hello')
    })

    for (const keep of [0, 3, 5, 9]) {
      it(`cuts a write back to ${keep} bytes, and goes on from there`, async () => {
        await using store = await open()
        await (await begin(store, 'a-write', 'helXX')).close()
        const write = await resume(store, 'a-write')
        await write.append([])
        await write.truncate(keep)
        assert.equal(write.size, Math.min(keep, 5))
        assert.equal(await textOf(write), 'helXX'.slice(0, keep))
        await write.truncate(Math.min(keep, 3))
        await write.append([Buffer.from('hello'.slice(write.size))])
        await commit(write, 'hello')
        assert.equal(await stored(store, 'hello'), 'hello')
      })
    }

    it('cuts off what it has hashed already', async () => {
      await using store = await open()
      const write = await begin(store, 'a-write', 'helXX')
      await write.truncate(3)
      await write.append([Buffer.from('lo')])
      await commit(write, 'hello')
    })

    it('lets a write be read while it grows, and after the commit until it is closed', async () => {
      await using store = await open()
      const write = await begin(store, 'a-write', 'hel')
      assert.equal(await textOf(write), 'hel')
      assert.equal(await write.read(Buffer.alloc(8), 3), 0)
      await write.append([Buffer.from('l'), Buffer.from('o')])
      assert.equal(await textOf(write, 2), 'llo')
      await write.commit(HELLO)
      assert.equal(await textOf(write), 'hello')
      await write.close()
    })

    it('lets a write be read during an append', async () => {
      await using store = await open()
      const write = await begin(store, 'a-write', 'hello')
      const appending = write.append([seededBytes('more', 1024 * 1024)])
      assert.equal((await textOf(write)).slice(0, 5), 'hello')
      await appending
      assert.equal(write.size, 5 + 1024 * 1024)
      await write.abort()
    })

    it('lets two commit one digest at once', async () => {
      await using store = await open()
      const writes = await Promise.all(['one', 'two', 'three'].map((id) => begin(store, id, 'hello')))
      const stats = await Promise.all(writes.map((write) => write.commit(HELLO)))
      assert.deepEqual(
        stats,
        writes.map(() => ({ digest: HELLO, size: 5 })),
      )
      await Promise.all(writes.map((write) => write.close()))
      assert.equal(await stored(store, 'hello'), 'hello')
      assert.deepEqual(await listed(store), [{ digest: HELLO, size: 5 }])
    })

    it('goes on serving a blob to a reader while it is committed again, and deleted', async () => {
      await using store = await open()
      await put(store, 'hello')
      const reader = await openStored(store, 'hello')
      await put(store, 'hello')
      assert.equal(await textOf(reader), 'hello')
      await store.delete(HELLO)
      assert.equal(await textOf(reader), 'hello')
      await reader.close()
    })

    it('reads at any place, and no further than the end', async () => {
      await using store = await open()
      await put(store, 'hello')
      const reader = await openStored(store, 'hello')
      const into = Buffer.alloc(8)
      assert.equal(await reader.read(into, 3), 2)
      assert.equal(into.toString('latin1', 0, 2), 'lo')
      assert.equal(await reader.read(into.subarray(0, 1), 1), 1)
      assert.equal(into.toString('latin1', 0, 1), 'e')
      assert.equal(await reader.read(into, 5), 0)
      assert.equal(await reader.read(Buffer.alloc(0), 0), 0)
      await reader.close()
    })

    it('lets a reader be closed twice, and during a read', async () => {
      await using store = await open()
      const bytes = seededBytes('closed', 3 * 1024 * 1024)
      await put(store, bytes)
      const reader = await openStored(store, bytes)
      const into = Buffer.alloc(bytes.length)
      const reading = reader.read(into, 0).catch(() => 0)
      await reader.close()
      const seen = Buffer.from(into)
      await reading
      await reader.close()
      assert.equal(into.equals(seen), true, 'the buffer was touched after the close')
    })

    it('deletes once', async () => {
      await using store = await open()
      await put(store, 'hello')
      assert.equal(await store.delete(HELLO), true)
      assert.equal(await store.stat(HELLO), undefined)
      assert.equal(await store.open(HELLO), undefined)
      assert.equal(await store.delete(HELLO), false)
      await put(store, 'hello')
      assert.equal(await stored(store, 'hello'), 'hello')
    })

    it('lists every blob, of each algorithm, and no write', async () => {
      await using store = await open()
      const texts = ['one', 'two', 'three', '']
      for (const text of texts) await put(store, text)
      await commit(await begin(store, 'long', 'one'), 'one', 'sha512')
      const write = await begin(store, 'a-write', 'hello')
      const expected = [...texts.map((text) => digestOf(text)), digestOf('one', 'sha512')]
      assert.deepEqual((await listed(store)).map(({ digest }) => digest).sort(), expected.sort())
      await write.abort()
    })

    it('names every write that has not ended, with its size and when bytes last came', async () => {
      await using store = await open()
      const began = Date.now() - 1_000
      const going = await begin(store, 'going', 'hello')
      await (await begin(store, 'put-down', 'hel')).close()
      await commit(await begin(store, 'committed', 'hello'), 'hello')
      await (await begin(store, 'aborted', 'hello')).abort()
      const writes = (await writesOf(store)).sort((a, b) => (a.id < b.id ? -1 : 1))
      assert.deepEqual(
        writes.map(({ id, size }) => [id, size]),
        [
          ['going', 5],
          ['put-down', 3],
        ],
      )
      assert.ok(writes.every(({ changedAt }) => changedAt >= began && changedAt <= Date.now() + 1_000))
      await going.close()
    })

    it('drops a write that was put down, once', async () => {
      await using store = await open()
      await (await begin(store, 'put-down', 'hel')).close()
      assert.equal(await store.drop('put-down'), true)
      assert.equal(await store.drop('put-down'), false)
      assert.equal(await store.resume('put-down'), undefined)
      assert.deepEqual(await writesOf(store), [])
    })

    it('stores the same bytes however they are cut, put down and picked up', async (context) => {
      const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))
      context.diagnostic(`SEED=${seed}`)
      await using store = await open()
      const random = generator(seed)
      for (let round = 0; round < 12; round += 1) {
        const bytes = seededBytes(`${seed}/${round}`, random(200_000))
        let write = await store.begin(`write-${round}`)
        for (let at = 0; at < bytes.length; ) {
          const part = bytes.subarray(at, at + 1 + random(40_000))
          await write.append(chunksOf(part, random))
          at += part.length
          if (random(5) > 0) continue
          await write.close()
          write = await resume(store, `write-${round}`)
        }
        const algorithm = random(4) === 0 ? 'sha512' : 'sha256'
        await commit(write, bytes, algorithm)
        assert.equal((await stored(store, bytes, algorithm)) === bytes.toString('latin1'), true, `round ${round}`)
      }
    })
  })
}

async function begin(
  store: BlobStore,
  id: string,
  content: string | Uint8Array,
  algorithm?: Algorithm,
): Promise<BlobWrite> {
  const write = await store.begin(id, algorithm)
  await write.append([Buffer.from(content)])
  return write
}

async function resume(store: BlobStore, id: string): Promise<BlobWrite> {
  const write = await store.resume(id)
  assert.ok(write, `there is no write '${id}'`)
  return write
}

async function commit(write: BlobWrite, content: string | Uint8Array, algorithm?: Algorithm): Promise<BlobStat> {
  const stat = await write.commit(digestOf(content, algorithm))
  await write.close()
  return stat
}

async function put(store: BlobStore, content: string | Uint8Array): Promise<BlobStat> {
  return await commit(await begin(store, `put-${randomInt(2 ** 40)}`, content), content)
}

async function openStored(store: BlobStore, content: string | Uint8Array, algorithm?: Algorithm): Promise<BlobReader> {
  const reader = await store.open(digestOf(content, algorithm))
  assert.ok(reader, 'the blob is not stored')
  return reader
}

async function stored(store: BlobStore, content: string | Uint8Array, algorithm?: Algorithm): Promise<string> {
  const reader = await openStored(store, content, algorithm)
  try {
    return await textOf(reader)
  } finally {
    await reader.close()
  }
}

async function writesOf(store: BlobStore): Promise<WriteStat[]> {
  const found: WriteStat[] = []
  for await (const write of store.writes()) found.push(write)
  return found
}

async function listed(store: BlobStore): Promise<BlobStat[]> {
  const found: BlobStat[] = []
  for await (const blob of store.list()) found.push(blob)
  return found
}

/** All that can be read from a place on, as Latin-1. */
async function textOf(reader: BlobReader, from = 0): Promise<string> {
  const parts: Buffer[] = []
  for (let at = from; ; ) {
    const buffer = Buffer.alloc(64 * 1024)
    const length = await reader.read(buffer, at)
    if (length === 0) return Buffer.concat(parts).toString('latin1')
    parts.push(buffer.subarray(0, length))
    at += length
  }
}

function chunksOf(bytes: Uint8Array, random: (below: number) => number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = random(20_000)
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return chunks
}

/** Whole numbers below what is asked, the same for the same seed. */
function generator(seed: number): (below: number) => number {
  const bytes = seededBytes(`numbers of ${seed}`, 256 * 1024)
  let at = 0
  return (below) => {
    at = (at + 4) % bytes.length
    return bytes.readUInt32LE(at) % Math.max(below, 1)
  }
}
