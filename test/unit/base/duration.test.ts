import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration } from '../../../src/base/duration.ts'
import { formatSize, parseSize } from '../../../src/base/size.ts'

// biome-ignore format: one case a line
const durations: [written: string | number, ms: number | undefined][] = [
  ['10s', 10_000], ['1h30m', 5_400_000], ['500ms', 500], ['1.5h', 5_400_000], ['168h', 604_800_000], ['30d', 2_592_000_000],
  ['0', 0], ['0s', 0], [10_000_000_000, 10_000], [0, 0], ['1us', 0.001],
  ['10', undefined], ['', undefined], ['s', undefined], ['-1s', undefined], ['1s x', undefined], [-1, undefined], ['1w', undefined],
]

for (const [written, ms] of durations) {
  test(`the duration ${JSON.stringify(written)} is ${ms === undefined ? 'none' : `${ms} ms`}`, () => {
    assert.equal(parseDuration(written), ms)
    if (ms !== undefined) assert.equal(parseDuration(formatDuration(ms)), ms)
  })
}

// biome-ignore format: one case a line
const sizes: [written: string | number, bytes: number | undefined][] = [
  ['200GiB', 200 * 2 ** 30], ['5GB', 5e9], ['5 MiB', 5 * 2 ** 20], [1024, 1024], ['7', 7], ['7B', 7], ['1.5KiB', 1536],
  ['much', undefined], ['-1', undefined], ['', undefined], ['1iB', undefined], ['1 GIB', undefined],
]

for (const [written, bytes] of sizes) {
  test(`the size ${JSON.stringify(written)} is ${bytes === undefined ? 'none' : `${bytes} bytes`}`, () => {
    assert.equal(parseSize(written), bytes)
    if (bytes !== undefined) assert.equal(parseSize(formatSize(bytes)), bytes)
  })
}
