import assert from 'node:assert/strict'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { VerifiedWrite, type VerifiedWriteOptions } from '../../../src/blobs/verified-write.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { type TemporaryFolder, temporaryFolder } from '../../helpers/temporary.ts'

const HELLO = digestOf('hello')

/** What one call does: takes some bytes only (all, or where it fails none), and fails then. */
interface Fault {
  readonly takes?: number
  readonly fails?: string
}

/** A file whose `writev` does what `faults` say, one each call, and `truncate` what `truncates` say. */
async function faultyFile(folder: TemporaryFolder, faults: Fault[], truncates: Fault[] = []) {
  const path = folder.at('file')
  const file = await open(path, 'wx+')
  const seen = { writev: 0, read: 0 }
  const faulty: Pick<FileHandle, 'read' | 'writev' | 'truncate' | 'close'> = {
    read: ((...given: Parameters<FileHandle['read']>) => {
      seen.read += 1
      return file.read(...given)
    }) as FileHandle['read'],
    async writev(buffers, position) {
      seen.writev += 1
      const { takes, fails } = faults.shift() ?? {}
      const bytes = Buffer.concat(buffers as unknown as Uint8Array[])
      const written = Math.min(takes ?? (fails === undefined ? bytes.length : 0), bytes.length)
      const result = await file.write(bytes, 0, written, position)
      if (fails !== undefined) throw Object.assign(new Error(`${fails}: made up`), { code: fails })
      return { bytesWritten: result.bytesWritten, buffers }
    },
    async truncate(length) {
      const { fails } = truncates.shift() ?? {}
      if (fails !== undefined) throw Object.assign(new Error(`${fails}: made up`), { code: fails })
      await file.truncate(length)
    },
    close: () => file.close(),
  }
  return { path, file: faulty as FileHandle, seen }
}

function writeOn(
  { path, file }: { path: string; file: FileHandle },
  options: Partial<VerifiedWriteOptions> = {},
): VerifiedWrite {
  return new VerifiedWrite({
    file,
    path,
    size: 0,
    hashing: 'sha256',
    publish: async () => {},
    makeDurable: async () => {},
    doubted: false,
    settled: () => {},
    ...options,
  })
}

test('a write that the system takes in pieces is written whole', async () => {
  await using folder = await temporaryFolder()
  const faulty = await faultyFile(folder, [{ takes: 1 }, { takes: 2 }, { takes: 1 }])
  const write = writeOn(faulty)
  await write.append([Buffer.from('he'), Buffer.from(''), Buffer.from('llo')])
  assert.equal(await readFile(faulty.path, 'utf8'), 'hello')
  assert.equal(write.size, 5)
  await write.commit(HELLO)
  await write.close()
})

test('chunks are one write, and a commit of what was hashed on its way reads nothing', async () => {
  await using folder = await temporaryFolder()
  const faulty = await faultyFile(folder, [])
  const write = writeOn(faulty)
  await write.append(['h', 'e', 'l', 'l', 'o'].map((letter) => Buffer.from(letter)))
  await write.commit(HELLO)
  assert.deepEqual(faulty.seen, { writev: 1, read: 0 })
  await write.close()
})

for (const truncates of [[], [{ fails: 'EIO' }]]) {
  const cut = truncates.length === 0 ? 'is cut back' : 'cannot be cut back at once'
  test(`a write that a full disk stopped in the middle ${cut}, counts nothing of it, and goes on`, async () => {
    await using folder = await temporaryFolder()
    const faulty = await faultyFile(folder, [{}, { takes: 9 }, { takes: 9, fails: 'ENOSPC' }], [...truncates])
    const write = writeOn(faulty)
    await write.append([Buffer.from('hel')])
    await assert.rejects(write.append([Buffer.from('x'.repeat(20))]), { code: 'ENOSPC' })
    assert.equal(write.size, 3)
    if (truncates.length === 0) assert.equal(await readFile(faulty.path, 'utf8'), 'hel')
    await write.append([Buffer.from('lo')])
    await write.commit(HELLO)
    assert.equal(await readFile(faulty.path, 'utf8'), 'hello')
    await write.close()
  })
}

