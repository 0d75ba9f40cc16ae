import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { senderOf, trustedProxies } from '../../../src/http/forwarded.ts'

interface Case {
  readonly name: string
  readonly peer?: string
  readonly trusts?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly address: string
  readonly scheme?: 'http' | 'https'
  readonly host?: string
}

const TRUSTS = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8']
const FORGED = {
  'x-forwarded-for': '203.0.113.9',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'evil.example',
  forwarded: 'for=203.0.113.9;proto=https;host=evil.example',
  'x-real-ip': '203.0.113.9',
}

const CASES: readonly Case[] = [
  { name: 'nothing is believed where nobody is trusted', trusts: [], headers: FORGED, address: '127.0.0.1' },
  {
    name: 'nothing is believed from a peer that is not trusted',
    peer: '192.0.2.7',
    headers: FORGED,
    address: '192.0.2.7',
  },
  {
    name: 'a trusted peer tells address, scheme and host',
    headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'reg.example:8443' },
    ...{ address: '203.0.113.9', scheme: 'https', host: 'reg.example:8443' },
  },
  { name: 'a trusted peer that says nothing is the client', address: '127.0.0.1' },
  {
    name: 'a peer is trusted by its IPv4 address on a socket of both families',
    ...{ peer: '::ffff:127.0.0.1', headers: { 'x-forwarded-for': '203.0.113.9' }, address: '203.0.113.9' },
  },
  {
    name: 'what a client wrote before the address that a proxy added is not read',
    ...{ headers: { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' }, address: '203.0.113.9' },
  },
  {
    name: 'trusted proxies on the way are passed by',
    ...{ headers: { 'x-forwarded-for': '198.51.100.1, 203.0.113.9, fd00::5,10.1.2.3' }, address: '203.0.113.9' },
  },
  {
    name: 'a chain of trusted ones only begins with its first',
    ...{ headers: { 'x-forwarded-for': '10.0.0.7, 10.0.0.8' }, address: '10.0.0.7' },
  },
  {
    name: 'behind what is no address nothing is believed',
    ...{ headers: { 'x-forwarded-for': '203.0.113.9, unknown, 10.0.0.8' }, address: '10.0.0.8' },
  },
  { name: 'what is no address is none', headers: { 'x-forwarded-for': '<script>' }, address: '127.0.0.1' },
  { name: 'an empty list names nobody', headers: { 'x-forwarded-for': ' , ' }, address: '127.0.0.1' },
  {
    name: 'an IPv4 address may have a port',
    headers: { 'x-forwarded-for': '203.0.113.9:4711' },
    address: '203.0.113.9',
  },
  {
    name: 'an IPv6 address may have one too',
    headers: { 'x-forwarded-for': '[2001:db8::9]:4711' },
    address: '2001:db8::9',
  },
  {
    name: 'an IPv4 address is told as one',
    headers: { 'x-forwarded-for': '::ffff:203.0.113.9' },
    address: '203.0.113.9',
  },
  {
    name: 'of a chain of schemes and hosts the first is what the client used',
    headers: { 'x-forwarded-proto': 'HTTPS, http', 'x-forwarded-host': 'reg.example, inner:5000' },
    ...{ address: '127.0.0.1', scheme: 'https', host: 'reg.example' },
  },
  {
    name: 'a scheme that is none and a host that is none are not taken',
    headers: { 'x-forwarded-proto': 'javascript', 'x-forwarded-host': 'a/b' },
    address: '127.0.0.1',
  },
  {
    name: '`Forwarded` and `X-Real-Ip`, which a proxy may pass on from its client, are not read',
    headers: { forwarded: FORGED.forwarded, 'x-real-ip': FORGED['x-real-ip'] },
    address: '127.0.0.1',
  },
  { name: 'the socket of the file system is trusted by no network', ...{ peer: '', headers: FORGED, address: '' } },
  {
    name: 'the socket of the file system is trusted by its name',
    ...{ peer: '', trusts: ['unix:'], headers: { 'x-forwarded-for': '203.0.113.9' }, address: '203.0.113.9' },
  },
  {
    name: 'a network peer is not trusted as the socket',
    ...{ trusts: ['unix:'], headers: { 'x-forwarded-for': '203.0.113.9' }, address: '127.0.0.1' },
  },
]

describe('the sender of a request', () => {
  for (const { name, peer = '127.0.0.1', trusts = TRUSTS, headers = {}, ...wanted } of CASES) {
    it(name, () => {
      const sender = senderOf(
        { peer, tls: false, headers: { host: 'direct:5000', ...headers } },
        trustedProxies(trusts),
      )
      const { address, scheme = 'http', host = 'direct:5000' } = wanted
      const plain = peer.replace('::ffff:', '')
      assert.deepEqual(sender, { address, scheme, host, forwarded: address !== plain })
    })
  }

  it('is read from the last fifty of a chain, however long a client makes it', () => {
    const chain = `203.0.113.9, ${'10.0.0.1, '.repeat(60)}10.0.0.2`
    const { address } = senderOf(
      { peer: '127.0.0.1', tls: true, headers: { 'x-forwarded-for': chain } },
      trustedProxies(TRUSTS),
    )
    assert.equal(address, '10.0.0.1')
  })
})
