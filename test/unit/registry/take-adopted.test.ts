import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Data } from '../../../src/catalog/commands.ts'
import type { CachedUpstream } from '../../../src/registry/cache.ts'
import { takeAdopted } from '../../../src/registry/take-adopted.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { MemoryUpstream } from '../../helpers/memory-upstream.ts'
import { openTestRules } from '../../helpers/test-rules.ts'

const IMAGE_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const upstream = (name: string): CachedUpstream => ({
  upstream: new MemoryUpstream(name),
  revalidate: 1,
  library: true,
})
const upstreams = new Map([
  ['docker.io', upstream('docker.io')],
  ['mirror', upstream('mirror')],
])

const cached = ['library/nginx', 'grafana/grafana', 'tool', 'quay.io/calico/node', 'mirror/app', 'library/taken']

async function volume(cache: { defaultUpstream?: string }) {
  const rules = await openTestRules({ cache: { upstreams, ...cache } })
  const { catalog } = rules
  for (const repository of cached) await catalog.write('adopt', adopted(repository, 'cached'))
  await catalog.write('adopt', adopted('own/app', 'hosted'))
  await catalog.write('adopt', { ...adopted('docker.io/library/taken', 'hosted'), complete: false })
  // Of an upstream without a dot that is configured no longer.
  await catalog.write('adopt', { ...adopted('gone/app', 'cached'), complete: false })
  await catalog.write('endAdoption', { at: 1 })
  return rules
}

test('what a proxying registry:2 cached gets the name that it has as the default upstream’s', async () => {
  await using rules = await volume({ defaultUpstream: 'docker.io' })
  const { catalog, parts } = rules
  const taken = await all(takeAdopted(parts))
  const names = taken.map(({ repository, as, done }) => `${repository} ${as} ${done}`)
  assert.deepEqual(names.sort(), [
    'grafana/grafana docker.io/grafana/grafana true',
    'library/nginx docker.io/library/nginx true',
    'library/taken docker.io/library/taken false',
    'tool docker.io/library/tool true',
  ])
  const { digest } = rowOf('library/nginx')
  assert.equal((await catalog.manifestByTag('docker.io/library/nginx', 'v1'))?.digest, digest)
  const left = (await catalog.repositories({ limit: 99 })).map(({ name }) => name)
  assert.deepEqual(left, [
    ...['docker.io/grafana/grafana', 'docker.io/library/nginx', 'docker.io/library/taken', 'docker.io/library/tool'],
    ...['gone/app', 'library/taken', 'mirror/app', 'own/app', 'quay.io/calico/node'],
  ])
  // Another start finds nothing new to do.
  assert.deepEqual(
    (await all(takeAdopted(parts))).map(({ done }) => done),
    [false],
  )
})

test('its tags are confirmed there like any other, and served as they are where it cannot be asked', async () => {
  await using rules = await volume({ defaultUpstream: 'docker.io' })
  await all(takeAdopted(rules.parts))
  const hub = upstreams.get('docker.io')?.upstream as MemoryUpstream
  hub.failWith('connection-refused')
  const asker = { id: 'a', peer: '', signal: new AbortController().signal }
  const found = await rules.registry.findManifest('docker.io/library/nginx', 'v1', asker)
  assert.match(found.warning ?? '', /served as it was at .*could not be confirmed/)
  assert.deepEqual(hub.asked, ['confirm library/nginx:v1'])
})

test('where there is no default upstream, or adoption has not come to its end, all stays as it lies', async () => {
  await using rules = await volume({})
  assert.deepEqual(await all(takeAdopted(rules.parts)), [])

  await using unfinished = await openTestRules({ cache: { upstreams, defaultUpstream: 'docker.io' } })
  await unfinished.catalog.write('adopt', adopted('library/nginx', 'cached'))
  assert.deepEqual(await all(takeAdopted(unfinished.parts)), [])
})

function rowOf(repository: string) {
  const bytes = Buffer.from(`manifest of ${repository}`)
  return { bytes, digest: digestOf(bytes), manifest: { mediaType: IMAGE_TYPE, references: [] }, pinned: false, at: 1 }
}

function adopted(repository: string, kind: 'hosted' | 'cached'): Data<'adopt'> {
  const row = rowOf(repository)
  const tags = [{ name: 'v1', digest: row.digest, at: 1 }]
  return { repository, kind, blobs: [], manifests: [row], tags, complete: true }
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}
