import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Log } from '../../../src/base/log.ts'
import { NO_METRICS } from '../../../src/base/metrics.ts'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import { openActivity } from '../../../src/ops/activity.ts'
import { CAUSES, type Failure, sentenceOf } from '../../../src/upstream/upstream.ts'
import { attemptOf, failureOf, pullEndOf } from '../../helpers/failures.ts'
import { SteeredClock } from '../../helpers/steered-clock.ts'
import { openTestCatalog } from '../../helpers/test-catalog.ts'

interface Line {
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** An activity that writes to a catalog of its own, and to a list of lines. */
async function opened(catalog: Pick<Catalog, 'failures' | 'write'>, clock = new SteeredClock()) {
  const lines: Line[] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...fields } })
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as Log
  const options = { log, metrics: NO_METRICS, catalog, now: () => clock.now, sleep: clock.sleep }
  return { lines, clock, ...(await openActivity(options)) }
}

const REFUSED = attemptOf({ hop: 'proxy', cause: 'proxy-refused', status: 407 })
const FAILED = { outcome: 'failed', failure: failureOf({ status: 407 }), attempts: [REFUSED] } as const

describe('the log', () => {
  test('has one line for each failure that a client met, with the cause, hop, route, status and sentence of it', async () => {
    await using catalog = await openTestCatalog()
    const { activity, lines } = await opened(catalog)
    for (let round = 0; round < 2; round += 1) activity.pulled(pullEndOf(FAILED))
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['warn', 'warn'],
    )
    assert.match(lines[0]?.message ?? '', /^docker\.io\/library\/alpine:3: docker\.io was to be asked .* through http:/)
    assert.deepEqual(lines[0]?.fields, {
      'http.request.id': 'bdf816ca985e050d',
      'homeport.upstream': 'docker.io',
      'homeport.name': 'docker.io/library/alpine:3',
      'homeport.kind': 'manifest',
      'homeport.outcome': 'failed',
      'homeport.bytes': 500,
      'homeport.resumes': 0,
      'homeport.attempts': 1,
      'homeport.duration': '15.600ms',
      'homeport.cause': 'proxy-refused',
      'homeport.hop': 'proxy',
      'homeport.route': 'http://proxy.lan:8080',
      'homeport.host': 'registry-1.docker.io',
      'homeport.status': 407,
    })
  })

  test('tells eleven causes apart, and takes only one of them for a mistake of the client', async () => {
    await using catalog = await openTestCatalog()
    const { activity, lines } = await opened(catalog)
    for (const cause of CAUSES) activity.pulled(pullEndOf({ outcome: 'failed', failure: failureOf({ cause }) }))
    assert.deepEqual(
      lines.map(({ fields }) => fields['homeport.cause']),
      [...CAUSES],
    )
    assert.equal(new Set(lines.map(({ message }) => message)).size, CAUSES.length)
    const info = lines.filter(({ level }) => level === 'info').map(({ fields }) => fields['homeport.cause'])
    assert.deepEqual(info, ['not-found'])
  })

  test('says seldom what fails behind or makes answers stale, and how often it did', async () => {
    await using catalog = await openTestCatalog()
    const { activity, lines, clock } = await opened(catalog)
    const what = { name: 'docker.io/library/alpine:3', kind: 'manifest' } as const
    for (let round = 0; round < 1_000; round += 1) activity.failedBehind(failureOf(), what)
    activity.pulled(pullEndOf({ outcome: 'stale', failure: failureOf(), attempts: [] }))
    assert.equal(lines.length, 1)
    activity.failedBehind(failureOf({ cause: 'timeout' }), what)
    activity.failedBehind(failureOf({ route: 'direct' }), what)
    activity.failedBehind(failureOf({ upstream: 'ghcr.io' }), what)
    assert.equal(lines.length, 4)
    clock.now += 10 * 60_000
    activity.failedBehind(failureOf(), what)
    assert.equal(lines.length, 5)
    assert.equal(lines[4]?.fields['homeport.repeated'], 1_000)
  })

  test('says of what came in the end what had failed', async () => {
    await using catalog = await openTestCatalog()
    const { activity, lines } = await opened(catalog)
    activity.pulled(pullEndOf())
    activity.pulled(pullEndOf({ attempts: [REFUSED, REFUSED, attemptOf({ route: 'direct' })], resumes: 2 }))
    assert.deepEqual(
      lines.map(({ level, message }) => `${level} ${message}`),
      [
        'info docker.io/library/alpine:3 came, not by the first way, after 2 resumes: proxy-refused at proxy by http://proxy.lan:8080',
      ],
    )
  })

  test('has one line when it works again, with since when and how often it failed, after a restart too', async () => {
    await using catalog = await openTestCatalog()
    const works = attemptOf()
    {
      await using before = await opened(catalog)
      before.clock.now = 5_000
      before.observer.attempt('docker.io', works)
      for (let round = 0; round < 3; round += 1) before.observer.attempt('docker.io', REFUSED)
      before.activity.pulled(pullEndOf({ ...FAILED, failure: failureOf({ at: 5_000 }) }))
      before.observer.attempt('docker.io', attemptOf({ route: 'direct' }))
      assert.equal(before.lines.length, 1)
    }
    await using after = await opened(catalog)
    after.clock.now = 65_000
    after.observer.attempt('ghcr.io', works)
    for (let round = 0; round < 2; round += 1) after.observer.attempt('docker.io', works)
    assert.deepEqual(after.lines, [
      {
        level: 'info',
        message:
          'docker.io works again through http://proxy.lan:8080, after 3 failures since 1970-01-01T00:00:05.000Z (proxy-refused)',
        fields: {
          'homeport.upstream': 'docker.io',
          'homeport.route': 'http://proxy.lan:8080',
          'homeport.causes': 'proxy-refused',
          'homeport.since': '1970-01-01T00:00:05.000Z',
          'homeport.count': 3,
        },
      },
    ])
    await after.flush()
    assert.equal((await catalog.failures())[0]?.endedAt, 65_000)
  })

  test('says at once what fails behind anew, after it had worked', async () => {
    await using catalog = await openTestCatalog()
    const { activity, observer, lines, clock } = await opened(catalog)
    const what = { name: 'docker.io/library/alpine:3', kind: 'manifest' } as const
    activity.failedBehind(failureOf({ at: clock.now }), what)
    clock.now += 1_000
    observer.attempt('docker.io', attemptOf())
    clock.now += 1_000
    activity.failedBehind(failureOf({ at: clock.now }), what)
    assert.deepEqual(
      lines.map(({ level }) => level),
      ['warn', 'info', 'warn'],
    )
  })

  test('says nothing of the end of what nobody was told of, nor of what was of one image', async () => {
    await using catalog = await openTestCatalog()
    const { activity, observer, lines } = await opened(catalog)
    observer.attempt('docker.io', REFUSED)
    observer.attempt('docker.io', attemptOf())
    activity.pulled(pullEndOf({ outcome: 'failed', failure: failureOf({ cause: 'denied', hop: 'manifest' }) }))
    observer.attempt('docker.io', attemptOf())
    assert.equal(lines.length, 1)
  })
})

