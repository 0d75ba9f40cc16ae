import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { oldUploadsIn, removeOldUpload } from '../../../src/registry/link-files-uploads.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const HOME = 'docker/registry/v2/repositories/team/app/_uploads'

test("registry:2's own uploads: those begun before are found; one that does not say when stays", async () => {
  await using folder = await temporaryFolder()
  for (const [id, startedAt] of [
    ['old', '2026-01-01T00:00:00Z'],
    ['new', '2026-01-09T00:00:00Z'],
    ['broken', 'yesterday'],
    ['silent', undefined],
  ] as const) {
    mkdirSync(folder.at(HOME, id, 'hashstates/sha256'), { recursive: true })
    writeFileSync(folder.at(HOME, id, 'data'), 'half')
    if (startedAt !== undefined) writeFileSync(folder.at(HOME, id, 'startedat'), startedAt)
  }
  const found: string[] = []
  for await (const path of oldUploadsIn(folder.path, Date.parse('2026-01-05T00:00:00Z'))) found.push(path)
  assert.deepEqual(found, [`${HOME}/old`])
  await removeOldUpload(folder.path, `${HOME}/old`)
  assert.deepEqual(
    ['old', 'new', 'broken', 'silent'].filter((id) => existsSync(folder.at(HOME, id))),
    ['new', 'broken', 'silent'],
  )
})
