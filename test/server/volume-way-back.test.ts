import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Digest } from '../../src/oci/digest.ts'
import { LinkFiles, type LinkPlace } from '../../src/registry/link-files.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { homeport } from '../helpers/homeport-command.ts'
import { type Image, makeArtifact, makeImage, makeMultiPlatform } from '../helpers/images.ts'
import { withDescendants } from '../helpers/oci-layout.ts'
import { run } from '../helpers/processes.ts'
import { needs, program } from '../helpers/programs.ts'
import type { RegistryClient } from '../helpers/registry-client.ts'
import { collectWithRegistry2, startRegistry2 } from '../helpers/registry2.ts'
import { type Server, startServer } from '../helpers/server.ts'
import { writeDirectory } from '../helpers/skopeo-directory.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

/** By `repository:tag`. */
type Expected = Map<string, Image>

test('from Homeport to registry:2 and back', needs('docker-registry', 'skopeo'), async (t) => {
  await using folder = await temporaryFolder()
  await using server = await startServer()
  const { data } = server
  const links = new LinkFiles(data)
  const expected: Expected = new Map([
    ['team/one:v1', makeImage('one')],
    ['team/one:v2', makeImage('two', { format: 'docker' })],
    ['team:multi', makeMultiPlatform('three')],
    ['team/one/deep:list', makeMultiPlatform('four', 'docker')],
  ])

  await t.test('links of what skopeo pushes are there within a second', async () => {
    for (const [name, image] of expected) {
      const path = folder.at(name.replaceAll(/[:/]/g, '-'))
      await writeDirectory(path, image)
      const to = `docker://${server.host}/${name}`
      const options = ['--insecure-policy', 'copy', '--all', '--preserve-digests', '--dest-tls-verify=false']
      await run(program('skopeo'), [...options, `dir:${path}`, to], { env: { HOME: folder.path } })
      assert.equal(await saysWithinASecond(links, tagPlace(name)), image.manifest.digest)
    }
    using client = await server.client()
    const image = expected.get('team/one:v1') ?? makeImage('one')
    const note = makeArtifact('note', { subject: image })
    await client.pushImage('team/one', note, 'note')
    expected.set('team/one:note', note)
    await client.pushImage('team/one', makeImage('gone'), 'gone')
    assert.notEqual(await saysWithinASecond(links, tagPlace('team/one:gone')), undefined)
  })

  await t.test('links of what is deleted go', async () => {
    using client = await server.client()
    const { digest } = makeImage('gone').manifest
    assert.equal((await client.request('DELETE', `/v2/team/one/manifests/${digest}`)).status, 202)
    const gone = { repository: 'team/one', what: 'manifest', digest } as const
    const until = performance.now() + 1_000
    while ((await links.read(gone)) !== undefined && performance.now() < until) await sleep(20)
    assert.equal(await links.read(gone), undefined)
    assert.equal(await links.read(tagPlace('team/one:gone')), undefined)
  })

  await t.test('the garbage-collect of registry:2, left in a cron job, takes nothing that a tag needs', async () => {
    await collectWithRegistry2(data)
    using client = await server.client()
    await assertServed(client, expected)
  })

  await t.test('what registry:2 cannot hold is listed by --check, through the running server', async () => {
    assert.deepEqual(await check(server), { code: 0, rows: [] })
    using client = await server.client()
    const bytes = Buffer.from('of another algorithm')
    const digest = digestOf(bytes, 'sha512')
    const begun = await client.request('POST', '/v2/team/one/blobs/uploads/')
    const { status } = await client.request('PUT', `${begun.headers.location}?digest=${digest}`, { body: bytes })
    assert.equal(status, 201)
    const { code, rows } = await check(server)
    assert.equal(code, 1)
    assert.deepEqual(
      rows.map(({ why }) => why),
      ['is not written: registry:2 does not serve sha512'],
    )
    assert.equal((await client.request('DELETE', `/v2/team/one/blobs/${digest}`)).status, 202)
    assert.equal((await check(server)).code, 0)
  })

  await t.test('links of the last push are written before a clean end', async () => {
    using client = await server.client()
    const image = makeImage('last')
    await client.pushImage('team/last', image, 'v1')
    expected.set('team/last:v1', image)
    assert.equal((await server.stop()).code, 0)
    assert.deepEqual(
      await links.read(tagPlace('team/last:v1')).then((link) => link && 'digest' in link && link.digest),
      image.manifest.digest,
    )
  })

  await t.test('registry:2 serves every tag from the folder, after its garbage-collect, and takes pushes', async () => {
    await collectWithRegistry2(data)
    await using registry2 = await startRegistry2(data)
    using client = registry2.client
    await assertServed(client, expected)
    assert.deepEqual(JSON.parse((await client.request('GET', '/v2/team/one/tags/list')).text).tags.sort(), [
      'note',
      'v1',
      'v2',
    ])

    for (const [name, image] of [
      ['team/one:v1', makeImage('moved')],
      ['team/one:new', makeMultiPlatform('new')],
      ['new/repository:v1', makeImage('new repository')],
    ] as const) {
      const [repository = '', tag = ''] = name.split(':')
      await client.pushImage(repository, image, tag)
    }
    await registry2.stop()
  })

  await t.test('Homeport has all that it had, and what registry:2 took after an import', async () => {
    await server.start()
    using client = await server.client()
    await assertServed(client, expected)
    assert.equal((await client.request('GET', '/v2/team/one/manifests/new')).status, 404)

    const { code, stderr } = await homeport('import', 'registry2', '--config', server.configFile)
    assert.equal(code, 0, stderr)
    assert.match(stderr, /read from registry:2: 5 manifests, 3 tags and 8 blobs; 0 problems/)
    expected.set('team/one:v1', makeImage('moved'))
    expected.set('team/one:new', makeMultiPlatform('new'))
    expected.set('new/repository:v1', makeImage('new repository'))
    await assertServed(client, expected)
    assert.deepEqual(await check(server), { code: 0, rows: [] })
  })

  await t.test('links that a crash lost are written at the next start', async () => {
    using client = await server.client()
    const image = makeImage('crashed')
    await client.pushImage('team/crashed', image, 'v1')
    await server.kill()
    await server.start()
    expected.set('team/crashed:v1', image)
    assert.equal(await saysWithinASecond(links, tagPlace('team/crashed:v1')), image.manifest.digest)
  })

  await t.test('links that a power cut took are completed by export, without a server too', async () => {
    await server.stop()
    await links.remove(tagPlace('team/one:v1'))
    await links.remove({ repository: 'team/one', what: 'manifest', digest: makeImage('moved').manifest.digest })
    assert.deepEqual((await check(server)).rows.length, 2)
    const { code, stderr } = await homeport('export', 'registry2', '--config', server.configFile)
    assert.equal(code, 0, stderr)
    assert.match(stderr, /: 2 were written; 0 problems/)
    assert.deepEqual(await check(server), { code: 0, rows: [] })
  })
})

