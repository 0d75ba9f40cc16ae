import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NO_METRICS, openMetrics } from '../../../src/base/metrics.ts'

/** The lines of one metric, without those that explain it. */
async function linesOf(metrics: { text(): Promise<string> }, name: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(name))
}

describe('metrics', () => {
  test('a counter rises by one, or by what is said', async () => {
    const metrics = await openMetrics()
    const count = metrics.counter({ name: 'made_total', help: 'Made', labels: ['kind', 'size'] })
    count({ kind: 'a', size: 's' })
    count({ kind: 'a', size: 's' }, 2)
    count({ size: 's', kind: 'b' })
    assert.deepEqual(await linesOf(metrics, 'made_total'), [
      'made_total{kind="a",size="s"} 3',
      'made_total{kind="b",size="s"} 1',
    ])
  })

  test('one without labels is there before anything happened', async () => {
    const metrics = await openMetrics()
    const count = metrics.counter({ name: 'failures_total', help: 'Failed' })
    assert.deepEqual(await linesOf(metrics, 'failures_total'), ['failures_total 0'])
    count({})
    assert.deepEqual(await linesOf(metrics, 'failures_total'), ['failures_total 1'])
  })

  test('a gauge is what it was last set to, and a reading what it says when asked', async () => {
    const metrics = await openMetrics()
    const set = metrics.gauge({ name: 'level', help: 'Level', labels: ['of'] })
    set({ of: 'water' }, 3)
    set({ of: 'water' }, 2)
    let now = 5
    metrics.reading({ name: 'depth', help: 'Depth', read: () => now })
    now = 6
    assert.deepEqual(await linesOf(metrics, 'level'), ['level{of="water"} 2'])
    assert.deepEqual(await linesOf(metrics, 'depth'), ['depth 6'])
  })

  test('readings have what is told when they are asked, and nothing of what was told before', async () => {
    const metrics = await openMetrics()
    const depths = new Map([['north', 3]])
    metrics.readings({
      ...{ name: 'depths', help: 'Depths', labels: ['of'] },
      *read() {
        for (const [of, value] of depths) yield [{ of }, value]
      },
    })
    assert.deepEqual(await linesOf(metrics, 'depths'), ['depths{of="north"} 3'])
    depths.delete('north')
    for (let index = 0; index < 1_000; index += 1) depths.set(`d${index}`, index)
    const lines = await linesOf(metrics, 'depths')
    assert.equal(lines.length, 500)
    assert.equal(lines[0], 'depths{of="d0"} 0')
  })

  test('a histogram counts up to each bound', async () => {
    const metrics = await openMetrics()
    const observe = metrics.histogram({ name: 'wait_seconds', help: 'Wait', labels: ['on'], buckets: [1, 2] })
    observe({ on: 'disk' }, 0.5)
    observe({ on: 'disk' }, 1.5)
    assert.deepEqual(await linesOf(metrics, 'wait_seconds'), [
      'wait_seconds_bucket{le="1",on="disk"} 1',
      'wait_seconds_bucket{le="2",on="disk"} 2',
      'wait_seconds_bucket{le="+Inf",on="disk"} 2',
      'wait_seconds_sum{on="disk"} 2',
      'wait_seconds_count{on="disk"} 2',
    ])
  })

  test('label values without end, whoever lets them in, end in one line', async () => {
    const metrics = await openMetrics()
    const count = metrics.counter({ name: 'seen_total', help: 'Seen', labels: ['who'] })
    for (let index = 0; index < 10_000; index += 1) count({ who: `client-${index}` })
    const lines = await linesOf(metrics, 'seen_total')
    assert.equal(lines.length, 501)
    assert.ok(lines.includes('seen_total{who="other"} 9500'), lines.at(-1))
  })

  test('those of the process are among them', async () => {
    const text = await (await openMetrics()).text()
    for (const name of ['process_resident_memory_bytes', 'process_open_fds', 'nodejs_eventloop_lag_p99_seconds']) {
      assert.match(text, new RegExp(`^${name} `, 'm'))
    }
  })

  test('where nobody looks, everything may be fed and nothing is kept', async () => {
    NO_METRICS.counter({ name: 'made_total', help: 'Made' })({})
    assert.equal(await NO_METRICS.text(), '')
  })
})
