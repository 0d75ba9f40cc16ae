import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openReads } from '../../src/catalog/sqlite-reads.ts'
import { pathOf } from '../../src/registry/link-files.ts'
import { homeport } from '../helpers/homeport-command.ts'
import { makeImage } from '../helpers/images.ts'
import { needs } from '../helpers/programs.ts'
import { startRegistry2 } from '../helpers/registry2.ts'
import { startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

const CACHED = 'library/nginx'

test('a folder in which registry:2 was a proxy, and before that a home', needs('docker-registry'), async (t) => {
  await using folder = await temporaryFolder()
  const [upstreamData, data] = [folder.at('upstream'), folder.at('data')]
  for (const path of [upstreamData, data]) await mkdir(path)
  const [listed, late, own] = [makeImage('listed'), makeImage('late'), makeImage('own')]
  {
    await using home = await startRegistry2(data)
    await home.client.pushImage('own/app', own, 'v1')
    await home.stop()
  }
  {
    await using upstream = await startRegistry2(upstreamData)
    await upstream.client.pushImage(CACHED, listed, 'v1')
    await upstream.client.pushImage(CACHED, late, 'v2')
    await using proxy = await startRegistry2(data, { proxy: `http://${upstream.host}` })
    await pull(proxy.client, listed, 'v1')
    await written(join(data, 'scheduler-state.json'), listed.manifest.digest)
    // The list is written each 5 seconds, and not at the end: this one never gets there.
    await pull(proxy.client, late, 'v2')
    // It answers before it has stored what it sends.
    for (const digest of late.blobs.keys()) {
      await written(join(data, pathOf({ repository: CACHED, what: 'blob', digest })), digest)
    }
    await written(join(data, pathOf({ repository: CACHED, what: 'tag', tag: 'v2' })), late.manifest.digest)
    await proxy.stop()
  }
  await using server = await startServer({ data })

  await t.test('what it cached is a repository of its own kind, and its summary says which', async () => {
    const summary = server.log.find(({ manifests }) => manifests !== undefined)
    assert.deepEqual([summary?.['hosted'], summary?.['cached']], [['own/app'], [CACHED]])
    assert.match(summary?.msg ?? '', /1 repositories are hosted, 1 \(library\/nginx\) cached/)
  })

  await t.test('it is served as it lies, with a warning for a tag; what is hosted has none', async () => {
    using client = await server.client()
    for (const [image, tag] of [
      [listed, 'v1'],
      [late, 'v2'],
    ] as const) {
      assert.equal((await client.pullManifest(CACHED, tag)).digest, image.manifest.digest)
      for (const digest of image.blobs.keys()) assert.equal((await client.pullBlob(CACHED, digest)).digest, digest)
    }
    const { headers } = await client.request('GET', `/v2/${CACHED}/manifests/v1`)
    assert.match(headers['warning'] ?? '', /^299 /)
    assert.equal((await client.request('GET', '/v2/own/app/manifests/v1')).headers['warning'], undefined)
  })

  await t.test('nobody pushes to it until it is told to be hosted', async () => {
    using client = await server.client()
    const push = async (repository: string) => (await client.request('POST', `/v2/${repository}/blobs/uploads/`)).status
    assert.deepEqual([await push(CACHED), await push('own/app')], [405, 202])

    const as = (kind: string, ...names: string[]) =>
      homeport('import', 'registry2', '--config', server.configFile, '--json', '--as', kind, ...names)
    const hosted = await as('hosted', CACHED)
    assert.deepEqual([hosted.code, JSON.parse(hosted.stdout)], [0, { repository: CACHED, kind: 'hosted' }])
    assert.equal(await push(CACHED), 202)

    assert.equal((await as('cached', 'own/app', CACHED)).code, 0)
    assert.deepEqual([await push(CACHED), await push('own/app')], [405, 405])
    const unknown = await as('cached', 'no/such')
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /There is no repository 'no\/such'\n {2}hint: /)
  })

  await t.test('what the list of the proxy lacks is pinned', async () => {
    await server.stop()
    await using catalog = openReads(join(data, 'homeport/catalog.db'), () => Promise.reject(new Error('only read')))
    const pins = new Map((await catalog.manifests(CACHED, { limit: 9 })).map(({ digest, pinned }) => [digest, pinned]))
    assert.deepEqual([pins.get(listed.manifest.digest), pins.get(late.manifest.digest)], [false, true])
  })
})

