import assert from 'node:assert/strict'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openReads } from '../../src/catalog/sqlite-reads.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { contentOf } from '../helpers/catalog-content.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { makeImage } from '../helpers/images.ts'
import { needs } from '../helpers/programs.ts'
import { startRegistry2 } from '../helpers/registry2.ts'
import { type Fixture, fillRegistry2 } from '../helpers/registry2-fixture.ts'
import { Registry2Folder } from '../helpers/registry2-folder.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const SIZES = { images: 500, repositories: 120 }
const KILLS = 20
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const BROKEN = 'team0/app'

test('a folder of registry:2 with 500 images in 120 repositories', needs('docker-registry'), async (t) => {
  await using folder = await temporaryFolder()
  const data = folder.at('registry')
  await mkdir(data)
  const fixture = await fill(data)
  const broken = await breakThings(data)
  const before = await filesIn(data)
  await using server = await startServer({ data })
  using client = await server.client()

  await t.test('every tag is served, with the digest and the type that it was pushed with', async () => {
    const listed = await client.request('GET', '/v2/_catalog?n=1000')
    assert.deepEqual(JSON.parse(listed.text).repositories, [...fixture.repositories, 'missing'].sort())
    for (const { repository, tag, digest } of fixture.tags) {
      const { bytes, mediaType } = await client.pullManifest(repository, tag)
      assert.equal(digestOf(bytes), digest, `${repository}:${tag}`)
      const told = JSON.parse(bytes.toString()).mediaType
      const schema1 = fixture.schema1.includes(`${repository}:${tag}`)
      assert.equal(mediaType, schema1 ? 'application/vnd.docker.distribution.manifest.v1+json' : told)
    }
  })

  await t.test('layers and configurations are served, of nested repositories too', async () => {
    for (const { repository, tag } of fixture.tags.filter((_, index) => index % 25 === 0)) {
      const manifest = JSON.parse((await client.pullManifest(repository, tag)).bytes.toString())
      for (const { digest } of [manifest.config ?? [], manifest.layers ?? []].flat()) {
        assert.equal((await client.pullBlob(repository, digest)).digest, digest)
      }
    }
  })

  await t.test(
    'manifests with a subject are in its list of referrers, once, though registry:2 had only the tag',
    async () => {
      assert.ok(fixture.referrers.length >= 50)
      for (const { repository, subject, digest } of fixture.referrers) {
        const { manifests } = JSON.parse((await client.request('GET', `/v2/${repository}/referrers/${subject}`)).text)
        assert.deepEqual(
          manifests.map((row: { digest: string }) => row.digest),
          [digest],
        )
      }
    },
  )

  await t.test('what is broken is told once in the log, and left out', async () => {
    const told = server.log.filter(({ path }) => path !== undefined).map(({ path, why }) => `${path} ${why}`)
    assert.deepEqual(told.sort(), broken.problems.sort())
    const { text } = await client.request('GET', `/v2/${BROKEN}/tags/list`)
    assert.ok(!JSON.parse(text).tags.includes('bad'))
    assert.equal((await client.request('GET', `/v2/missing/blobs/${broken.layer}`)).status, 404)
    assert.equal((await client.request('GET', '/v2/missing/manifests/v1')).status, 200)
    const summary = server.log.find(({ manifests }) => manifests !== undefined)
    assert.deepEqual(summary?.['cached'], [])
    assert.deepEqual(summary?.['hosted'], [...fixture.repositories, 'missing'].sort())
    assert.equal(summary?.['problems'], broken.problems.length)
  })

  await t.test('no byte of the folder is touched', async () => {
    await server.stop()
    assert.deepEqual(await filesIn(data), before)
  })

  await t.test(`kill -9 at ${KILLS} random moments of the adoption (SEED=${SEED}) gives the same catalog`, async () => {
    const expected = await catalogIn(data)
    const random = randomFrom(SEED)
    // So that a round has several.
    const longestMs = (await adoptionTime(data, server)) / 3
    let kills = 0
    for (let rounds = 1; kills < KILLS; rounds += 1) {
      assert.ok(rounds <= 5 * KILLS, `${kills} kills in ${rounds} adoptions`)
      await rm(join(data, 'homeport'), { recursive: true })
      while (!(await startAndKill(server, random() * longestMs))) kills += 1
      assert.deepEqual(await catalogIn(data), expected)
    }
    assert.deepEqual(await filesIn(data), before)
  })
})

