import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { sweepAll, sweepFills, upkeepJobs } from '../../../src/app/upkeep.ts'
import { openLog } from '../../../src/base/log.ts'
import type { Sweep, Swept } from '../../../src/registry/sweep-uploads.ts'
import { temporaryFolder } from '../../helpers/temporary.ts'

const NOW = Date.parse('2026-03-01T00:00:00Z')
const AGE = 24 * 60 * 60 * 1000
const OLD = 'docker/registry/v2/repositories/a/_uploads/old'

for (const dryrun of [false, true]) {
  test(`upkeep: old uploads, ours and registry:2's, are ${dryrun ? 'only told' : 'purged, and told'}`, async () => {
    await using place = await volume()
    const { uploads, asked } = scripted([{ id: 'ours', size: 5, what: 'upload' }])
    const purging = { enabled: true, age: AGE, interval: AGE, dryrun }
    const options = { root: place.path, uploads, fills: NO_FILLS, purging, log: place.log, now: () => NOW }
    await sweepAll(options, new AbortController().signal)
    assert.deepEqual(asked, [{ now: NOW, age: AGE, dryRun: dryrun }])
    assert.equal(existsSync(place.at(OLD)), dryrun)
    assert.deepEqual(
      place.lines.map(({ msg, id, path }) => [String(msg).includes('would be purged'), id ?? path]),
      [
        [dryrun, 'ours'],
        [dryrun, OLD],
      ],
    )
  })
}

test('upkeep: where the volume is not, nothing is swept', async () => {
  await using folder = await temporaryFolder()
  const { uploads, asked } = scripted([])
  const purging = { enabled: true, age: AGE, interval: AGE, dryrun: false }
  const log = openLog({ level: 'error', write: () => {} })
  const sweeping = sweepAll(
    { root: folder.path, uploads, fills: NO_FILLS, purging, log, now: () => NOW },
    new AbortController().signal,
  )
  await assert.rejects(sweeping, { code: 'ENOENT' })
  assert.deepEqual(asked, [])
})

test('upkeep: purging that is off is no job; the copy of the catalog is one always', async () => {
  const log = openLog({ level: 'error', write: () => {} })
  const parts = { root: '/nowhere', uploads: scripted([]).uploads, fills: NO_FILLS, log, now: () => NOW }
  const purging = { age: AGE, interval: 3 * AGE, dryrun: false }
  const jobs = (enabled: boolean) => upkeepJobs({ ...parts, purging: { ...purging, enabled } })
  assert.deepEqual(
    jobs(false).map(({ name }) => name),
    ['the copy of the catalog', 'the sweep of downloads'],
  )
  assert.deepEqual(
    jobs(true).map(({ interval }) => interval),
    [60 * 60 * 1000, 3 * AGE, 6 * 60 * 60 * 1000],
  )
})

test('upkeep: downloads that nobody came back for are taken away, and told', async () => {
  await using place = await volume()
  const fills = {
    async *sweep(now: number) {
      assert.equal(now, NOW)
      yield { id: 'old', size: 5 }
    },
  }
  await sweepFills({ root: place.path, fills, log: place.log, now: () => NOW }, new AbortController().signal)
  assert.deepEqual(
    place.lines.map(({ id, size }) => [id, size]),
    [['old', 5]],
  )
})

const NO_FILLS = {
  async *sweep() {},
}

function scripted(swept: readonly Swept[]) {
  const asked: Sweep[] = []
  return {
    asked,
    uploads: {
      async *sweep(sweep: Sweep) {
        asked.push(sweep)
        yield* swept
      },
    },
  }
}

async function volume() {
  const folder = await temporaryFolder()
  mkdirSync(folder.at('homeport'))
  writeFileSync(folder.at('homeport/volume'), 'a volume')
  mkdirSync(folder.at(OLD), { recursive: true })
  writeFileSync(folder.at(OLD, 'startedat'), '2026-02-01T00:00:00Z')
  const lines: Record<string, unknown>[] = []
  const log = openLog({ level: 'info', write: (line) => lines.push(JSON.parse(line)) })
  return { ...folder, lines, log }
}
