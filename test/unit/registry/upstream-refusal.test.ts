import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANSWERS, errorResponse } from '../../../src/http/error-response.ts'
import { notCached, refusalOf } from '../../../src/registry/upstream-refusal.ts'
import { CAUSES, type Cause, sentenceOf } from '../../../src/upstream/upstream.ts'
import { failureOf } from '../../helpers/memory-upstream.ts'

const CONTEXT = { missing: 'manifest-unknown', now: 1_000_000 } as const

const STATUSES: Readonly<Record<Cause, readonly [status: number, code: string]>> = {
  'name-not-resolved': [502, 'UNAVAILABLE'],
  'connection-refused': [502, 'UNAVAILABLE'],
  'proxy-refused': [502, 'UNAVAILABLE'],
  'tls-untrusted': [502, 'UNAVAILABLE'],
  'credentials-rejected': [403, 'DENIED'],
  denied: [403, 'DENIED'],
  blocked: [403, 'DENIED'],
  'not-found': [404, 'MANIFEST_UNKNOWN'],
  'rate-limited': [429, 'TOOMANYREQUESTS'],
  'upstream-broken': [502, 'UNAVAILABLE'],
  timeout: [504, 'UNAVAILABLE'],
}

for (const cause of CAUSES) {
  const [status, code] = STATUSES[cause]
  test(`${cause} of an upstream is ${status} ${code}, with its sentence and its parts (S8, S10, FC-11)`, () => {
    const facts = { said: 'no', proxy: 'proxy.lan:8080' }
    const { failure } = failureOf(cause, { hop: 'token', route: 'http://proxy.lan:8080', status: 418, facts })
    const refusal = refusalOf(failure, CONTEXT)
    assert.deepEqual(ANSWERS[refusal.kind], { status, code })
    assert.ok(refusal.message.endsWith(`: ${sentenceOf(failure)}`), refusal.message)
    const parts = { hop: 'token', upstream: 'docker.io', route: 'http://proxy.lan:8080', status: 418 }
    assert.deepEqual(refusal.facts.detail, { cause, ...parts, ...facts })
    const { headers } = errorResponse(refusal, 'id').reply
    assert.equal(headers['www-authenticate'], undefined)
    assert.equal(headers['retry-after'], cause === 'rate-limited' ? '60' : undefined)
  })
}

test('what is missing is called what was asked for', () => {
  const { failure } = failureOf('not-found')
  for (const missing of ['manifest-unknown', 'blob-unknown', 'name-unknown'] as const) {
    assert.equal(refusalOf(failure, { ...CONTEXT, missing }).kind, missing)
  }
})

// biome-ignore format: one case a line
const RETRIES: readonly (readonly [retryAt: number, seconds: number])[] = [
  [1_000_000 + 1, 1], [1_000_000 + 1000, 1], [1_000_000 + 1001, 2], [1_000_000 + 60_000, 60], [1_000_000, 1], [0, 1],
]
for (const [retryAt, seconds] of RETRIES) {
  test(`asked again at ${retryAt}: Retry-After is ${seconds} (S10)`, () => {
    assert.equal(
      refusalOf(failureOf('rate-limited', { facts: { retryAt } }).failure, CONTEXT).facts.retryAfter,
      seconds,
    )
  })
}

test('the answer says since when the upstream fails (FC-25)', () => {
  const { message, facts } = refusalOf(failureOf('timeout').failure, { ...CONTEXT, since: 0 })
  assert.match(message, /\(failing since 1970-01-01T00:00:00\.000Z\)$/)
  assert.equal((facts.detail as { since: string }).since, '1970-01-01T00:00:00.000Z')
})

test('what is not cached, and may not be asked for, says which setting keeps it from being asked', () => {
  const [one, other] = [
    notCached('docker.io/a:1', 'docker.io', 'cacheonly'),
    notCached('docker.io/a:1', 'docker.io', 'offline'),
  ]
  assert.deepEqual([ANSWERS[one.kind].status, ANSWERS[one.kind].code], [503, 'UNAVAILABLE'])
  assert.match(one.message, /docker\.io\/a:1; upstreams\.docker\.io\.cacheonly is set$/)
  assert.match(other.message, /egress\.offline is set$/)
})
