import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measured } from '../../../src/app/metrics-blob-store.ts'
import { openLog } from '../../../src/base/log.ts'
import { openMetrics } from '../../../src/base/metrics.ts'
import { blobStoreContract } from '../../contracts/blob-store.contract.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { MemoryBlobStore } from '../../helpers/memory-blob-store.ts'

const silent = openLog({ level: 'error', write: () => {} })

blobStoreContract('measured', async () =>
  measured(new MemoryBlobStore(), { metrics: await openMetrics(), log: silent }),
)

test('what the store does is counted under the names of registry:2, and told at level debug', async () => {
  const metrics = await openMetrics()
  const lines: Record<string, unknown>[] = []
  const log = openLog({ level: 'debug', write: (line) => lines.push(JSON.parse(line)) })
  await using store = measured(new MemoryBlobStore(), { metrics, log })
  const digest = digestOf('hello')
  const write = await store.begin('upload-1')
  await write.append([Buffer.from('hello')])
  await write.commit(digest)
  await store.stat(digest)
  await (await store.open(digest))?.close()
  await store.delete(digest)

  const actions = ['Writer', 'Move', 'Stat', 'Reader', 'Delete']
  const text = await metrics.text()
  for (const action of actions) {
    assert.ok(text.includes(`registry_storage_action_seconds_count{driver="filesystem",action="${action}"} 1`), action)
  }
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    actions.map((action) => `filesystem.${action}(${action === 'Writer' ? 'upload-1' : digest})`),
  )
  for (const line of lines) assert.equal(typeof line['trace.duration'], 'number')
})
