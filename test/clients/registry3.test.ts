import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { homeport } from '../helpers/homeport-command.ts'
import { makeArtifact, makeImage, makeMultiPlatform } from '../helpers/images.ts'
import { needs } from '../helpers/programs.ts'
import { collectWithRegistry2, startRegistry2 } from '../helpers/registry2.ts'
import { startServer } from '../helpers/server.ts'
import { temporaryFolder } from '../helpers/temporary.ts'

test('a folder of registry 3 is adopted, and taken back by it, and read again', needs('registry3'), async () => {
  await using folder = await temporaryFolder()
  const data = folder.at('registry')
  await mkdir(data)
  const version = 'registry3'
  const subject = makeImage('one')
  const images = { v1: subject, multi: makeMultiPlatform('two', 'docker'), note: makeArtifact('note', { subject }) }
  {
    await using registry = await startRegistry2(data, { version })
    for (const [tag, image] of Object.entries(images)) await registry.client.pushImage('team/app', image, tag)
    await registry.stop()
  }

  const pushed = makeMultiPlatform('pushed here')
  await using server = await startServer({ data })
  {
    using client = await server.client()
    for (const [tag, { manifest }] of Object.entries(images)) {
      assert.deepEqual(await client.pullManifest('team/app', tag), manifest)
    }
    const { text } = await client.request('GET', `/v2/team/app/referrers/${subject.manifest.digest}`)
    assert.equal(JSON.parse(text).manifests[0]?.digest, images.note.manifest.digest)
    await client.pushImage('team/app', pushed, 'pushed')
    await server.stop()
  }

  const taken = makeImage('taken by registry 3')
  {
    await collectWithRegistry2(data, version)
    await using registry = await startRegistry2(data, { version })
    for (const [tag, { manifest, blobs }] of Object.entries({ ...images, pushed })) {
      assert.deepEqual(await registry.client.pullManifest('team/app', tag), manifest)
      for (const digest of blobs.keys())
        assert.equal((await registry.client.pullBlob('team/app', digest)).digest, digest)
    }
    await registry.client.pushImage('team/app', taken, 'v1')
    await registry.stop()
  }

  await server.start()
  using client = await server.client()
  assert.equal((await homeport('import', 'registry2', '--config', server.configFile)).code, 0)
  for (const [tag, { manifest }] of Object.entries({ ...images, pushed, v1: taken })) {
    assert.deepEqual(await client.pullManifest('team/app', tag), manifest)
  }
})
