import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { parseManifest, parseStoredManifest } from '../../../src/oci/manifest.ts'

const OCI = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const SCHEMA2 = 'application/vnd.docker.distribution.manifest.v2+json'
const LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'

function digestOf(text: string): string {
  return `sha256:${hash('sha256', text, 'hex')}`
}

function descriptor(text: string, more: object = {}): object {
  return { mediaType: 'application/octet-stream', digest: digestOf(text), size: text.length, ...more }
}

function bytesOf(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

const image = { schemaVersion: 2, mediaType: OCI, config: descriptor('config'), layers: [descriptor('layer')] }
const index = {
  schemaVersion: 2,
  mediaType: INDEX,
  manifests: [descriptor('child', { platform: { os: 'linux', architecture: 'arm64' } })],
}

// biome-ignore format: one case a line
const accepted: { name: string; body: unknown; type?: string; mediaType: string; references?: string[] }[] = [
  { name: 'an OCI image', body: image, type: OCI, mediaType: OCI, references: ['config', 'layer'] },
  { name: 'a Content-Type with parameters', body: image, type: `${OCI}; charset=utf-8`, mediaType: OCI },
  { name: 'no Content-Type, and a mediaType', body: image, mediaType: OCI },
  { name: 'neither, and the shape of an image', body: { ...image, mediaType: undefined }, mediaType: OCI },
  { name: 'neither, and the shape of an index', body: { ...index, mediaType: undefined }, mediaType: INDEX, references: ['child'] },
  { name: 'a Docker image', body: { ...image, mediaType: SCHEMA2 }, type: SCHEMA2, mediaType: SCHEMA2, references: ['config', 'layer'] },
  { name: 'a Docker list', body: { ...index, mediaType: LIST }, type: LIST, mediaType: LIST, references: ['child'] },
  { name: 'no layers', body: { ...image, layers: [] }, mediaType: OCI, references: ['config'] },
  { name: 'layers that Go wrote as null', body: { ...image, layers: null }, mediaType: OCI, references: ['config'] },
  { name: 'an empty index', body: { ...index, manifests: [] }, mediaType: INDEX, references: [] },
  { name: 'fields that nobody knows', body: { ...image, 'org.example': { a: [1] } }, mediaType: OCI },
  { name: 'an index of layers with a BuildKit cache config', body: { ...index, manifests: [descriptor('layer'), descriptor('c', { mediaType: 'application/vnd.buildkit.cacheconfig.v0' })] }, mediaType: INDEX, references: ['child', 'child'] },
  { name: 'the deprecated artifact manifest', body: { mediaType: 'application/vnd.oci.artifact.manifest.v1+json', blobs: [descriptor('b')] }, mediaType: 'application/vnd.oci.artifact.manifest.v1+json', references: ['layer'] },
  { name: 'a type that nobody knows', body: { hello: 'world' }, type: 'application/vnd.example+json', mediaType: 'application/vnd.example+json', references: [] },
  { name: 'a key named __proto__', body: '{"mediaType":"application/vnd.example+json","__proto__":{"config":1}}', mediaType: 'application/vnd.example+json' },
]

for (const { name, body, type, mediaType, references } of accepted) {
  test(`manifest: ${name} is read`, () => {
    const manifest = parseManifest(bytesOf(body), type)
    assert.equal(manifest.mediaType, mediaType)
    if (references !== undefined)
      assert.deepEqual(
        manifest.references.map(({ kind }) => kind),
        references,
      )
  })
}

// biome-ignore format: one case a line
const refused: { name: string; body: unknown; type?: string }[] = [
  { name: 'what is no JSON', body: 'not json', type: OCI },
  { name: 'nothing', body: '', type: OCI },
  { name: 'a list', body: [], type: OCI },
  { name: 'null', body: 'null', type: OCI },
  { name: 'broken UTF-8', body: '\xff', type: OCI },
  { name: 'a mediaType that is not the Content-Type', body: image, type: SCHEMA2 },
  { name: 'a mediaType with a line break, which would break a header', body: { ...image, mediaType: 'a/b\r\nX: y' } },
  { name: 'a mediaType that ends in a line break', body: { mediaType: 'application/x\n' } },
  { name: 'a mediaType that is no type', body: { mediaType: 'image' } },
  { name: 'a mediaType that is a number', body: { ...image, mediaType: 1 }, type: OCI },
  { name: 'manifests beside layers (T2)', body: { ...image, manifests: [] }, type: OCI },
  { name: 'manifests beside layers, of an unknown type (T2)', body: { ...image, mediaType: 'application/x', manifests: [] } },
  { name: 'an index that is sent as an image (T2)', body: { ...index, mediaType: undefined }, type: OCI },
  { name: 'an image that is sent as an index (T2)', body: { ...image, mediaType: undefined }, type: INDEX },
  { name: 'an image without a config', body: { ...image, config: undefined }, type: OCI },
  { name: 'a layer with an upper-case digest (T28)', body: { ...image, layers: [descriptor('a', { digest: digestOf('a').toUpperCase() })] } },
  { name: 'a layer whose digest is a path (T28)', body: { ...image, layers: [descriptor('a', { digest: 'sha256:../../etc' })] } },
  { name: 'a config of an unknown algorithm (T28)', body: { ...image, config: descriptor('a', { digest: `md5:${'a'.repeat(32)}` }) } },
  { name: 'a subject without a digest (T28)', body: { ...image, subject: { size: 1 } } },
  { name: 'a negative size', body: { ...image, layers: [descriptor('a', { size: -1 })] } },
  { name: 'a size that is no whole number', body: { ...image, layers: [descriptor('a', { size: 1.5 })] } },
  { name: 'layers that are no list', body: { ...image, layers: {} } },
  { name: 'Docker schema 1', body: { schemaVersion: 1, fsLayers: [], signatures: [] }, type: 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
  { name: 'Docker schema 1 under another type', body: { schemaVersion: 1, fsLayers: [] }, type: OCI },
  { name: 'no type, and no shape', body: {} },
]

for (const { name, body, type } of refused) {
  test(`manifest: ${name} is refused`, () => {
    assert.throws(
      () => parseManifest(Buffer.from(typeof body === 'string' ? Buffer.from(body, 'latin1') : bytesOf(body)), type),
      { name: 'Refusal', kind: 'manifest-invalid' },
    )
  })
}

test('manifest: content that is kept elsewhere is optional', () => {
  const layers = [
    descriptor('here'),
    descriptor('urls', { urls: ['https://example.com/x'] }),
    descriptor('foreign', { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }),
    descriptor('nondistributable', { mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' }),
    descriptor('embedded', { data: Buffer.from('embedded').toString('base64') }),
    descriptor('forged', { data: Buffer.from('other').toString('base64') }),
  ]
  const { references } = parseManifest(bytesOf({ ...image, layers }))
  assert.deepEqual(
    references.map(({ optional }) => optional),
    [false, false, true, true, true, true, false],
  )
})

test('manifest: what an unknown type names is remembered, and not asked for', () => {
  const { references } = parseManifest(
    bytesOf({ mediaType: 'application/x', layers: [descriptor('a'), { no: 'descriptor' }] }),
  )
  assert.deepEqual(references, [{ digest: digestOf('a'), kind: 'layer', optional: true }])
})

test('manifest: artifactType is its own, else the type of the config of an image, else none', () => {
  const typed = { ...image, config: descriptor('c', { mediaType: 'application/vnd.config' }) }
  assert.equal(
    parseManifest(bytesOf({ ...typed, artifactType: 'application/vnd.own' })).artifactType,
    'application/vnd.own',
  )
  assert.equal(parseManifest(bytesOf(typed)).artifactType, 'application/vnd.config')
  assert.equal(parseManifest(bytesOf(index)).artifactType, undefined)
})

test('manifest: subject and annotations are kept', () => {
  const subject = descriptor('subject')
  const manifest = parseManifest(bytesOf({ ...index, subject, annotations: { a: 'b', bad: 1 } }))
  assert.equal(manifest.subject, digestOf('subject'))
  assert.deepEqual(manifest.annotations, { a: 'b' })
})

test('manifest: schema 1 that registry:2 stored is served as it lies', () => {
  const stored = { schemaVersion: 1, name: 'a', fsLayers: [{ blobSum: digestOf('layer') }], signatures: [{}] }
  const { mediaType, references } = parseStoredManifest(bytesOf(stored))
  assert.equal(mediaType, 'application/vnd.docker.distribution.manifest.v1+prettyjws')
  assert.deepEqual(
    references.map(({ digest }) => digest),
    [digestOf('layer')],
  )
  assert.equal(
    parseStoredManifest(bytesOf({ ...stored, signatures: undefined })).mediaType,
    'application/vnd.docker.distribution.manifest.v1+json',
  )
})
