import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBody } from '../../../src/http/read-body.ts'

const LIMIT = 4 * 1024 * 1024

async function* pieces(count: number, size = 1): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield Buffer.alloc(size, index % 251)
}

test('a body that comes byte by byte is read whole, and in order (T1)', async () => {
  const body = await readBody(pieces(20_000), { headers: {}, limit: LIMIT })
  assert.equal(body.length, 20_000)
  assert.ok(body.every((byte, index) => byte === index % 251))
})

test('a body that never ends is read up to the limit, and no further (T1)', async () => {
  let yielded = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yielded += 65_536
      yield Buffer.alloc(65_536)
    }
  }
  await assert.rejects(readBody(endless(), { headers: {}, limit: LIMIT }), { kind: 'manifest-too-large' })
  assert.ok(yielded <= LIMIT + 65_536, `${yielded} bytes were taken`)
})

test('a body whose length is over the limit is not begun (T1)', async () => {
  const begun = { value: false }
  async function* body(): AsyncGenerator<Uint8Array> {
    begun.value = true
    yield Buffer.alloc(1)
  }
  const headers = { 'content-length': String(LIMIT + 1) }
  await assert.rejects(readBody(body(), { headers, limit: LIMIT }), { kind: 'manifest-too-large' })
  assert.equal(begun.value, false)
})
