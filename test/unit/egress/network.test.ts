import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Network, networkOf, networkOfHost } from '../../../src/egress/network.ts'

const ADDRESSES: Readonly<Record<Network, readonly string[]>> = {
  public: ['1.1.1.1', '172.32.0.1', '100.128.0.1', '11.0.0.1', '2606:4700::1', '64:ff9b::101:101', '::ffff:1.1.1.1'],
  loopback: [
    '127.0.0.1',
    '127.255.255.254',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
  ],
  'link-local': ['169.254.169.254', 'fe80::1', 'fe80::1%eth0', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe'],
  private: [
    ...[
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.64.0.1',
      '100.127.255.255',
      'fc00::1',
      'fd12::1',
    ],
    ...['::ffff:10.0.0.1', '64:ff9b::a00:1', '2002:a00:1::1', '::10.0.0.1', 'fec0::1'],
  ],
  none: [
    '0.0.0.0',
    '0.1.2.3',
    '::',
    '224.0.0.1',
    '239.1.1.1',
    '255.255.255.255',
    '240.0.0.1',
    'ff02::1',
    '2001:db8::1',
  ],
}

for (const [network, addresses] of Object.entries(ADDRESSES)) {
  test(`networks: addresses that are ${network} are known, however they are written (T29)`, () => {
    for (const address of addresses) assert.equal(networkOf(address), network, address)
  })
}

const HOSTS: readonly (readonly [string, Network])[] = [
  ['cdn.example', 'public'],
  ['cdn.example.', 'public'],
  ['lan.example', 'public'],
  ['localhost', 'loopback'],
  ['a.LOCALHOST', 'loopback'],
  ['localhost.', 'loopback'],
  ['metadata.google.internal', 'private'],
  ['metadata', 'private'],
  ['nas.local', 'private'],
  ['nas.lan', 'private'],
  ['nas.home.arpa', 'private'],
  ['169.254.169.254', 'link-local'],
  ['10.0.0.1', 'private'],
  ['::1', 'loopback'],
]

test('networks: of a name that a proxy resolves, its looks are judged (T29)', () => {
  for (const [host, network] of HOSTS) assert.equal(networkOfHost(host), network, host)
})
