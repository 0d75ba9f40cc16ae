import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { partsOf, traceOf } from '../../../src/ops/trace-of.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { attemptOf, failureOf, pullEndOf } from '../../helpers/failures.ts'

const REFUSED = attemptOf({ hop: 'proxy', cause: 'proxy-refused', status: 407 })

describe('a trace is kept', () => {
  // biome-ignore format: one case a line
  const cases = [
    ['not of what was served from here', { outcome: 'hit', attempts: [] }, false],
    ['not of what came by the first way', {}, false],
    ['not of what there is not, where that is an answer', { attempts: [attemptOf({ cause: 'not-found', status: 404 }), attemptOf()] }, false],
    ['of what failed', { outcome: 'failed', failure: failureOf() }, true],
    ['not of what failed for another reason than an upstream', { outcome: 'failed', attempts: [REFUSED] }, false],
    ['of what was served stale', { outcome: 'stale', failure: failureOf(), attempts: [] }, true],
    ['of what came by a second route', { attempts: [REFUSED, attemptOf({ route: 'direct' })] }, true],
    ['of what was confirmed by a second route', { outcome: 'hit', attempts: [REFUSED, attemptOf({ route: 'direct' })] }, true],
    ['of a download that was resumed', { kind: 'blob', resumes: 1 }, true],
  ] as const
  for (const [of, end, kept] of cases) test(of, () => assert.equal(traceOf(pullEndOf(end), 9) !== undefined, kept))

  test('with all that is known of it', () => {
    const failure = failureOf({ status: 407 })
    assert.deepEqual(traceOf(pullEndOf({ outcome: 'failed', failure, attempts: [REFUSED] }), 1_015.6), {
      ...{ request: 'bdf816ca985e050d', at: 1_000, client: '192.0.2.7', upstream: 'docker.io', kind: 'manifest' },
      ...{ outcome: 'failed', repository: 'docker.io/library/alpine', reference: '3', bytes: 500, resumes: 0 },
      ...{
        cause: 'proxy-refused',
        hop: 'proxy',
        route: 'http://proxy.lan:8080',
        status: 407,
        headerMs: 12,
        totalMs: 16,
      },
      ...{ facts: JSON.stringify(failure), attempts: JSON.stringify([REFUSED]) },
    })
  })
})

const DIGEST = digestOf('a layer')
for (const [name, kind, repository, reference] of [
  ['docker.io/library/alpine:3', 'manifest', 'docker.io/library/alpine', '3'],
  [`docker.io/library/alpine@${DIGEST}`, 'blob', 'docker.io/library/alpine', DIGEST],
  ['lab.example:5000/app', 'tags', 'lab.example:5000/app', ''],
  ['lab.example:5000/app', 'manifest', 'lab.example:5000/app', ''],
  ['lab.example:5000/app:v1', 'manifest', 'lab.example:5000/app', 'v1'],
] as const) {
  test(`${name.replace(DIGEST, 'DIGEST')} is of ${repository}`, () => {
    assert.deepEqual(partsOf(name, kind), { repository, reference })
  })
}
