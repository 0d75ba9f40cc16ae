import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Egress, OutboundReply, OutboundRequest } from '../../../src/egress/egress.ts'
import { checkHttp, checkTcp, shownUri } from '../../../src/ops/peer-check.ts'

const URI = 'http://app.test:81/up'
const HEADERS = { 'x-token': ['s'] }

// biome-ignore format: one case a line
const CASES: readonly [of: string, replies: readonly (OutboundReply | Error)[], problem: RegExp | undefined][] = [
  ['the status that was asked for', [reply(200)], undefined],
  ['another status', [reply(500)], /status 500, not 200/],
  ['a redirect to the right status', [redirect('/b'), reply(200)], undefined],
  ['a redirect without a place', [reply(302)], /status 302, not 200/],
  ['redirects for ever', Array.from({ length: 12 }, () => redirect('/again')), /more than 10 times/],
  ['no answer', [new Error('connect ECONNREFUSED')], /did not answer: connect ECONNREFUSED/],
  ['no answer from any address', [new AggregateError([new Error('v6'), new Error('v4')])], /did not answer: v6; v4/],
]

for (const [of, replies, problem] of CASES) {
  test(`http check: ${of}`, async () => {
    const { egress } = scripted(replies)
    const found = await checkHttp(egress, { uri: URI, headers: HEADERS, statuscode: 200, timeout: 1_000 })
    if (problem === undefined) assert.equal(found, undefined)
    else assert.match(found?.message ?? '', problem)
  })
}

test('http check: it asks HEAD, with the headers and the password of its URI, and tells other origins neither', async () => {
  const { egress, asked } = scripted([redirect('/b'), redirect('http://other.test/'), reply(204)])
  const uri = 'http://ann:p%40ss@app.test:81/up'
  assert.equal(await checkHttp(egress, { uri, headers: HEADERS, statuscode: 204, timeout: 1_000 }), undefined)
  const mine = { authorization: `Basic ${Buffer.from('ann:p@ss').toString('base64')}`, ...HEADERS }
  assert.deepEqual(
    asked.map(({ method, url, headers }) => [method, url.host, headers]),
    [
      ['HEAD', 'app.test:81', mine],
      ['HEAD', 'app.test:81', mine],
      ['HEAD', 'other.test', undefined],
    ],
  )
})

test('http check: its URI is shown without the password, and without a token in its place', () => {
  assert.equal(shownUri('http://ann:secret@app.test/up'), 'http://ann:***@app.test/up')
  assert.equal(shownUri('http://token@app.test/up?key=token'), 'http://***@app.test/up?***')
  assert.equal(shownUri(URI), URI)
})

test('tcp check: who takes the connection is sound, and who does not is told with the reason', async () => {
  const to = { host: '127.0.0.1', port: 5, timeout: 50 }
  assert.equal(await checkTcp(scripted([]).egress, to), undefined)
  const refusing: Egress = { ...scripted([]).egress, dial: () => Promise.reject(new Error('refused')) }
  assert.deepEqual(await checkTcp(refusing, to), { message: 'takes no connection: refused' })
})

function reply(status: number, headers: OutboundReply['headers'] = {}): OutboundReply {
  return { status, headers }
}

function redirect(location: string): OutboundReply {
  return reply(302, { location })
}

function scripted(replies: readonly (OutboundReply | Error)[]) {
  const left = [...replies]
  const asked: OutboundRequest[] = []
  const egress: Egress = {
    async head(request) {
      asked.push(request)
      const next = left.shift() ?? assert.fail('asked too often')
      if (next instanceof Error) throw next
      return next
    },
    dial: async () => undefined,
    doorFor: () => assert.fail(),
    [Symbol.asyncDispose]: async () => undefined,
  }
  return { egress, asked }
}
