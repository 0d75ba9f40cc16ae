import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORGOTTEN_MS } from '../../../src/registry/sweep-fills.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { seededBytes } from '../../helpers/seeded-bytes.ts'
import { openTestFills, readAll, type TestFills, until } from '../../helpers/test-fills.ts'

const BYTES = seededBytes('sweep-fills', 3_000_000)
const LATER = Date.now() + FORGOTTEN_MS + 60_000

async function swept(fills: TestFills, now: number): Promise<number[]> {
  const sizes: number[] = []
  for await (const { size } of fills.sweep(now)) sizes.push(size)
  return sizes
}

test('a download that was put down is taken away when it has rested for a week, with its note', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  fills.upstream.blobScript = () => ({ before: (at) => (at < 2_000_000 ? undefined : new Promise(() => undefined)) })
  const fill = fills.join(digest)
  await until(() => fill.head > 1_900_000)
  assert.deepEqual(await swept(fills, LATER), [], 'it runs')
  const { head } = fill
  await fills.restart()
  assert.deepEqual(await swept(fills, Date.now()), [])
  assert.deepEqual(await swept(fills, LATER), [head])
  assert.deepEqual(await fills.catalog.fills({ limit: 9 }), [])
  fills.upstream.blobScript = () => ({})
  assert.ok((await readAll(fills.join(digest).read(0))).equals(BYTES))
})

test('a note without a file is taken away', async () => {
  await using fills = await openTestFills()
  await fills.catalog.write('noteFill', { id: 'x', upstream: 'docker.io', digest: digestOf('x'), boot: '', synced: 5 })
  assert.deepEqual(await swept(fills, Date.now()), [])
  assert.deepEqual(await fills.catalog.fills({ limit: 9 }), [])
})

test('whoever wants a download while it is taken away begins it anew', async () => {
  await using fills = await openTestFills()
  const digest = fills.publish(BYTES)
  fills.upstream.blobScript = () => ({ before: (at) => (at < 2_000_000 ? undefined : new Promise(() => undefined)) })
  const fill = fills.join(digest)
  await until(() => fill.head > 1_900_000)
  await fills.restart()
  fills.upstream.blobScript = () => ({})
  const sweeping = swept(fills, LATER)
  const got = readAll(fills.join(digest).read(0))
  await sweeping
  assert.ok((await got).equals(BYTES))
})