test('what a failed write left behind the end is no part of the blob', async () => {
  await using folder = await temporaryFolder()
  const faulty = await faultyFile(folder, [{}, { takes: 9, fails: 'ENOSPC' }], [{ fails: 'EIO' }])
  const write = writeOn(faulty)
  await write.append([Buffer.from('hello')])
  await assert.rejects(write.append([Buffer.from('x'.repeat(20))]), { code: 'ENOSPC' })
  await write.commit(HELLO)
  assert.equal(await readFile(faulty.path, 'utf8'), 'hello')
  await write.close()
})

test('a sync may have lost bytes that the system takes for written: a second commit writes them again', async () => {
  await using folder = await temporaryFolder()
  const faulty = await faultyFile(folder, [])
  const failures = [new Error('EIO')]
  const write = writeOn(faulty, {
    async publish() {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
    },
  })
  await write.append([Buffer.from('hello')])
  await assert.rejects(write.commit(HELLO), /EIO/)
  assert.deepEqual(faulty.seen, { writev: 1, read: 0 })
  await write.commit(HELLO)
  assert.deepEqual(faulty.seen, { writev: 2, read: 1 })
  await write.close()
})

test('a write that is doubted from the start is written again by its first commit, and by each later one', async () => {
  await using folder = await temporaryFolder()
  const faulty = await faultyFile(folder, [])
  const write = writeOn(faulty, { doubted: true })
  await write.append([Buffer.from('hello')])
  await write.commit(HELLO)
  assert.deepEqual(faulty.seen, { writev: 2, read: 1 })
  await write.close()
})

test('bytes that were lost after a failed sync are noticed by a second commit', async () => {
  await using folder = await temporaryFolder()
  const faulty = await faultyFile(folder, [])
  const write = writeOn(faulty, { publish: () => Promise.reject(new Error('EIO')) })
  await write.append([Buffer.from('hello')])
  await assert.rejects(write.commit(HELLO), /EIO/)
  const rot = await open(faulty.path, 'r+')
  await rot.write('H', 0)
  await rot.close()
  await assert.rejects(write.commit(HELLO), { kind: 'digest-invalid' })
})

for (const [after, end] of [
  ['put down', (write: VerifiedWrite) => write.close()],
  ['aborted', (write: VerifiedWrite) => write.abort()],
  ['committed', (write: VerifiedWrite) => write.commit(HELLO)],
] as const) {
  test(`a write that was ${after} takes nothing more`, async () => {
    await using folder = await temporaryFolder()
    const write = writeOn(await faultyFile(folder, []))
    await write.append([Buffer.from('hello')])
    await end(write)
    await assert.rejects(write.append([Buffer.from('x')]), new RegExp(`was ${after}`))
    await assert.rejects(write.commit(HELLO), new RegExp(`was ${after}`))
    await write.close()
  })
}

test('what its caller has hashed is not read again', async () => {
  await using folder = await temporaryFolder()
  const faulty = await faultyFile(folder, [])
  const write = writeOn(faulty, { hashing: 'by-caller' })
  await write.append([Buffer.from('hello')])
  await write.commit(HELLO, HELLO)
  assert.deepEqual(faulty.seen, { writev: 1, read: 0 })
  await write.close()
})

test('after a sync that failed nobody is believed, and all is written again', async () => {
  await using folder = await temporaryFolder()
  const faulty = await faultyFile(folder, [])
  const write = writeOn(faulty, { hashing: 'by-caller', makeDurable: () => Promise.reject(new Error('EIO')) })
  await write.append([Buffer.from('hello')])
  await assert.rejects(write.mark(), /EIO/)
  await write.commit(HELLO, HELLO)
  assert.deepEqual(faulty.seen, { writev: 2, read: 1 })
  await write.close()
})
