import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { logRequest, type RequestEnd } from '../../../src/http/request-log.ts'
import { requestEnd } from '../../helpers/request-end.ts'

function logged(end: RequestEnd) {
  const lines: { level: string; message: string; fields: Readonly<Record<string, unknown>> }[] = []
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    lines.push({ level, message, fields })
  logRequest({ info: at('info'), error: at('error') }, end)
  assert.equal(lines.length, 1)
  return lines[0] as (typeof lines)[number]
}

const FAILURE = { code: 'MANIFEST_UNKNOWN', message: 'Manifest is not in this repository', detail: { tag: 'latest' } }

describe('the line of a request', () => {
  test("has registry:2's names", () => {
    const { fields } = logged(requestEnd({ headers: { referer: 'r', 'content-type': 'c' } }))
    assert.deepEqual(fields, {
      'http.request.id': '0123456789abcdef',
      'http.request.method': 'GET',
      'http.request.host': 'reg.example:5000',
      'http.request.uri': '/v2/team/app/manifests/latest',
      'http.request.referer': 'r',
      'http.request.useragent': 'tests/1',
      'http.request.contenttype': 'c',
      'http.request.remoteaddr': '10.0.0.1:5123',
      'http.response.status': 200,
      'http.response.written': 1234,
      'http.response.duration': '0.500ms',
      'http.response.contenttype': 'application/json',
      'auth.user.name': 'ann',
      'vars.name': 'team/app',
      'vars.reference': 'latest',
    })
  })

  test('calls the id of an upload as registry:2 does', () => {
    const { fields } = logged(requestEnd({ outcome: { params: { name: 'app', id: 'u1' } } }))
    assert.equal(fields['vars.uuid'], 'u1')
  })

  test('names what is cached in one way, whatever the client called it', () => {
    const located = { repository: 'docker.io/library/alpine', upstream: 'docker.io', namespace: 'docker.io' }
    const { fields } = logged(requestEnd({ outcome: { params: { name: 'alpine' }, located } }))
    assert.deepEqual(
      [fields['homeport.upstream'], fields['homeport.repository'], fields['vars.name']],
      ['docker.io', 'docker.io/library/alpine', 'alpine'],
    )
    const hosted = logged(requestEnd({ outcome: { located: { repository: 'team/app' } } }))
    assert.deepEqual(
      Object.keys(hosted.fields).filter((name) => name.startsWith('homeport.')),
      [],
    )
  })

  test('has a refusal as registry:2 writes it, and is no fault of ours', () => {
    const { level, message, fields } = logged(requestEnd({ status: 404, outcome: { failure: FAILURE } }))
    assert.deepEqual([level, message], ['info', 'response completed with error'])
    assert.equal(fields['err.code'], 'manifest unknown')
    assert.equal(fields['err.message'], FAILURE.message)
    assert.deepEqual(fields['err.detail'], { tag: 'latest' })
  })

  test('has no name and password that stand in an address', () => {
    const headers = { host: 'ann:secret@reg', referer: 'https://ann:secret@a/b@c' }
    const { fields } = logged(requestEnd({ target: 'http://ann:secret@reg/v2/?q=a@b', headers }))
    assert.equal(fields['http.request.uri'], 'http://***@reg/v2/?q=a@b')
    assert.equal(fields['http.request.host'], '***@reg')
    assert.equal(fields['http.request.referer'], 'https://***@a/b@c')
  })

  test('is an error with a fault', () => {
    const fault = new Error('broken')
    const failure = { code: 'UNKNOWN', message: 'Something went wrong', fault }
    const { level, fields } = logged(requestEnd({ status: 500, outcome: { failure } }))
    assert.deepEqual([level, fields['error']], ['error', fault])
  })

  for (const [ending, told] of [
    ['left', 'the client left before the end'],
    ['idle', 'the client neither sent nor took anything, and was cut off'],
  ] as const) {
    test(`is 499 where ${told}`, () => {
      const { level, fields } = logged(requestEnd({ ending }))
      assert.deepEqual([level, fields['http.response.status'], fields['err.message']], ['info', 499, told])
    })
  }

  test('takes what a client wrote only so far', () => {
    const long = 'x'.repeat(9000)
    const end = requestEnd({ target: long, headers: { 'user-agent': long }, outcome: { params: { name: long } } })
    for (const value of Object.values(logged(end).fields)) assert.ok(String(value).length <= 2048)
  })
})
