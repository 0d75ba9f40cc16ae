import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { startWriter } from '../../../src/app/writer.ts'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { openReads } from '../../../src/catalog/sqlite-reads.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const HELLO = digestOf('hello')

test('writer thread: what it wrote is read here when its answer comes', async () => {
  await using folder = await temporaryFolder()
  await using writer = await startWriter({ root: folder.path, catalogFile: folder.at('catalog.db') })
  await using catalog = openReads(folder.at('catalog.db'), writer.write)
  await catalog.write('commitBlob', { repository: 'team/app', digest: HELLO, size: 5 })
  assert.equal(await catalog.blobSize('team/app', HELLO), 5)
})

test('writer thread: it moves a file to its place, below folders that it makes', async () => {
  await using folder = await temporaryFolder()
  await using writer = await startWriter({ root: folder.path, catalogFile: folder.at('catalog.db') })
  writeFileSync(folder.at('from'), 'hello')
  await writer.publish(folder.at('from'), folder.at('a/b/to'))
  assert.equal(readFileSync(folder.at('a/b/to'), 'utf8'), 'hello')
  assert.equal(existsSync(folder.at('from')), false)
})

test('writer thread: an error crosses with the code of the system', async () => {
  await using folder = await temporaryFolder()
  await using writer = await startWriter({ root: folder.path, catalogFile: folder.at('catalog.db') })
  await assert.rejects(writer.publish(folder.at('absent'), folder.at('to')), { code: 'ENOENT' })
})

test('writer thread: what was asked before the end is done before the end', async () => {
  await using folder = await temporaryFolder()
  const writer = await startWriter({ root: folder.path, catalogFile: folder.at('catalog.db') })
  const write = writer.write('commitBlob', { repository: 'team/app', digest: HELLO, size: 5 })
  await writer[Symbol.asyncDispose]()
  await write
  await assert.rejects(writer.write('deleteTag', { repository: 'team/app', tag: '1' }), /writer thread has ended/)
})

test('writer thread: a catalog of a newer program keeps it from starting, and the operator is told why', async () => {
  await using folder = await temporaryFolder()
  const database = new DatabaseSync(folder.at('catalog.db'))
  database.exec('pragma user_version = 9999')
  database.close()
  await assert.rejects(
    startWriter({ root: folder.path, catalogFile: folder.at('catalog.db') }),
    (error: Error) => error instanceof OperatorError && error.message.includes('9999') && error.hint !== undefined,
  )
})
