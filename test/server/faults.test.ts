import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { digestOf } from '../helpers/digest-of.ts'
import { CHANGES, type DiskCall, type DiskRule, diskFaults } from '../helpers/disk-faults.ts'
import { needs } from '../helpers/programs.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { pick, seededRandom } from '../helpers/seeded-random.ts'
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

const SEED = process.env['SEED'] ?? String(randomInt(2 ** 31))
const RANDOM_PUSHES = 300

test(
  'pushes amid faults at random, in the checkpoints of the catalog too, keep what they promise through a power cut',
  needs('gcc'),
  async (context) => {
    context.diagnostic(`SEED=${SEED}`)
    const random = seededRandom(SEED)
    await using disk = await diskFaults()
    disk.keepLog(true)
    await using server = await startServer({ data: disk.data, env: disk.env })
    const promised: string[] = []
    let faults = 0
    {
      using client = await server.client()
      await client.pushBlob('team/app', Buffer.from('{}'))
      for (let number = 0; number < RANDOM_PUSHES; number += 1) {
        // Some 30 KB each: the log of the catalog is moved into its file every hundred pushes or so.
        const tag = `v${number}`
        const rule: DiskRule = {
          calls: [pick(random, ['fsync', 'write', 'rename'] as const)],
          path: pick(random, ['/homeport/catalog.db', '/homeport/catalog.db-wal', '/blobs/sha256', '/repositories/']),
          error: pick(random, ERRORS),
          skip: random(4),
          times: 1 + random(3),
        }
        disk.set(...(random(4) === 0 ? [rule] : []))
        const { status } = await client.request('PUT', `/v2/team/app/manifests/${tag}`, {
          headers: { 'content-type': 'application/vnd.oci.image.manifest.v1+json' },
          body: largeManifest(tag),
        })
        assert.ok(status === 201 || status >= 500, `${tag}: ${status}`)
        if (status === 201) promised.push(tag)
        else faults += 1
      }
      disk.set()
      assert.equal((await client.request('GET', '/v2/')).status, 200)
    }
    disk.keepLog(false)
    await server.kill()
    const log = await disk.log()
    assert.ok(
      log.some(({ call, path }) => call === 'write' && path.endsWith('/catalog.db')),
      'no checkpoint was made',
    )
    await cutPower(disk.data, log)
    await server.start()
    using client = await server.client()
    const lost: string[] = []
    for (const tag of promised) {
      const answer = await client.request('GET', `/v2/team/app/manifests/${tag}`)
      if (!answer.bytes.equals(largeManifest(tag))) lost.push(tag)
    }
    assert.deepEqual(lost, [])
    assert.ok(faults > 10, `only ${faults} pushes failed`)
  },
)

for (const afterwards of [false, true]) {
  const when = afterwards ? 'while the disk is bad, or well again' : 'while the disk is bad'
  test(
    `a sync that fails where no request waits for it takes with it nothing that is promised ${when}`,
    needs('gcc'),
    async () => {
      await using disk = await diskFaults()
      disk.keepLog(true)
      await using server = await startServer({ data: disk.data, env: disk.env })
      const promised: Buffer[] = []
      {
        using client = await server.client()
        const push = async (text: string): Promise<number> => {
          const bytes = Buffer.from(text)
          const path = `/v2/team/app/blobs/uploads/?digest=${digestOf(bytes)}`
          const { status } = await client.request('POST', path, { body: bytes })
          if (status === 201) promised.push(bytes)
          return status
        }
        assert.equal(await push('before'), 201)
        // Sessions cost no sync, until the log of the catalog is long enough to be moved into its file. Which stays bad.
        const log: DiskRule = { calls: ['fsync'], path: '/homeport/catalog.db-wal' }
        disk.set({ ...log, error: 'EIO', times: 1 }, log, {
          calls: ['fsync'],
          path: '/homeport/catalog.db',
          error: 'EIO',
        })
        for (let begun = 0; disk.seen() === 0; begun += 1) {
          assert.ok(begun < 5_000, 'nothing was synced')
          await client.request('POST', '/v2/team/app/blobs/uploads/')
        }
        await push('while the disk is bad')
        if (afterwards) {
          disk.set()
          assert.equal(await push('afterwards'), 201)
        }
      }
      await server.kill()
      disk.set()
      await cutPower(disk.data, await disk.log())
      await server.start()
      using client = await server.client()
      for (const bytes of promised) {
        const { status } = await client.request('HEAD', `/v2/team/app/blobs/${digestOf(bytes)}`)
        assert.equal(status, 200, `'${bytes}' was promised`)
      }
    },
  )
}

for (const error of ERRORS) {
  test(`an upload that ${error} cut goes on from where Range says`, needs('gcc'), async () => {
    await using disk = await diskFaults()
    await using server = await startServer({ data: disk.data, env: disk.env })
    using client = await server.client()
    const bytes = seededBytes('cut', 6_000_000)
    const begun = await client.request('POST', '/v2/team/app/blobs/uploads/')
    disk.set({ calls: ['write'], path: '/homeport/uploads/', error, skip: 2 })
    const cut = await client.request('PATCH', begun.headers.location ?? '', { body: bytes })
    assert.ok(cut.status >= 500, cut.text)
    disk.set()
    const stands = await client.request('GET', begun.headers.location ?? '')
    const received = Number(/^0-(\d+)$/.exec(stands.headers.range ?? '')?.[1]) + 1
    assert.ok(received > 1_000_000 && received < bytes.length, `it stands at ${stands.headers.range}`)
    const rest = await client.request('PATCH', stands.headers.location ?? '', {
      body: bytes.subarray(received),
      headers: { 'content-range': `${received}-${bytes.length - 1}` },
    })
    assert.equal(rest.status, 202, rest.text)
    const digest = digestOf(bytes)
    assert.equal((await client.request('PUT', `${rest.headers.location}?digest=${digest}`)).status, 201)
    assert.deepEqual(await client.pullBlob('team/app', digest), { digest, size: bytes.length })
  })
}

test(
  'link files of registry:2 that could not be written follow when they can, without a restart',
  needs('gcc'),
  async () => {
    await using disk = await diskFaults()
    await using server = await startServer({ data: disk.data, env: disk.env })
    using client = await server.client()
    const link = (digest: string) =>
      join(disk.data, 'docker/registry/v2/repositories/team/app/_layers/sha256', digest.slice('sha256:'.length), 'link')
    disk.set({ calls: CHANGES, path: '/repositories/', error: 'EROFS' })
    const digest = await client.pushBlob('team/app', Buffer.from('behind'))
    await eventually(() => disk.seen() > 0)
    await assert.rejects(access(link(digest)))
    disk.set()
    await eventually(() => access(link(digest)))
  },
)

/** Asks again and again, for at most twenty seconds. */
async function eventually(ask: () => unknown): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      if ((await ask()) !== false) return
    } catch (error) {
      if (tries === 200) throw error
    }
    assert.ok(tries < 200, 'it did not come')
    await delay(100)
  }
}

function largeManifest(name: string): Buffer {
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 }
  const annotations = { name, padding: seededBytes(name, 15_000).toString('hex') }
  return Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [], annotations }))
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