function tagPlace(name: string): LinkPlace {
  const [repository = '', tag = ''] = name.split(':')
  return { repository, what: 'tag', tag }
}

async function saysWithinASecond(links: LinkFiles, place: LinkPlace): Promise<Digest | undefined> {
  const until = performance.now() + 1_000
  for (;;) {
    const link = await links.read(place)
    if (link !== undefined && 'digest' in link) return link.digest
    if (performance.now() > until) return undefined
    await sleep(20)
  }
}

/** Tags with their manifests, and all below them, byte for byte. */
async function assertServed(client: RegistryClient, expected: Expected): Promise<void> {
  for (const [name, image] of expected) {
    const [repository = '', tag = ''] = name.split(':')
    assert.equal((await client.pullManifest(repository, tag)).digest, image.manifest.digest, name)
    for (const { manifest, blobs } of withDescendants(image)) {
      assert.equal((await client.pullManifest(repository, manifest.digest)).mediaType, manifest.mediaType, name)
      for (const digest of blobs.keys()) assert.equal((await client.pullBlob(repository, digest)).digest, digest, name)
    }
  }
}

async function check(server: Server): Promise<{ code: number | null; rows: { path: string; why: string }[] }> {
  const { code, stdout } = await homeport('export', 'registry2', '--check', '--json', '--config', server.configFile)
  return {
    code,
    rows: stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line)),
  }
}
