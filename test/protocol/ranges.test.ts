import assert from 'node:assert/strict'
import { digestOf } from '../helpers/digest-of.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { type Case, script, table } from './case.ts'

const BYTES = seededBytes('ranges', 2000)
const DIGEST = digestOf(BYTES)
const BLOB = `GET /v2/team/app/blobs/${DIGEST}`
const EMPTY = digestOf('')

function prepare({ request }: { request: (line: string, options: { body: Uint8Array }) => Promise<unknown> }) {
  return Promise.all([
    request(`POST /v2/team/app/blobs/uploads/?digest=${DIGEST}`, { body: BYTES }),
    request(`POST /v2/team/app/blobs/uploads/?digest=${EMPTY}`, { body: Buffer.alloc(0) }),
  ]).then(() => undefined)
}

/** A range that is served in one part. */
function part(of: string, range: string, [start, end]: readonly [number, number], name = range): Case {
  return {
    ...{ of, name, send: BLOB, headers: { range }, status: 206, bytes: BYTES.subarray(start, end) },
    has: { 'content-range': `bytes ${start}-${end - 1}/2000`, 'content-type': 'application/octet-stream' },
  }
}

function whole(of: string, name: string, headers: Record<string, string>): Case {
  return { of, name, send: BLOB, headers, status: 200, bytes: BYTES, has: { 'content-range': undefined } }
}

function missed(range: string): Case {
  const has = { 'content-range': 'bytes */2000' }
  return { of: '40', name: range, send: BLOB, headers: { range }, status: 416, code: 'RANGE_INVALID', has }
}

table('ranges', { prepare }, [
  part('40', 'bytes=500-1499', [500, 1500]),
  part('40', 'bytes=500-', [500, 2000]),
  part('40', 'bytes=-500', [1500, 2000]),
  part('40', 'bytes=1500-9999', [1500, 2000]),
  part('40', 'bytes=-9999', [0, 2000]),
  part('40', 'bytes=0-0', [0, 1]),
  part('40', 'bytes=1999-1999', [1999, 2000]),
  part('40', 'bytes=0-99999999999999999999999999', [0, 2000]),
  part('41', 'bytes=7-8,', [7, 9], 'a list of one is no multipart'),
  part('41', 'bytes=7-8,5000-', [7, 9], 'what is left of a list after the rest was outside'),
  missed('bytes=2000-'),
  missed('bytes=2000-3000'),
  missed('bytes=500-0'),
  missed('bytes=-0'),
  missed('bytes=2000-,3000-'),
  whole('40', 'another unit is none of ours', { range: 'lines=1-2' }),
  whole('40', 'a range that cannot be read', { range: 'bytes=a-b' }),
  whole('40', 'a range without numbers', { range: 'bytes=-' }),
  whole('40', 'an empty set of ranges', { range: 'bytes=' }),
  whole('40', 'If-Range names other bytes', { range: 'bytes=0-1', 'if-range': `"${EMPTY}"` }),
  whole('40', 'If-Range is a weak validator', { range: 'bytes=0-1', 'if-range': `W/"${DIGEST}"` }),
  whole('40', 'If-Range is a date', { range: 'bytes=0-1', 'if-range': 'Tue, 15 Nov 2022 12:45:26 GMT' }),
  whole('42', 'ranges that ask for more than everything', { range: 'bytes=0-1500,100-1999' }),
  {
    ...{ of: '40', name: 'If-Range names these bytes', send: BLOB, status: 206, bytes: BYTES.subarray(0, 2) },
    headers: { range: 'bytes=0-1', 'if-range': `"${DIGEST}"` },
  },
  {
    ...{ of: '40', name: 'HEAD takes no range', send: BLOB.replace('GET', 'HEAD'), headers: { range: 'bytes=0-1' } },
    ...{ status: 200, has: { 'content-length': '2000', 'content-range': undefined } },
  },
  {
    ...{ of: '40', name: 'an empty blob has no range', send: `GET /v2/team/app/blobs/${EMPTY}` },
    ...{ headers: { range: 'bytes=0-' }, status: 416, code: 'RANGE_INVALID', has: { 'content-range': 'bytes */0' } },
  },
  {
    ...{ of: '42', name: 'more ranges than we take', send: BLOB, status: 400, code: 'BAD_REQUEST' },
    headers: { range: `bytes=${Array.from({ length: 4000 }, () => '0-0').join(',')}` },
  },
])

script('41', 'several ranges come as parts, as many and in the order as asked for', async (registry) => {
  await prepare(registry)
  const asked = [
    [900, 910],
    [0, 1],
    [900, 910],
    [1999, 2000],
  ] as const
  const range = `bytes=${asked.map(([start, end]) => `${start}-${end - 1}`).join(', ')}`
  const { status, headers, bytes } = await registry.request(BLOB, { headers: { range } })
  assert.equal(status, 206)
  const [, boundary = ''] =
    /^multipart\/byteranges; boundary=([A-Za-z0-9-]{1,70})$/.exec(String(headers['content-type'])) ?? []
  const expected = asked.map(([start, end]) =>
    [
      `--${boundary}`,
      'Content-Type: application/octet-stream',
      `Content-Range: bytes ${start}-${end - 1}/2000`,
      '',
      BYTES.toString('latin1', start, end),
    ].join('\r\n'),
  )
  assert.equal(bytes.toString('latin1'), `${expected.join('\r\n')}\r\n--${boundary}--\r\n`)
})

script('42', 'a thousand parts in a header of 60 KiB come as they were asked for', async (registry) => {
  await prepare(registry)
  const spans = Array.from({ length: 1000 }, (_, index) => `${index * 2}-${index * 2}`)
  const range = `bytes=${spans.join(`,${' '.repeat(52)}`)}`
  assert.ok(range.length > 60 * 1000)
  const { status, text } = await registry.request(BLOB, { headers: { range } })
  assert.equal(status, 206)
  assert.equal(text.match(/Content-Range: bytes \d+-\d+\/2000/g)?.length, 1000)
})
