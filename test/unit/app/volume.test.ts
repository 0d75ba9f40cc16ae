import assert from 'node:assert/strict'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { openVolume } from '../../../src/app/volume.ts'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

test('volume: a new folder becomes one, closed to other users, and says that it is one', async () => {
  await using folder = await temporaryFolder()
  await using volume = await openVolume({ rootdirectory: folder.at('new'), mustexist: false })
  assert.equal(statSync(`${volume.root}/homeport`).mode & 0o777, 0o700)
  assert.ok(statSync(`${volume.root}/homeport/volume`).isFile())
})

test('volume: a second holder is told who has it; after the first has let go it comes in', async () => {
  await using folder = await temporaryFolder()
  const options = { rootdirectory: folder.path, mustexist: false }
  const first = await openVolume(options)
  await assert.rejects(
    openVolume(options),
    (error: Error) => error instanceof OperatorError && error.message.includes(String(process.pid)),
  )
  await first[Symbol.asyncDispose]()
  await (await openVolume(options))[Symbol.asyncDispose]()
})

test('volume: where it must exist, an empty folder is refused, and stays empty', async () => {
  await using folder = await temporaryFolder()
  const options = { rootdirectory: folder.at('mount'), mustexist: true }
  mkdirSync(options.rootdirectory)
  await assert.rejects(
    openVolume(options),
    (error: Error) => error instanceof OperatorError && /is the disk mounted/.test(error.message),
  )
  await assert.rejects(async () => statSync(folder.at('mount/homeport')), { code: 'ENOENT' })
})

test("volume: where it must exist, one of ours and one of registry:2's will do", async () => {
  await using folder = await temporaryFolder()
  const ours = { rootdirectory: folder.at('ours'), mustexist: false }
  await (await openVolume(ours))[Symbol.asyncDispose]()
  await (await openVolume({ ...ours, mustexist: true }))[Symbol.asyncDispose]()
  mkdirSync(folder.at('theirs/docker/registry/v2'), { recursive: true })
  await (await openVolume({ rootdirectory: folder.at('theirs'), mustexist: true }))[Symbol.asyncDispose]()
})

test('volume: a folder that cannot be made is told with the remedy', async () => {
  await using folder = await temporaryFolder()
  writeFileSync(folder.at('file'), '')
  await assert.rejects(
    openVolume({ rootdirectory: folder.at('file/below'), mustexist: false }),
    (error: Error) => error instanceof OperatorError && error.hint !== undefined,
  )
})

test('volume: what keeps a folder from being made is told, and not that it is missing', async () => {
  // The kernel makes no folder there, for root neither.
  await assert.rejects(openVolume({ rootdirectory: '/sys/none', mustexist: false }), {
    message: /^The data folder '\/sys\/none\/homeport' cannot be made: E(PERM|ACCES|ROFS): .*'\/sys\/none'/,
  })
})
