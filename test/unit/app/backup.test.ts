import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { backUp } from '../../../src/app/backup.ts'
import { openVolume } from '../../../src/app/volume.ts'
import { openLog } from '../../../src/base/log.ts'
import { openReads } from '../../../src/catalog/sqlite-reads.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const DAY = 24 * 60 * 60 * 1000
const FIRST = Date.UTC(2026, 1, 25)
const HELLO = digestOf('hello')
const log = openLog({ level: 'error', write: () => {} })

test('backup: the copy has what was committed before, while the catalog is open and written', async () => {
  await using folder = await temporaryFolder()
  await using volume = await openVolume({ rootdirectory: folder.path, mustexist: false })
  await volume.catalog.write('commitBlob', { repository: 'team/app', digest: HELLO, size: 5 })
  await Promise.all([
    backUp({ root: volume.root, now: FIRST, log }),
    volume.catalog.write('commitBlob', { repository: 'team/other', digest: HELLO, size: 5 }),
  ])
  await using copy = openReads(folder.at('homeport/backups/catalog-2026-02-25.db'), () => assert.fail())
  assert.equal(await copy.blobSize('team/app', HELLO), 5)
  assert.equal(existsSync(folder.at('homeport/catalog.db.copy')), false)
})

test('backup: one a day, and seven are kept', async () => {
  await using folder = await temporaryFolder()
  await using volume = await openVolume({ rootdirectory: folder.path, mustexist: false })
  for (let day = 0; day < 9; day += 1) {
    await backUp({ root: volume.root, now: FIRST + day * DAY, log })
    await backUp({ root: volume.root, now: FIRST + day * DAY + 1, log })
  }
  const names = readdirSync(folder.at('homeport/backups')).sort()
  assert.equal(names.length, 7)
  assert.deepEqual([names[0], names[6]], ['catalog-2026-02-27.db', 'catalog-2026-03-05.db'])
})

test('backup: a catalog that cannot be read whole is no copy, and no older one is let go for it', async () => {
  await using folder = await temporaryFolder()
  const root = folder.path
  {
    await using volume = await openVolume({ rootdirectory: root, mustexist: false })
    for (let day = 0; day < 7; day += 1) await backUp({ root: volume.root, now: FIRST + day * DAY, log })
  }
  truncateSync(folder.at('homeport/catalog.db'), 8192)
  await assert.rejects(backUp({ root, now: FIRST + 8 * DAY, log }), /malformed|damaged/)
  assert.equal(readdirSync(folder.at('homeport/backups')).length, 7)
  assert.equal(existsSync(folder.at('homeport/catalog.db.copy')), false)
})

test("backup: what a killed one left is in nobody's way", async () => {
  await using folder = await temporaryFolder()
  await using volume = await openVolume({ rootdirectory: folder.path, mustexist: false })
  writeFileSync(folder.at('homeport/catalog.db.copy'), 'half')
  mkdirSync(folder.at('homeport/backups'))
  await backUp({ root: volume.root, now: FIRST, log })
  assert.deepEqual(readdirSync(folder.at('homeport/backups')), ['catalog-2026-02-25.db'])
})
