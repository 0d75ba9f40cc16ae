import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { hexOf } from '../../../src/oci/digest.ts'
import { digestOf, digestOfStream } from '../../helpers/digest-of.ts'
import { helloProgram } from '../../helpers/hello-program.ts'
import { type Image, makeArtifact, makeImage, makeIndex, makeMultiPlatform } from '../../helpers/images.ts'
import { readLayout, withDescendants, writeLargeImage, writeLayout } from '../../helpers/oci-layout.ts'
import { run } from '../../helpers/processes.ts'
import { program } from '../../helpers/programs.ts'
import { seededBytes, seededChunks } from '../../helpers/seeded-bytes.ts'
import { tarOf } from '../../helpers/tar.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const MAKERS: Readonly<Record<string, (seed: string) => Image>> = {
  'an OCI image': (seed) => makeImage(seed),
  'a Docker image': (seed) => makeImage(seed, { format: 'docker' }),
  'an image for two platforms': (seed) => makeMultiPlatform(seed),
  'a Docker list for two platforms': (seed) => makeMultiPlatform(seed, 'docker'),
  'an artifact': (seed) => makeArtifact(seed, { subject: makeImage(seed) }),
  'an index in an index': (seed) => makeIndex([makeMultiPlatform(seed), makeImage(seed)]),
}

for (const [name, make] of Object.entries(MAKERS)) {
  test(`${name} is the same for the same seed, and another for another`, () => {
    assert.deepEqual(make('a seed'), make('a seed'))
    assert.notEqual(make('a seed').manifest.digest, make('another').manifest.digest)
  })

  test(`${name} brings all that it names, and each under its digest`, () => {
    const all = withDescendants(make('a seed'))
    const brought = new Map(
      all.flatMap(({ manifest, blobs }) => [[manifest.digest as string, manifest.bytes] as const, ...blobs]),
    )
    for (const [digest, bytes] of brought) assert.equal(digestOf(bytes), digest)
    for (const { manifest } of all) {
      const { config, layers = [], manifests = [], mediaType } = JSON.parse(manifest.bytes.toString())
      assert.equal(mediaType, manifest.mediaType)
      const named = [...(config ? [config] : []), ...layers, ...manifests]
      assert.notEqual(named.length, 0)
      for (const { digest, size } of named) assert.equal(brought.get(digest)?.length, size)
    }
  })
}

test('an artifact names its subject by type, digest and size', () => {
  const subject = makeImage('a subject')
  const { bytes, mediaType, digest } = subject.manifest
  const artifact = JSON.parse(makeArtifact('a note', { subject }).manifest.bytes.toString())
  assert.deepEqual(artifact.subject, { mediaType, digest, size: bytes.length })
})

test('a layer of no bytes is a blob of no bytes', () => {
  const { blobs } = makeImage('a seed', { layers: ['zero-bytes'] })
  assert.equal(blobs.get(digestOf(''))?.length, 0)
})

test('a configuration names its layers as they are before compression', () => {
  const { manifest, blobs } = makeImage('a seed', { layers: [[], [{ path: 'file', bytes: 'text' }]] })
  const { config, layers } = JSON.parse(manifest.bytes.toString())
  const { rootfs } = JSON.parse(blobs.get(config.digest)?.toString() ?? '')
  const unpacked = layers.map((layer: typeof config) => digestOf(gunzipSync(blobs.get(layer.digest) ?? '')))
  assert.deepEqual(rootfs.diff_ids, unpacked)
})

test('seeded bytes are pinned: a seed in the message of a failure can be used again', async () => {
  assert.equal(seededBytes('a seed', 8).toString('hex'), '4ceaed0ee5561d23')
  const size = 2_500_000
  const { digest } = await digestOfStream(
    (async function* () {
      yield* seededChunks('a seed', size)
    })(),
  )
  assert.equal(digest, digestOf(seededBytes('a seed', size)))
})

test('an archive is one for tar', async () => {
  await using folder = await temporaryFolder()
  const files = [
    { path: 'bin/program', bytes: seededBytes('a program', 70_000), mode: 0o755 },
    { path: 'empty', bytes: '' },
    { path: `long/${'x'.repeat(95)}`, bytes: 'text' },
  ]
  await writeFile(folder.at('archive.tar'), tarOf(files))
  const { stdout } = await run(program('tar'), ['-C', folder.path, '-tvf', folder.at('archive.tar'), '--utc'])
  assert.match(stdout, /^-rwxr-xr-x 0\/0 +70000 1970-01-01 00:00 bin\/program\n-rw-r--r-- 0\/0 +0 /)
  await run(program('tar'), ['-C', folder.path, '-xf', folder.at('archive.tar')])
  for (const { path, bytes } of files) assert.deepEqual(await readFile(folder.at(path)), Buffer.from(bytes))
})

test('a path that does not fit into the header is refused, not cut', () => {
  assert.throws(() => tarOf([{ path: 'x'.repeat(101), bytes: '' }]), /does not fit/)
})

test('the program of a runnable image runs', async () => {
  await using folder = await temporaryFolder()
  await writeFile(folder.at('hello'), helloProgram('hello\n'), { mode: 0o755 })
  assert.equal((await run(folder.at('hello'), [])).stdout, 'hello\n')
})

test('a layout reads as it was written', async () => {
  await using folder = await temporaryFolder()
  const [one, many] = [makeImage('one'), makeMultiPlatform('many')]
  await writeLayout(folder.path, { one, many })
  const { tags, blobs } = await readLayout(folder.path)
  assert.deepEqual(Object.fromEntries(tags), { one: one.manifest.digest, many: many.manifest.digest })
  assert.equal(blobs.size, 3 + 7)
})

test('a layout with a blob that is not what its name says does not read', async () => {
  await using folder = await temporaryFolder()
  const image = makeImage('one')
  await writeLayout(folder.path, { one: image })
  await writeFile(folder.at('blobs/sha256', hexOf(image.manifest.digest)), 'something else')
  await assert.rejects(readLayout(folder.path), /holds sha256:/)
})

test('a large layer is a gzipped archive, and its image names it', async () => {
  await using folder = await temporaryFolder()
  const size = 3_000_000
  const { layer, config, path, manifest } = await writeLargeImage(folder.path, { seed: 'large', size, tag: 'v1' })
  const { tags, blobs } = await readLayout(folder.path)
  assert.equal(tags.get('v1'), manifest.digest)
  assert.deepEqual(blobs, new Set([layer.digest, config.digest, manifest.digest]))

  const packed = await readFile(path)
  assert.equal(packed.length, layer.size)
  const tar = tarOf([{ path: 'large.bin', bytes: seededBytes('large', size) }])
  assert.equal(digestOf(gunzipSync(packed)), digestOf(tar))
  assert.deepEqual(JSON.parse(config.bytes.toString()).rootfs.diff_ids, [digestOf(tar)])
})
