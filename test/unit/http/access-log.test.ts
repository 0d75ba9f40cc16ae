import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { combinedLog, structuredLog } from '../../../src/http/access-log.ts'
import type { RequestEnd } from '../../../src/http/request-log.ts'
import { requestEnd } from '../../helpers/request-end.ts'

const NOON = Date.UTC(2026, 0, 5, 12, 3, 9, 250)

function combined(end: RequestEnd): string {
  const lines: string[] = []
  combinedLog(
    (line) => lines.push(line),
    () => NOON,
  )(end)
  return lines.join('')
}

function fromAddress(peer: string): RequestEnd {
  const end = requestEnd()
  return { ...end, arrival: { ...end.arrival, peer } }
}

const BEGIN = '10.0.0.1 - ann [05/Jan/2026:12:03:09 +0000] "GET /v2/team/app/manifests/latest HTTP/1.1"'

describe('the access log', () => {
  // biome-ignore format: one request a line
  const cases: readonly (readonly [name: string, end: RequestEnd, line: string])[] = [
    ['is Apache\'s combined', requestEnd(), `${BEGIN} 200 1234 "" "tests/1"`],
    ['has who sent the client', requestEnd({ headers: { referer: 'http://a/' } }), `${BEGIN} 200 1234 "http://a/" "tests/1"`],
    ['has nobody where nobody signed in', requestEnd({ status: 401, outcome: { account: '' } }), BEGIN.replace('ann', '-').concat(' 401 1234 "" "tests/1"')],
    ['says 499 of a client that left', requestEnd({ ending: 'left' }), `${BEGIN} 499 1234 "" "tests/1"`],
    ['keeps a client within its quotes', requestEnd({ headers: { 'user-agent': 'a" b\\ c\u0085\u001b' } }), `${BEGIN} 200 1234 "" "a\\" b\\\\ c\\x85\\x1b"`],
    ['keeps a user within a word', requestEnd({ outcome: { account: 'ann lee' } }), `${BEGIN.replace('ann', 'ann\\x20lee')} 200 1234 "" "tests/1"`],
    ['takes an address of IPv6', fromAddress('::1'), `${BEGIN.replace('10.0.0.1', '::1')} 200 1234 "" "tests/1"`],
    ['has no address where there is none', fromAddress(''), `${BEGIN.replace('10.0.0.1', '-')} 200 1234 "" "tests/1"`],
    ['says whatever a client asks for, up to a limit', requestEnd({ target: `/${'x'.repeat(9000)}` }), `${BEGIN.replace(/\/v2.*latest/, `/${'x'.repeat(2047)}`)} 200 1234 "" "tests/1"`],
  ]

  for (const [name, end, line] of cases) test(name, () => assert.equal(combined(end), `${line}\n`))

  test('has the time of each request', () => {
    const lines: string[] = []
    let now = NOON
    const log = combinedLog(
      (line) => lines.push(line),
      () => now,
    )
    log(requestEnd())
    now += 1_000
    log(requestEnd())
    assert.deepEqual(
      lines.map((line) => /\[(.*)\]/.exec(line)?.[1]),
      ['05/Jan/2026:12:03:09 +0000', '05/Jan/2026:12:03:10 +0000'],
    )
  })

  test('has the fields of the log where it is an object a line', () => {
    const lines: unknown[] = []
    structuredLog({ info: (fields, message) => lines.push([message, fields]) })(requestEnd())
    const [[message, fields]] = lines as [[string, Record<string, unknown>]]
    assert.equal(message, 'access')
    assert.equal(fields['http.request.id'], '0123456789abcdef')
    assert.equal(fields['auth.user.name'], 'ann')
  })
})
