import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '../../helpers/digest-of.ts'
import { type DiskCall, type DiskRule, diskFaults } from '../../helpers/disk-faults.ts'
import { needs } from '../../helpers/programs.ts'
import type { RegistryClient } from '../../helpers/registry-client.ts'
import { startServer } from '../../helpers/server.ts'

/** What stands behind one push of a blob, from libuv and from SQLite. */
const BEHIND_A_PUSH: readonly (DiskRule & { readonly calls: readonly [DiskCall] })[] = [
  { calls: ['create'], path: '/homeport/uploads/' },
  { calls: ['write'], path: '/homeport/uploads/' },
  { calls: ['fsync'], path: '/homeport/uploads/' },
  { calls: ['mkdir'], path: '/blobs/sha256' },
  { calls: ['rename'], path: '/blobs/sha256/' },
  { calls: ['fsync'], path: '/blobs/sha256/' },
  { calls: ['write'], path: '/catalog.db-wal' },
  { calls: ['fsync'], path: '/catalog.db-wal' },
]

test('each call behind a push can be made to fail, of Node and of SQLite, and is counted', needs('gcc'), async () => {
  await using disk = await diskFaults()
  await using server = await startServer({ data: disk.data, env: disk.env })
  using client = await server.client()
  for (const [index, rule] of BEHIND_A_PUSH.entries()) {
    const what = `${rule.calls} ${rule.path}`
    disk.set({ ...rule, error: 'EIO' })
    assert.ok((await push(client, index)) >= 500, `${what} failed, and the push did not`)
    assert.ok(disk.seen() > 0, `${what} was not counted`)
    disk.set()
    assert.equal(await push(client, index), 201, `${what} works again, and the push does not`)
  }
})

test('calls can be let through, made slow, and logged', needs('gcc'), async () => {
  await using disk = await diskFaults()
  await using server = await startServer({ data: disk.data, env: disk.env })
  using client = await server.client()
  disk.keepLog(true)
  disk.set(
    { calls: ['rename'], path: '/blobs/sha256/', error: 'ENOSPC', skip: 1, times: 1 },
    { calls: ['fsync'], path: '-wal', delay: 200 },
  )
  const begun = performance.now()
  assert.equal(await push(client, 1), 201)
  assert.ok((await push(client, 2)) >= 500)
  assert.equal(await push(client, 3), 201)
  assert.ok(performance.now() - begun > 400, 'two commits took less than their two syncs')

  const log = await disk.log()
  const errors = log
    .filter(({ call, path }) => call === 'rename' && path.includes('/blobs/sha256/'))
    .map(({ error }) => error)
  assert.deepEqual(errors.slice(0, 2), [0, 28])
  const written = log.find(({ call, path }) => call === 'write' && path.includes('/homeport/uploads/'))
  assert.deepEqual([written?.offset, written?.bytes, written?.error], [0, 5, 0])
})

async function push(client: RegistryClient, number: number): Promise<number> {
  const bytes = `blob${number}`
  const { status } = await client.request('POST', `/v2/app/blobs/uploads/?digest=${digestOf(bytes)}`, { body: bytes })
  return status
}
