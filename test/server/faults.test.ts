import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '../helpers/digest-of.ts'
import { CHANGES, type DiskCall, type DiskRule, diskFaults } from '../helpers/disk-faults.ts'
import { needs } from '../helpers/programs.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { startServer } from '../helpers/server.ts'
import { cutPower } from './power-cut.ts'
import { KINDS, type Kind } from './push-kinds.ts'

const ERRORS = ['EIO', 'ENOSPC', 'EROFS'] as const

/** What a push does to the disk before its answer. Link files follow behind it, and are not among them. */
const STEPS: readonly DiskRule[] = [
  ...calls('/homeport/uploads/', ['create', 'write', 'fsync', 'link', 'truncate']),
  ...calls('/blobs/sha256', ['mkdir', 'rename', 'fsync']),
  ...calls('/catalog.db-wal', ['write', 'fsync']),
]

/** Of one kind of call in one place, so many are made to fail: the first ones and the last ones. */
const EDGE = 2

test(
  'whatever step of a push fails, no 2xx is sent that a power cut takes back, and the next push works',
  needs('gcc'),
  async (context) => {
    await using disk = await diskFaults()
    disk.keepLog(true)
    await using server = await startServer({ data: disk.data, env: disk.env })
    /** What was answered with a 2xx, and so must hold to the end. */
    const promised: { kind: Kind; number: number }[] = []
    let number = 0

    for (const kind of KINDS) {
      await context.test(kind.name, async () => {
        using client = await server.client()
        let refused = 0
        for (const [step, skip] of await stepsOf(kind, client)) {
          for (const error of ERRORS) {
            number += 1
            const what = `${kind.name}, ${error} at ${step.calls} ${step.path}, call ${skip}`
            await kind.prepare(client, number)
            disk.set({ ...step, error, skip, times: 1 })
            const { status } = await kind.send(client, number)
            disk.set()
            const seen = await kind.seen(client, number)
            assert.ok(isDone(status) ? seen : status >= 500, `${what}: ${status}, and it is ${seen ? '' : 'not '}seen`)
            if (status >= 500) refused += 1
            if (!seen) {
              const again = await kind.send(client, number)
              assert.ok(isDone(again.status), `${what}: a second try gets ${again.status} ${again.text}`)
              assert.ok(await kind.seen(client, number), `${what}: not seen after a second try`)
            }
            if (isDone(status) || !seen) promised.push({ kind, number })
          }
        }
        assert.ok(refused >= ERRORS.length, 'no step failed the request')
      })
    }

    async function stepsOf(kind: Kind, client: RegistryClient): Promise<[DiskRule, number][]> {
      number += 1
      await kind.prepare(client, number)
      disk.set(...STEPS)
      assert.ok(isDone((await kind.send(client, number)).status))
      const counts = STEPS.map((_, index) => disk.seen(index))
      disk.set()
      return STEPS.flatMap((step, index) => edges(counts[index] ?? 0).map((skip): [DiskRule, number] => [step, skip]))
    }

    await context.test('what was promised is there after a power cut', async () => {
      disk.keepLog(false)
      await server.kill()
      await cutPower(disk.data, await disk.log())
      await server.start()
      using client = await server.client()
      const lost: string[] = []
      for (const { kind, number: which } of promised)
        if (!(await kind.seen(client, which))) lost.push(`${kind.name} ${which}`)
      assert.deepEqual(lost, [])
      assert.ok(promised.length > 100, `only ${promised.length} promises were put to the test`)
    })
  },
)

for (const error of ERRORS) {
  test(
    `while every change fails with ${error} nothing is promised and pulls go on; then pushes work again`,
    needs('gcc'),
    async () => {
      await using disk = await diskFaults()
      await using server = await startServer({ data: disk.data, env: disk.env })
      using client = await server.client()
      const stored = seededBytes('stored before', 100_000)
      await client.pushBlob('team/app', stored)
      for (const [number, kind] of KINDS.entries()) await kind.prepare(client, number)

      for (let round = 0; round < 3; round += 1) {
        disk.set({ calls: CHANGES, error })
        for (const [number, kind] of KINDS.entries()) {
          const { status } = await kind.send(client, number)
          assert.ok(status >= 500, `${kind.name}: ${status}`)
          assert.deepEqual(await client.pullBlob('team/app', digestOf(stored)), {
            digest: digestOf(stored),
            size: stored.length,
          })
        }
        disk.set()
        for (const [number, kind] of KINDS.entries()) assert.equal(await kind.seen(client, number), false, kind.name)
      }
      for (const [number, kind] of KINDS.entries()) {
        const { status, text } = await kind.send(client, number)
        assert.ok(isDone(status), `${kind.name}: ${status} ${text}`)
        assert.ok(await kind.seen(client, number), kind.name)
      }
    },
  )
}

/** What may happen to an upload between the failed commit and the one that is answered with 201. */
const MEANWHILE = {
  nothing: async () => {},
  'so many other uploads that it is put down': async (_server: unknown, client: RegistryClient) => {
    for (let other = 0; other < 40; other += 1) await client.request('POST', '/v2/team/app/blobs/uploads/')
  },
  'a restart': async (server: { restart: () => Promise<void> }) => await server.restart(),
  'kill -9': async (server: { kill: () => Promise<void>; start: () => Promise<void> }) => {
    await server.kill()
    await server.start()
  },
} as const

for (const [meanwhile, happen] of Object.entries(MEANWHILE)) {
  test(
    `an upload whose sync failed is written anew before its 201; in between: ${meanwhile}`,
    needs('gcc'),
    async () => {
      await using disk = await diskFaults()
      disk.keepLog(true)
      await using server = await startServer({ data: disk.data, env: disk.env })
      const bytes = seededBytes('doubted', 3_000_000)
      const digest = digestOf(bytes)
      let location = ''
      {
        using client = await server.client()
        const begun = await client.request('POST', '/v2/team/app/blobs/uploads/')
        const sent = await client.request('PATCH', begun.headers.location ?? '', { body: bytes })
        location = sent.headers.location ?? ''
        disk.set({ calls: ['fsync'], path: '/homeport/uploads/', error: 'EIO' })
        assert.ok((await client.request('PUT', `${location}?digest=${digest}`)).status >= 500)
        disk.set()
        await happen(server, client)
      }
      {
        using client = await server.client()
        const stands = await client.request('GET', location)
        assert.equal(stands.headers.range, `0-${bytes.length - 1}`)
        assert.equal((await client.request('PUT', `${location}?digest=${digest}`)).status, 201)
      }
      await server.kill()
      await cutPower(disk.data, await disk.log())
      await server.start()
      using client = await server.client()
      assert.deepEqual(await client.pullBlob('team/app', digest), { digest, size: bytes.length })
    },
  )
}

function calls(path: string, names: readonly DiskCall[]): DiskRule[] {
  return names.map((name) => ({ calls: [name], path }))
}

function edges(count: number): number[] {
  const all = Array.from({ length: count }, (_, index) => index)
  return all.filter((index) => index < EDGE || index >= count - EDGE)
}

function isDone(status: number): boolean {
  return status >= 200 && status < 300
}