describe('the record', () => {
  test('names the proxy that failed where another route brought what was asked for', async () => {
    await using catalog = await openTestCatalog()
    const { observer, flush } = await opened(catalog)
    const facts = { proxy: 'proxy.lan:8080', code: 'ECONNREFUSED' }
    observer.attempt('docker.io', attemptOf({ hop: 'connect', cause: 'connection-refused', facts }))
    await flush()
    const [row] = await catalog.failures()
    assert.match(sentenceOf(JSON.parse(row?.facts ?? '') as Failure), /: the proxy proxy\.lan:8080 takes no connection/)
  })

  test('has one row for each cause, upstream and route, whose signs are the attempts that failed', async () => {
    await using catalog = await openTestCatalog()
    const { activity, observer, flush } = await opened(catalog)
    for (let round = 0; round < 2; round += 1) observer.attempt('docker.io', REFUSED)
    activity.pulled(
      pullEndOf({ ...FAILED, failure: failureOf({ status: 407, at: 1_000_000, facts: { scheme: 'Basic' } }) }),
    )
    // Nobody was asked: it was known.
    const failure = failureOf({ cause: 'rate-limited', hop: 'manifest' })
    activity.pulled(pullEndOf({ outcome: 'failed', failure, attempts: [] }))
    observer.attempt('docker.io', attemptOf({ cause: 'not-found', status: 404 }))
    await flush()
    const rows = await catalog.failures()
    assert.deepEqual(
      rows.map(({ cause, count, request }) => [cause, count, request]),
      [
        ['proxy-refused', 2, 'bdf816ca985e050d'],
        ['rate-limited', 1, 'bdf816ca985e050d'],
      ],
    )
    assert.deepEqual(JSON.parse(rows[0]?.facts ?? '').facts, { scheme: 'Basic' })
  })

  test('is written after a while, many at once, and at the end', async () => {
    await using catalog = await openTestCatalog()
    const writes: number[] = []
    const write: Catalog['write'] = async (name, data) => {
      if ('traces' in data) writes.push(data.traces.length)
      return await catalog.write(name, data)
    }
    const activity = await opened({ failures: () => catalog.failures(), write })
    for (let round = 0; round < 5; round += 1) activity.activity.pulled(pullEndOf(FAILED))
    assert.deepEqual(writes, [])
    assert.equal(activity.clock.sleeping, 1)
    await activity.clock.advance(200)
    assert.deepEqual(writes, [5])
    activity.observer.attempt('docker.io', REFUSED)
    await activity.clock.advance(200)
    assert.deepEqual(writes, [5, 0])
    for (let round = 0; round < 1_500; round += 1) activity.activity.pulled(pullEndOf(FAILED))
    await activity[Symbol.asyncDispose]()
    assert.deepEqual(writes, [5, 0, 1_000])
    assert.equal((await catalog.traces({}, 5_000)).length, 1_000)
  })

  test('that cannot be written is told of once, and is no fault of the pull', async () => {
    let broken = true
    const write = async () => {
      if (broken) throw new Error('the disk is full')
      return undefined as never
    }
    const { activity, flush, lines } = await opened({ failures: async () => [], write })
    const errors = () => lines.filter(({ level }) => level === 'error').length
    for (const [isBroken, expected] of [
      [true, 1],
      [true, 1],
      [false, 1],
      [true, 2],
    ] as const) {
      broken = isBroken
      activity.pulled(pullEndOf(FAILED))
      await flush()
      assert.equal(errors(), expected)
    }
  })
})
