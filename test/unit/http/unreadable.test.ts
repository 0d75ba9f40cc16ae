import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unreadable } from '../../../src/http/server-unreadable.ts'

for (const [code, status] of [
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 431],
  ['HPE_INVALID_METHOD', 400],
  ['ECONNRESET', undefined],
  [undefined, undefined],
] as const) {
  test(`an error ${code} of the connection is answered with ${status ?? 'nothing'}`, () => {
    const error = Object.assign(new Error('of the parser'), code !== undefined && { code })
    assert.equal(unreadable(error)?.status, status)
  })
}

test('a client that begins TLS on the port of plain HTTP is told apart from one that sends nonsense', () => {
  const said = (...bytes: number[]) =>
    unreadable(Object.assign(new Error(), { code: 'HPE_INVALID_METHOD', rawPacket: Buffer.from(bytes) }))?.message
  assert.match(said(0x16, 3, 1) ?? '', /began TLS.*plain HTTP/)
  assert.match(said(0x01, 2, 3) ?? '', /no HTTP/)
})
