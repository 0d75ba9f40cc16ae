import assert from 'node:assert/strict'
import type { WireAnswer } from '../helpers/http-answers.ts'
import type { RawSocket } from '../helpers/raw-socket.ts'

/** One request, whatever anybody finds in it. */
interface SmuggleCase {
  readonly name: string
  /** Default: `PUT`, of a manifest. */
  readonly method?: string
  readonly headers: readonly string[]
  readonly body?: string
  /** Ends of the lines of the head. Default: CRLF. */
  readonly eol?: string
  readonly version?: string
}

const LAST = '/v2/the/last/tags/list'
const SMUGGLED = '/v2/smuggled/tags/list'
/** What is in a body and must stay there. */
const HIDDEN = `GET ${SMUGGLED} HTTP/1.1\r\nHost: reg.example\r\n\r\n`
const HEX = HIDDEN.length.toString(16)
/** For who reads chunks it ends before the hidden request, for who reads a length behind it. */
const EMPTY_CHUNKS = `0\r\n\r\n${HIDDEN}`
const LENGTH = `Content-Length: ${EMPTY_CHUNKS.length}`
const HIDDEN_LENGTH = `Content-Length: ${HIDDEN.length}`
const CHUNKED = 'Transfer-Encoding: chunked'

/** Ways to write that a body comes in chunks, that one reads so and another does not. */
const CODINGS = [
  CHUNKED,
  'TRANSFER-ENCODING: CHUNKED',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunkedx',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: chunked;a=b',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding:chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding: \x00chunked',
  'Transfer-Encoding: chunked\t',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  ' Transfer-Encoding: chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding\r\n : chunked',
  'Transfer-Encoding\n: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'X: y\r\n Transfer-Encoding: chunked',
  'Transfer_Encoding: chunked',
  'Transfer Encoding: chunked',
  '\x00Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked',
] as const

const LENGTHS = [
  ['Content-Length: 0', HIDDEN_LENGTH],
  [HIDDEN_LENGTH, 'Content-Length: 0'],
  [HIDDEN_LENGTH, HIDDEN_LENGTH],
  [`Content-Length: 0, ${HIDDEN.length}`],
  [`Content-Length: ${HIDDEN.length}, 0`],
  [`Content-Length: +${HIDDEN.length}`],
  [`Content-Length: -${HIDDEN.length}`],
  [`Content-Length: 0x${HEX}`],
  [`Content-Length: 0${HIDDEN.length}`],
  [`Content-Length : ${HIDDEN.length}`],
  [`Content-Length:\r\n ${HIDDEN.length}`],
  [`Content-Length: ${HIDDEN.length}\r\n 0`],
  [`Content-Length: ${HIDDEN.length} 0`],
  [`Content-Length: ${HIDDEN.length}\x00`],
  [HIDDEN_LENGTH, 'Content_Length: 0'],
  [HIDDEN_LENGTH, 'Connection: Content-Length'],
] as const

/** Bodies in chunks that somebody may find to end elsewhere. */
const CHUNKS = {
  'a chunk that holds a request': `${HEX}\r\n${HIDDEN}\r\n0\r\n\r\n`,
  'an extension': `${HEX};a=b\r\n${HIDDEN}\r\n0;c\r\n\r\n`,
  'an extension in quotes with a line break': `${HEX};a="\r\n${HIDDEN}\r\n0\r\n\r\n`,
  'an extension with a bare line feed': `${HEX};\n${HIDDEN}\r\n0\r\n\r\n`,
  'an extension that holds a request': `2;${HIDDEN.replaceAll('\r\n', ' ')}\r\n{}\r\n0\r\n\r\n`,
  'bare line feeds': `${HEX}\n${HIDDEN}\n0\n\n`,
  'a size with a space': `${HEX} \r\n${HIDDEN}\r\n0\r\n\r\n`,
  'a size in C': `0x${HEX}\r\n${HIDDEN}\r\n0\r\n\r\n`,
  'a size with a sign': `+${HEX}\r\n${HIDDEN}\r\n0\r\n\r\n`,
  'a size with zeros in front': `000000${HEX}\r\n${HIDDEN}\r\n0\r\n\r\n`,
  'a size beyond 64 bits': `100000000000000${HEX}\r\n${HIDDEN}\r\n0\r\n\r\n`,
  'a size that is too small': `1\r\n${HIDDEN}\r\n0\r\n\r\n`,
  'trailers that are a request': `2\r\n{}\r\n0\r\nX: y\r\n${HIDDEN}`,
  'a trailer that is a length': `${HEX}\r\n${HIDDEN}\r\n0\r\nContent-Length: 0\r\n\r\n`,
} as const

