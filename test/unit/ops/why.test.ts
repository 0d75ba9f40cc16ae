import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Catalog, FailureRecord } from '../../../src/catalog/catalog.ts'
import { traceOf } from '../../../src/ops/trace-of.ts'
import { why } from '../../../src/ops/why.ts'
import { requestTold, standingTold } from '../../../src/ops/why-told.ts'
import type { PullEnd } from '../../../src/registry/activity.ts'
import { CAUSES, remedyOf, sentenceOf } from '../../../src/upstream/upstream.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { attemptOf, failureOf, pullEndOf } from '../../helpers/failures.ts'
import { openTestCatalog } from '../../helpers/test-catalog.ts'

const LAYER = digestOf('a layer')

/** Notes a pull that failed. */
async function note(catalog: Catalog, id: string, of: Partial<PullEnd> = {}): Promise<void> {
  const asker = { id, peer: '192.0.2.7', signal: new AbortController().signal }
  const trace = traceOf(pullEndOf({ outcome: 'failed', failure: failureOf(), ...of, asker }), 2_000)
  assert.ok(trace)
  await catalog.write('noteTroubles', { failures: [], traces: [trace] })
}

function recordOf(of: Partial<FailureRecord> = {}): FailureRecord {
  const failure = failureOf({ ...(of.upstream !== undefined && { upstream: of.upstream }) })
  const facts = JSON.stringify({ ...failure, cause: of.cause ?? failure.cause })
  return {
    ...{ upstream: failure.upstream, route: failure.route, cause: failure.cause, facts },
    ...{ firstAt: 500, lastAt: 1_000, count: 9, since: 900, signs: 2, ...of },
  }
}

describe('of an image, or a request', () => {
  // biome-ignore format: one case a line
  const cases: readonly (readonly [about: string, ids: readonly string[]])[] = [
    ['aaaa000000000001', ['aaaa000000000001']],
    ['aaaa', ['aaaa000000000002', 'aaaa000000000001']],
    ['alpine:3', ['aaaa000000000002', 'aaaa000000000001']],
    ['alpine:2', ['bbbb000000000001', 'aaaa000000000002']],
    ['docker.io/alpine', ['bbbb000000000001', 'aaaa000000000002', 'aaaa000000000001']],
    ['owner/app', ['cccc000000000001']],
    [LAYER, ['aaaa000000000002']],
    ['nginx', []],
  ]
  for (const [about, ids] of cases) {
    test(`${about.replace(LAYER, 'a digest')} is found ${ids.length} times, the newest first; blobs with any tag`, async () => {
      await using catalog = await openTestCatalog()
      await note(catalog, 'aaaa000000000001')
      await note(catalog, 'aaaa000000000002', { kind: 'blob', name: `docker.io/library/alpine@${LAYER}` })
      await note(catalog, 'bbbb000000000001', { name: 'docker.io/library/alpine:2' })
      await note(catalog, 'cccc000000000001', { name: 'ghcr.io/owner/app:1', upstream: 'ghcr.io' })
      const { requests } = await why(catalog, about)
      assert.deepEqual(
        requests.map(({ request }) => request),
        ids,
      )
    })
  }

  test('what stands is told of its upstream, or of the named one, or of all; not what is over or of one image', async () => {
    await using catalog = await openTestCatalog()
    const failures = [
      recordOf(),
      recordOf({ cause: 'timeout', endedAt: 1_500 }),
      recordOf({ cause: 'denied' }),
      recordOf({ upstream: 'ghcr.io' }),
    ]
    await catalog.write('noteTroubles', { failures, traces: [] })
    await note(catalog, 'aaaa000000000001')
    const standing = async (about: string) =>
      (await why(catalog, about)).standing.map(({ upstream, cause }) => `${upstream} ${cause}`)
    assert.deepEqual(await standing('alpine'), ['docker.io proxy-refused'])
    assert.deepEqual(await standing('ghcr.io/owner/app'), ['ghcr.io proxy-refused'])
    assert.deepEqual(await standing('quay.io/owner/app'), [])
    assert.deepEqual(await standing('nginx'), ['docker.io proxy-refused', 'ghcr.io proxy-refused'])
  })
})

async function told(end: Partial<PullEnd>) {
  await using catalog = await openTestCatalog()
  await note(catalog, 'aaaa000000000001', end)
  const [request] = (await why(catalog, 'aaaa000000000001')).requests
  assert.ok(request)
  return requestTold(request)
}

