import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseBasic } from '../../src/auth/basic.ts'
import { allowsRange, etagOf, isUnchanged } from '../../src/http/conditional.ts'
import { senderOf, trustedProxies } from '../../src/http/forwarded.ts'
import { headRefusal } from '../../src/http/request-head.ts'
import { warningHeaders } from '../../src/http/warning.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { makeImage } from '../helpers/images.ts'
import { testRegistry } from '../helpers/test-registry.ts'

const HELLO = digestOf('hello')
/** What Node's parser lets through in a value. */
const values = fc.string({
  unit: fc.constantFrom(
    ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((each) =>
      /[\t\x20-\x7e\x80-\xff]/.test(each),
    ),
  ),
  maxLength: 80,
})

test('Authorization: a name and a password come back as they were sent, in any language', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes(':'))
  fc.assert(
    fc.property(
      name,
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('Basic', 'basic', 'BASIC'),
      (account, password, scheme) => {
        const found = parseBasic(`${scheme} ${Buffer.from(`${account}:${password}`).toString('base64')}`)
        assert.equal(found?.account, account)
        assert.equal(found.password.reveal(), password)
        // A password never prints.
        if (password.length > 3 && !account.includes(password))
          assert.ok(!JSON.stringify(found).includes(JSON.stringify(password).slice(1, -1)))
      },
    ),
    { numRuns: 1000 },
  )
})

test('Authorization: what cannot be read is nobody, and never a fault', () => {
  const broken = fc.oneof(
    values,
    values.map((text) => `Basic ${text}`),
    fc.uint8Array().map((bytes) => `Basic ${Buffer.from(bytes).toString('base64')}`),
  )
  fc.assert(
    fc.property(broken, (header) => {
      const found = parseBasic(header)
      if (found === undefined) return
      const pair = Buffer.from(/^basic +(.*?) *$/i.exec(header)?.[1] ?? '', 'base64')
      assert.equal(`${found.account}:${found.password.reveal()}`, pair.toString())
      assert.ok(!found.account.includes(':'))
    }),
    { numRuns: 2000 },
  )
})

test('Accept: whatever a client would rather have, it gets the bytes that were pushed, as what they are', async () => {
  await using registry = await testRegistry()
  const image = makeImage('accept')
  await registry.push('app', image, 'v1')
  const types = fc.constantFrom(
    '*/*',
    'application/*',
    'text/html',
    image.manifest.mediaType,
    ';q=0',
    ';q=1e9',
    ',',
    ' ',
    '"',
  )
  const accepts = fc.oneof(
    values,
    fc.array(types, { maxLength: 6 }).map((pieces) => pieces.join('')),
  )
  await fc.assert(
    fc.asyncProperty(
      accepts,
      fc.constantFrom('accept', 'accept-encoding', 'accept-language', 'accept-charset'),
      async (value, header) => {
        for (const reference of ['v1', image.manifest.digest]) {
          const { status, headers, bytes } = await registry.request(`GET /v2/app/manifests/${reference}`, {
            headers: { [header]: value },
          })
          assert.equal(status, 200)
          assert.equal(headers['content-type'], image.manifest.mediaType)
          assert.ok(bytes.equals(image.manifest.bytes))
        }
      },
    ),
    { numRuns: 200 },
  )
})

test('If-None-Match and If-Range: only the digest, or everything, is a match', () => {
  const tags = fc.constantFrom(
    etagOf(HELLO),
    HELLO,
    `W/${etagOf(HELLO)}`,
    '*',
    `"${digestOf('other')}"`,
    '""',
    'x',
    ' ',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        values,
        fc.array(tags, { minLength: 1, maxLength: 5 }).map((list) => list.join(', ')),
      ),
      (header) => {
        const unchanged = isUnchanged({ 'if-none-match': header }, HELLO)
        if (!header.includes(HELLO) && !header.includes('*')) assert.equal(unchanged, false)
        const ranged = allowsRange({ 'if-range': header }, HELLO)
        assert.equal(ranged, header.trim() === HELLO || header.trim() === etagOf(HELLO))
      },
    ),
    { numRuns: 1000 },
  )
})

test('heads: whatever Node’s parser takes is taken or refused, and a refusal is short', () => {
  const names = fc.constantFrom('host', 'Host', 'authorization', 'transfer-encoding', 'x', '__proto__', 'constructor')
  const lines = fc.array(fc.tuple(names, values), { maxLength: 6 })
  fc.assert(
    fc.property(lines, fc.constantFrom('1.1', '1.0', '0.9', '2.0'), (headers, httpVersion) => {
      const merged = Object.fromEntries(headers.toReversed().map(([name, value]) => [name.toLowerCase(), value]))
      const refusal = headRefusal({ httpVersion, headers: merged, rawHeaders: headers.flat() })
      if (refusal !== undefined) return assert.ok(refusal.message.length < 400)
      assert.ok(headers.filter(([name]) => name.toLowerCase() === 'host').length <= 1)
      assert.match(String(merged['transfer-encoding'] ?? 'chunked'), /^chunked$/i)
    }),
    { numRuns: 1000 },
  )
})

const proxies = fc.constantFrom('10.0.0.1', '10.200.3.4', '::ffff:10.0.0.9', 'fd00::1')
const others = fc.constantFrom('192.0.2.7', '198.51.100.1', '2001:db8::5')
const trusted = trustedProxies(['10.0.0.0/8', 'fd00::/8'])

test('X-Forwarded-*: a peer that is not trusted is who he is, whatever he writes', () => {
  const names = fc.constantFrom('x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'x-real-ip')
  fc.assert(
    fc.property(
      others,
      fc.dictionary(names, fc.oneof(values, proxies, others), { noNullPrototype: true }),
      (peer, headers) => {
        const { address, forwarded, scheme, host } = senderOf(
          { peer, tls: false, headers: { host: 'reg', ...headers } },
          trusted,
        )
        assert.deepEqual([address, forwarded, scheme, host], [peer, false, 'http', 'reg'])
        assert.equal(senderOf({ peer, tls: true, headers }, undefined).address, peer)
      },
    ),
    { numRuns: 500 },
  )
})

test('X-Forwarded-For: what a client writes before the proxies add him changes nothing', () => {
  fc.assert(
    fc.property(values, others, fc.array(proxies, { maxLength: 3 }), proxies, (written, client, chain, peer) => {
      const for_ = [written, client, ...chain].join(', ')
      const sender = senderOf({ peer, tls: false, headers: { 'x-forwarded-for': for_ } }, trusted)
      assert.deepEqual([sender.address, sender.forwarded], [client, true])
    }),
    { numRuns: 500 },
  )
})

test('X-Forwarded-*: whatever a trusted proxy passes on, the sender has an address, a scheme and a host that may be one', () => {
  fc.assert(
    fc.property(proxies, values, values, values, (peer, chain, scheme, host) => {
      const headers = { 'x-forwarded-for': chain, 'x-forwarded-proto': scheme, 'x-forwarded-host': host }
      const sender = senderOf({ peer, tls: false, headers }, trusted)
      assert.match(sender.address, /^[0-9a-f:.]+$/i)
      assert.ok(['http', 'https'].includes(sender.scheme))
      assert.doesNotMatch(sender.host, /[\s/@,]/)
    }),
    { numRuns: 1000 },
  )
})

test('Warning: whatever it says, it is a header that can be sent', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 3 }), (texts) => {
      for (const header of warningHeaders(texts)) assert.match(header, /^[\t\x20-\x7e\x80-\xff]*$/)
    }),
    { numRuns: 200 },
  )
})
