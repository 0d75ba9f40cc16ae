import assert from 'node:assert/strict'
import { test } from 'node:test'
import { salvage } from '../../../src/catalog/salvage.ts'
import { openDatabase } from '../../../src/catalog/sqlite.ts'
import { openWriter } from '../../../src/catalog/writer.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

test('a cached repository is found again in an old catalog, by the name of its upstream with a port, too', async () => {
  await using folder = await temporaryFolder()
  const path = folder.at('catalog.db')
  const database = openDatabase(path)
  const write = openWriter(database)
  const bytes = Buffer.from('a manifest')
  const digest = digestOf(bytes)
  const manifest = { mediaType: 'application/vnd.oci.image.manifest.v1+json', references: [] }
  const names = ['docker.io/library/alpine', 'lab.example:5000/team/app']
  for (const repository of names) {
    await write('putCachedManifest', { repository, digest, bytes, manifest, tag: '3', at: 5 })
  }
  database.close()
  const { repositories, losses } = salvage(path)
  assert.deepEqual(losses, [])
  const found = repositories.map(({ name, kind, tags }) => ({ name, kind, tags }))
  assert.deepEqual(
    found,
    names.map((name) => ({ name, kind: 'cached', tags: [{ name: '3', digest, at: 5, confirmedAt: 5 }] })),
  )
})

test('what an upstream said of a tag, and when, is found again and taken over; an old catalog that lacks it lost nothing', async () => {
  await using folder = await temporaryFolder()
  const paths = [folder.at('catalog.db'), folder.at('new.db')] as const
  const databases = [openDatabase(paths[0]), openDatabase(paths[1])] as const
  const [write, take] = [openWriter(databases[0]), openWriter(databases[1])]
  const bytes = Buffer.from('a manifest')
  const digest = digestOf(bytes)
  const manifest = { mediaType: 'application/vnd.oci.image.manifest.v1+json', references: [] }
  const repository = 'docker.io/library/alpine'
  for (const tag of ['kept', 'gone'])
    await write('putCachedManifest', { repository, digest, bytes, manifest, tag, at: 5 })
  await write('markTagGone', { repository, tag: 'gone', digest, at: 7 })
  const tagsIn = (path: string) => salvage(path).repositories[0]?.tags
  const tags = [
    { name: 'gone', digest, at: 5, confirmedAt: 5, goneAt: 7 },
    { name: 'kept', digest, at: 5, confirmedAt: 5 },
  ]
  assert.deepEqual(tagsIn(paths[0]), tags)

  const manifests = [{ digest, bytes, manifest, pinned: false, at: 5 }]
  await take('adopt', {
    repository,
    kind: 'cached',
    blobs: [{ digest, size: bytes.length }],
    manifests,
    tags,
    complete: true,
  })
  assert.deepEqual(tagsIn(paths[1]), tags)

  databases[0].exec('alter table tags drop column confirmed_at; alter table tags drop column gone_at')
  assert.deepEqual(salvage(paths[0]).losses, [])
  assert.deepEqual(
    tagsIn(paths[0]),
    tags.map(({ name, at }) => ({ name, digest, at })),
  )
  for (const database of databases) database.close()
})