describe('a request is told', () => {
  test('with cause, hop, route, status, bytes, resumes, times, attempts and the remedy', async () => {
    const failure = failureOf({ status: 407, facts: { scheme: 'Basic' } })
    const refused = attemptOf({ hop: 'proxy', cause: 'proxy-refused' })
    const attempts = [refused, { ...refused, ms: 1_200 }, attemptOf({ route: 'direct' })]
    const { row, lines } = await told({ failure, attempts, resumes: 2, ms: { header: 40, total: 1_500 } })
    assert.deepEqual(lines, [
      'docker.io/library/alpine:3: failed',
      '  request   aaaa000000000001 at 1970-01-01T00:00:00.500Z, of 192.0.2.7, for a manifest',
      '  why       docker.io was to be asked at registry-1.docker.io through http://proxy.lan:8080: the proxy answered 407 (Basic)',
      '  remedy    set the right user name and password in the address of the proxy: http://USER:PASSWORD@HOST:PORT',
      '  cause     proxy-refused at proxy of registry-1.docker.io, route http://proxy.lan:8080, status 407',
      '  bytes     500 from docker.io, taken up again 2 times',
      '  time      first header after 40 ms, over after 1.5 s',
      '  tried     proxy of registry-1.docker.io, route http://proxy.lan:8080: proxy-refused, 2 times, 1.2 s together',
      '            manifest of registry-1.docker.io, route direct: 200, 5 ms',
    ])
    const { message, remedy, ...rest } = row
    assert.equal(`${message}; ${remedy}`, sentenceOf(failure))
    assert.deepEqual(rest, {
      ...{ what: 'request', request: 'aaaa000000000001', at: '1970-01-01T00:00:00.500Z', client: '192.0.2.7' },
      ...{ name: 'docker.io/library/alpine:3', kind: 'manifest', outcome: 'failed', upstream: 'docker.io' },
      ...{ cause: 'proxy-refused', hop: 'proxy', route: 'http://proxy.lan:8080', host: 'registry-1.docker.io' },
      ...{
        status: 407,
        facts: { scheme: 'Basic' },
        bytes: 500,
        resumes: 2,
        ms: { header: 40, total: 1_500 },
        attempts,
      },
    })
  })

  test('in the words of sentences.ts, whatever the cause', async () => {
    for (const cause of CAUSES) {
      const failure = failureOf({ cause })
      const { lines } = await told({ failure })
      assert.ok(lines.includes(`  remedy    ${remedyOf(failure)}`), cause)
      assert.equal(lines.filter((line) => line.includes(remedyOf(failure))).length, 1, cause)
    }
  })

  test('without a failure, where it was only slowed, and without attempts, where nobody was asked', async () => {
    const { failure: _, ...slowed } = pullEndOf({ outcome: 'fetched', resumes: 1 })
    const { row, lines } = await told({ ...slowed, failure: undefined as never })
    assert.equal(lines[0], 'docker.io/library/alpine:3: came, not by the first way')
    assert.ok(lines.includes('  bytes     500 from docker.io, taken up again once'))
    assert.equal('cause' in row, false)
    const { lines: none } = await told({ attempts: [], ms: { total: 3 } })
    assert.ok(none.includes('  time      no answer, over after 3 ms'))
    assert.ok(none.includes('  tried     nothing: it was known already, or another request had asked'))
  })

  test('with as many lines of attempts as a person reads', async () => {
    const attempts = Array.from({ length: 100 }, (_, index) => attemptOf({ host: `h${index}` }))
    const { lines, row } = await told({ attempts })
    assert.equal(lines.length, 6 + 1 + 12 + 1)
    assert.equal(lines.at(-1), '            and more: --json has all')
    assert.equal((row['attempts'] as unknown[]).length, 100)
  })
})

test('what stands is told with since when, how often, and the request that met it last', async () => {
  const { facts: _, ...record } = recordOf({ request: 'aaaa000000000001' })
  const standing = { ...record, failure: failureOf({ status: 407 }) }
  const { row, lines } = standingTold(standing)
  assert.deepEqual(lines, [
    'docker.io fails through http://proxy.lan:8080 since 1970-01-01T00:00:00.900Z (proxy-refused)',
    '  why       docker.io was to be asked at registry-1.docker.io through http://proxy.lan:8080: the proxy answered 407',
    '  remedy    set the right user name and password in the address of the proxy: http://USER:PASSWORD@HOST:PORT',
    '  cause     proxy-refused at proxy of registry-1.docker.io, route http://proxy.lan:8080, status 407',
    '  signs     2, the last at 1970-01-01T00:00:01.000Z; request aaaa000000000001 met it last',
    '  before    the first sign ever was at 1970-01-01T00:00:00.500Z; 9 in all',
  ])
  assert.equal(row['what'], 'failing')
  assert.equal(row['count'], 9)
})