async function fill(data: string): Promise<Fixture> {
  await using registry2 = await startRegistry2(data)
  using client = registry2.client
  const fixture = await fillRegistry2(client, SIZES)
  // An upload that is cut off: begun, and never ended.
  await client.request('POST', `/v2/${BROKEN}/blobs/uploads/`)
  await client.pushImage('missing', makeImage('missing'), 'v1')
  await registry2.stop()
  return fixture
}

/** One each of what registry:2 leaves behind when it is killed, or its disk is full. */
async function breakThings(data: string): Promise<{ problems: string[]; layer: Digest }> {
  const folder = new Registry2Folder(data)
  const home = `docker/registry/v2/repositories/${BROKEN}`
  const [upload] = await readdir(join(data, home, '_uploads'))
  const [empty, nothing] = [digestOf('empty'), digestOf('nothing')]
  await folder.addLink({ repository: BROKEN, what: 'manifest', digest: empty }, '')
  await folder.addLink({ repository: BROKEN, what: 'manifest', digest: nothing }, nothing)
  await folder.addLink({ repository: BROKEN, what: 'tag', tag: 'bad' }, nothing)
  const layer = [...makeImage('missing').blobs.keys()].at(-1) ?? nothing
  const hex = layer.slice('sha256:'.length)
  await rm(join(data, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex), { recursive: true })
  return {
    layer,
    problems: [
      `${home}/_manifests/revisions/sha256/${empty.slice(7)}/link is empty`,
      `${home}/_manifests/revisions/sha256/${nothing.slice(7)}/link leads to no bytes`,
      `${home}/_manifests/tags/bad/current/link names ${nothing}, which is no manifest of the repository`,
      `${home}/_uploads/${upload}/ is an upload that was never finished`,
      `docker/registry/v2/repositories/missing/_layers/sha256/${hex}/link leads to no bytes`,
    ],
  }
}

/** Path, size and time of everything that is not ours. */
async function filesIn(data: string): Promise<string[]> {
  const names = await readdir(data, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const theirs = files.filter((path) => !path.startsWith(join(data, 'homeport')))
  return (
    await Promise.all(
      theirs.map(async (path) => {
        const { size, mtimeMs, ino } = await stat(path)
        return `${path} ${size} ${mtimeMs} ${ino}`
      }),
    )
  ).sort()
}

async function catalogIn(data: string): Promise<unknown> {
  await using catalog = openReads(join(data, 'homeport/catalog.db'), () => Promise.reject(new Error('it is only read')))
  return await contentOf(catalog)
}

/** How long an adoption takes from its first repository on, in milliseconds. */
async function adoptionTime(data: string, server: Server): Promise<number> {
  await rm(join(data, 'homeport'), { recursive: true })
  const starting = server.start()
  await server.process.output(/adopting the folder/)
  const begun = performance.now()
  await starting
  const time = performance.now() - begun
  await server.stop()
  return time
}

/** Kills the server so long after its adoption has begun, or ends it if that was over. Resolves to whether it was. */
async function startAndKill(server: Server, afterMs: number): Promise<boolean> {
  const starting = server.start().then(
    () => 'listening' as const,
    () => 'killed' as const,
  )
  const begun = server.process.output(/adopting the folder|"listening on/).then(() => sleep(afterMs))
  await begun
  if (/"listening on/.test(server.process.stderr)) {
    await starting
    await server.stop()
    return true
  }
  await server.kill()
  return (await starting) === 'listening'
}

/** Mulberry32: equal seeds give equal moments. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
