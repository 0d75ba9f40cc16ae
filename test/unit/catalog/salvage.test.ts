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
    names.map((name) => ({ name, kind: 'cached', tags: [{ name: '3', digest, at: 5 }] })),
  )
})