test(
  'with the same proxy.remoteurl, what registry:2 cached goes on as a cache',
  needs('docker-registry'),
  async (t) => {
    await using folder = await temporaryFolder()
    const [upstreamData, data] = [folder.at('upstream'), folder.at('data')]
    for (const path of [upstreamData, data]) await mkdir(path)
    const [old, next] = [makeImage('old'), makeImage('next')]
    await using upstream = await startRegistry2(upstreamData)
    for (const tag of ['v1', 'latest']) await upstream.client.pushImage(CACHED, old, tag)
    {
      await using proxy = await startRegistry2(data, { proxy: `http://${upstream.host}` })
      for (const tag of ['v1', 'latest']) await pull(proxy.client, old, tag)
      await written(join(data, 'scheduler-state.json'), old.manifest.digest)
      for (const digest of old.blobs.keys()) {
        await written(join(data, pathOf({ repository: CACHED, what: 'blob', digest })), digest)
      }
      await proxy.stop()
    }
    const proxied = { proxy: { remoteurl: `http://${upstream.host}` } }
    const full = `${upstream.host}/${CACHED}`
    {
      await using server = await startServer({ data, config: proxied })
      using client = await server.client()
      await t.test('its repositories have the name of the upstream from the first start on', async () => {
        assert.deepEqual(server.log.find(({ repositories }) => Array.isArray(repositories))?.['repositories'], [full])
        const { text } = await client.request('GET', '/v2/_catalog')
        assert.deepEqual(JSON.parse(text).repositories, [full])
      })

      await t.test('a tag is confirmed, and what has moved is fetched', async () => {
        await upstream.client.pushImage(CACHED, next, 'latest')
        for (const [tag, image] of [
          ['v1', old],
          ['latest', next],
        ] as const) {
          assert.equal((await client.pullManifest(CACHED, tag)).digest, image.manifest.digest)
          assert.equal((await client.pullManifest(full, tag)).digest, image.manifest.digest)
          for (const digest of image.blobs.keys()) assert.equal((await client.pullBlob(CACHED, digest)).digest, digest)
        }
        const { headers } = await client.request('GET', `/v2/${CACHED}/manifests/v1`)
        assert.equal(headers['warning'], undefined)
      })

      await t.test('pushes are taken beside it', async () => {
        await client.pushImage('own/app', old, 'v1')
        assert.equal((await client.request('POST', `/v2/${CACHED}/blobs/uploads/`)).status, 405)
      })
      await server.stop()
    }
    await upstream.stop()

    await t.test('with the upstream gone it starts, and all of it is served (FC-17)', async () => {
      const config = {
        upstreams: { [upstream.host]: { default: true, url: `http://${upstream.host}`, revalidate: '1ms' } },
      }
      await using server = await startServer({ data, config })
      using client = await server.client()
      for (const [tag, image] of [
        ['v1', old],
        ['latest', next],
      ] as const) {
        const { status, headers } = await client.request('GET', `/v2/${CACHED}/manifests/${tag}`)
        assert.deepEqual([status, headers['docker-content-digest']], [200, image.manifest.digest])
        assert.match(headers['warning'] ?? '', /^299 - .*could not be confirmed/)
        for (const digest of image.blobs.keys()) assert.equal((await client.pullBlob(CACHED, digest)).digest, digest)
      }
      assert.equal((await client.pullManifest('own/app', 'v1')).digest, old.manifest.digest)
    })
  },
)

test('where the volume must exist, an empty mount point is refused', async () => {
  await using folder = await temporaryFolder()
  const mount = folder.at('mount')
  await mkdir(mount)
  const storage = { filesystem: { rootdirectory: mount, mustexist: true } }
  await assert.rejects(startServer({ config: { storage } }), /There is no volume at .*is the disk mounted\?/s)

  await mkdir(join(mount, 'homeport'))
  await assert.rejects(startServer({ config: { storage } }), /There is no volume/)
  // A start without the setting makes it one.
  {
    await using server = await startServer({ data: mount })
    await server.stop()
  }
  assert.match(await readFile(join(mount, 'homeport/volume'), 'utf8'), /Homeport/)
  await using again = await startServer({ config: { storage } })
  assert.equal((await again.stop()).code, 0)
})

async function pull(
  client: Awaited<ReturnType<typeof startRegistry2>>['client'],
  image: ReturnType<typeof makeImage>,
  tag: string,
): Promise<void> {
  await client.pullManifest(CACHED, tag)
  for (const digest of image.blobs.keys()) await client.pullBlob(CACHED, digest)
}

async function written(path: string, text: string): Promise<void> {
  for (const until = performance.now() + 20_000; performance.now() < until; await sleep(50)) {
    const found = await readFile(path, 'utf8').catch(() => '')
    if (found.includes(text)) return
  }
  throw new Error(`${path} was not written`)
}