/** The corpus. Every body is whole for whoever reads it, so that nobody waits for more. */
const CASES: readonly SmuggleCase[] = [
  ...CODINGS.flatMap((coding) => [
    { name: `a length, and ${JSON.stringify(coding)}`, headers: [LENGTH, coding], body: EMPTY_CHUNKS },
    { name: `${JSON.stringify(coding)}, and a length`, headers: [coding, LENGTH], body: EMPTY_CHUNKS },
  ]),
  {
    name: 'a short length, and a chunk that holds a request',
    headers: ['Content-Length: 4', CHUNKED],
    body: `${HEX}\r\n${HIDDEN}\r\n0\r\n\r\n`,
  },
  ...LENGTHS.map((headers) => ({ name: JSON.stringify(headers), headers, body: HIDDEN })),
  ...Object.entries(CHUNKS).map(([name, body]) => ({ name: `in chunks: ${name}`, headers: [CHUNKED], body })),
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST'].flatMap((method) => [
    { name: `a body with ${method}`, method, headers: [HIDDEN_LENGTH], body: HIDDEN },
    { name: `chunks with ${method}`, method, headers: [CHUNKED], body: `${HEX}\r\n${HIDDEN}\r\n0\r\n\r\n` },
  ]),
  { name: 'a head of bare line feeds', eol: '\n', headers: [HIDDEN_LENGTH], body: HIDDEN },
  { name: 'chunks in HTTP/1.0', version: '1.0', headers: [CHUNKED, LENGTH], body: EMPTY_CHUNKS },
  { name: 'a length in HTTP/1.0', version: '1.0', headers: [HIDDEN_LENGTH], body: HIDDEN },
  { name: 'an upgrade', headers: ['Connection: Upgrade', 'Upgrade: h2c', HIDDEN_LENGTH], body: HIDDEN },
  { name: 'an expectation nobody waits for', headers: ['Expect: 100-continue', HIDDEN_LENGTH], body: HIDDEN },
  { name: 'a request in a header', headers: [`X: ${HIDDEN.replaceAll('\r\n', '%0d%0a')}`] },
  { name: 'a request behind a bare carriage return', headers: [`X: y\r\r${HIDDEN.replaceAll('\r\n', '\r')}`] },
]

export interface Way {
  /** Sends bytes to the proxy. */
  readonly connect: () => Promise<RawSocket>
  /** Of the account that may all. */
  readonly authorization: string
  /** Targets of all requests that Homeport has seen, in the order of its log, when the one given is among them. */
  readonly seen: (target: string) => Promise<readonly string[]>
}

/**
 * Sends the corpus through a proxy, and holds that each request got one answer or a refusal, that the requests of others
 * got theirs, and that Homeport saw nothing but what was sent.
 */
export async function smuggle({ connect, authorization, seen }: Way): Promise<void> {
  const sightOf = async (target: string): Promise<readonly string[]> => {
    using socket = await connect()
    await socket.write(get(target, authorization))
    await socket.answer()
    return await seen(target)
  }
  for (const [number, { name, method = 'PUT', headers, body = '', eol = '\r\n', version = '1.1' }] of CASES.entries()) {
    using socket = await connect()
    const first = `${method} ${targetOf('sent', number)} HTTP/${version}`
    const head = [first, 'Host: reg.example', authorization, 'Content-Type: a/b', ...headers, '', '']
    await socket.write(Buffer.from(head.join(eol) + body, 'latin1'))
    const answer = await finalAnswer(socket, method)
    assert.ok(answer.status <= 501 && answer.status !== 500, `${name}: ${answer.status} ${answer.body}`)
    // It gets the answer that is its own, or none where the connection has ended.
    await socket.write(get(targetOf('next', number), authorization)).catch(() => undefined)
    const next = await finalAnswer(socket, 'GET').catch(() => undefined)
    assert.ok(next === undefined || [400, 404].includes(next.status), `${name}: ${next?.status} ${next?.body}`)
    await socket.ended
    assert.equal(socket.unread.toString('latin1', 0, 200), '', `${name}: an answer to nothing`)

    // Somebody else, by the same connection between the proxy and Homeport.
    using other = await connect()
    await other.write(get('/v2/', authorization))
    assert.equal((await other.answer()).status, 200, `${name}: somebody else got the wrong answer`)
  }

  const targets = await sightOf(LAST)
  const meant = new Set(['/v2/', LAST])
  for (const number of CASES.keys()) for (const what of ['sent', 'next']) meant.add(targetOf(what, number))
  assert.deepEqual(
    targets.filter((target) => !meant.has(target)),
    [],
  )
  const once = targets.filter((target) => target !== '/v2/')
  assert.deepEqual(once, [...new Set(once)], 'none came twice')
  assert.ok(once.filter((target) => target.includes('sent')).length > 20, 'most were refused before they were proven')

  // The net that would have caught one.
  assert.ok((await sightOf(SMUGGLED)).includes(SMUGGLED))
}

function targetOf(what: string, number: number): string {
  return `/v2/${what}-${number}/manifests/x`
}

function get(target: string, authorization: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: reg.example\r\n${authorization}\r\nConnection: close\r\n\r\n`
}

async function finalAnswer(socket: RawSocket, method: string): Promise<WireAnswer> {
  const answer = await socket.answer(method)
  return answer.status < 200 ? await finalAnswer(socket, method) : answer
}
