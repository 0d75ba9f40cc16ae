import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FailureRecord } from '../../../src/catalog/catalog.ts'
import { afterSign, endsFailure, failureIn } from '../../../src/ops/signs.ts'
import { attemptOf, failureOf } from '../../helpers/failures.ts'

const KEY = { upstream: 'docker.io', route: 'http://proxy.lan:8080', cause: 'proxy-refused' }

function recordOf(of: Partial<FailureRecord> = {}): FailureRecord {
  const times = { firstAt: 1_000, lastAt: 1_000, count: 1, since: 1_000, signs: 1 }
  return { ...KEY, ...times, facts: JSON.stringify(failureOf()), ...of }
}

describe('what is known of a failure', () => {
  test('begins with its first sign, which counts once even where its attempts were counted', () => {
    for (const count of [0, 1]) assert.deepEqual(afterSign(undefined, { failure: failureOf(), count }), recordOf())
  })

  test('goes on with each sign, and has the request that met it last', () => {
    const failure = failureOf({ at: 2_000 })
    const met = afterSign(recordOf({ request: 'a' }), { failure, count: 3, request: 'b' })
    const facts = JSON.stringify(failure)
    assert.deepEqual(met, recordOf({ lastAt: 2_000, count: 4, signs: 4, request: 'b', facts }))
    assert.equal(afterSign(met, { failure, count: 1 }).request, 'b')
  })

  test('begins anew when it fails after it worked, and keeps its first sign and its count', () => {
    const failure = failureOf({ at: 9_000 })
    const again = afterSign(recordOf({ endedAt: 8_000, count: 5, signs: 4 }), { failure, count: 1 })
    const facts = JSON.stringify(failure)
    assert.deepEqual(again, recordOf({ lastAt: 9_000, since: 9_000, count: 6, signs: 1, facts }))
  })

  test('stays over where somebody is told late of what was before', () => {
    const over = recordOf({ endedAt: 8_000, count: 5 })
    const late = afterSign(over, { failure: failureOf({ at: 7_000 }), count: 1, request: 'b' })
    assert.deepEqual(late, { ...over, request: 'b' })
  })

  test('keeps what was told of it while an attempt, which tells less, shows the same', () => {
    const before = recordOf({ facts: JSON.stringify(failureOf({ status: 407, facts: { scheme: 'Basic' } })) })
    const same = afterSign(before, { failure: failureOf({ status: 407, at: 2_000 }), count: 1 })
    assert.deepEqual(failureIn(same.facts), failureOf({ status: 407, at: 2_000, facts: { scheme: 'Basic' } }))
    const other = afterSign(before, { failure: failureOf({ status: 502, at: 2_000 }), count: 1 })
    assert.deepEqual(failureIn(other.facts).facts, {})
  })
})

describe('a failure is over when', () => {
  const dead = failureOf({ cause: 'connection-refused', hop: 'connect' })
  const rejected = failureOf({ cause: 'credentials-rejected', hop: 'manifest', status: 401 })
  const cdn = failureOf({ cause: 'blocked', hop: 'cdn', host: 'cdn.example', status: 403 })
  // biome-ignore format: one case a line
  const cases = [
    ['the same host answers by the same route', dead, attemptOf(), true],
    ['not when another route works', dead, attemptOf({ route: 'direct' }), false],
    ['not when another host answers', dead, attemptOf({ host: 'auth.docker.io', hop: 'token' }), false],
    ['not when it fails again', dead, attemptOf({ cause: 'connection-refused', hop: 'connect' }), false],
    ['the host was reached, and says that there is no such image', dead, attemptOf({ cause: 'not-found', status: 404 }), true],
    ['the host was reached, and asks for a token', dead, attemptOf({ status: 401 }), true],
    ['not when all that comes is an error of the other side', dead, attemptOf({ cause: 'upstream-broken', status: 502 }), false],
    ['not when a HEAD, whose answer may be any, is met by such an error', dead, attemptOf({ status: 502 }), false],
    ['not for rejected credentials, when it asks for a token', rejected, attemptOf({ status: 401 }), false],
    ['credentials are taken', rejected, attemptOf(), true],
    ['any CDN works, where one did not', cdn, attemptOf({ hop: 'cdn', host: 'other.example' }), true],
    ['not for a CDN, when the registry answers', cdn, attemptOf({ status: 307 }), false],
  ] as const
  for (const [when, failure, made, expected] of cases) {
    test(when, () => assert.equal(endsFailure(failure, made), expected))
  }
})
