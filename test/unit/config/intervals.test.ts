import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatConfig, loadConfig } from '../../../src/config/load.ts'

const LEAST = 'version: 0.1\nstorage: { filesystem: }\nhttp: { addr: "127.0.0.1:5000" }\n'

function intervalOf(written: string): number {
  const text = `${LEAST}health: { storagedriver: { interval: ${written} } }\n`
  return loadConfig({ text, name: 'c.yml' }).config.health.storagedriver.interval
}

// biome-ignore format: one case a line
const taken: [name: string, written: string, ms: number][] = [
  ['with a unit is what it says', '15s', 15_000],
  ['without a unit is in nanoseconds', '15000000000', 15_000],
  ['of nothing is the default', '0', 10_000],
  ['of no seconds is the default', '0s', 10_000],
  ['may be short', '100ms', 100],
]

for (const [name, written, ms] of taken) {
  test(`an interval ${name}`, () => assert.equal(intervalOf(written), ms))
}

for (const written of ['10', '99ms', '0.5ns']) {
  test(`an interval of ${written} is none: it would wear out the disk`, () => {
    const told = /interval: must be 100ms or longer \(a number without a unit is nanoseconds\), not /
    assert.throws(() => intervalOf(written), told)
  })
}

test('an interval of uploads has a default of its own', () => {
  const text = LEAST.replace('filesystem: }', 'filesystem: , maintenance: { uploadpurging: { interval: 0 } } }')
  const { config } = loadConfig({ text, name: 'c.yml' })
  assert.equal(config.storage.maintenance.uploadpurging.interval, 24 * 3_600_000)
  assert.match(formatConfig(config), /interval: 24h/)
})
