import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AddressRanges, folded, isAddressRange } from '../../../src/base/address-range.ts'

describe('a set of addresses', () => {
  const cases: readonly [range: string, inside: readonly string[], outside: readonly string[]][] = [
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3', '::ffff:a01:203'], ['11.0.0.0', '9.255.255.255']],
    ['10.1.2.3/8', ['10.200.0.1'], ['11.1.2.3']],
    ['127.0.0.1', ['127.0.0.1', '::ffff:127.0.0.1', '0:0:0:0:0:ffff:127.0.0.1'], ['127.0.0.2', '::1', '']],
    ['0.0.0.0/0', ['203.0.113.9', '::ffff:203.0.113.9'], ['2001:db8::1', 'unknown', '']],
    ['::ffff:10.0.0.0/104', ['10.9.9.9'], ['11.0.0.0']],
    ['fd00::/8', ['fd12::1', 'fdff:ffff::', 'FD00::1'], ['fe80::1', '10.0.0.1']],
    ['::1', ['::1', '0:0:0:0:0:0:0:1'], ['::2', '127.0.0.1']],
    ['fe80::/10', ['fe80::1%eth0', 'fe80::1'], ['fec0::1']],
    ['::/0', ['2001:db8::1'], ['10.0.0.1', '::ffff:10.0.0.1', 'x']],
  ]
  for (const [range, inside, outside] of cases) {
    it(`has what is in ${range}, and nothing else`, () => {
      const ranges = new AddressRanges([range])
      assert.deepEqual(
        [...inside, ...outside].filter((address) => ranges.has(address)),
        inside,
      )
    })
  }

  it('has what is in any of its networks', () => {
    const ranges = new AddressRanges(['127.0.0.1', 'fd00::/8'])
    assert.deepEqual(
      ['127.0.0.1', 'fd00::1', '10.0.0.1'].map((address) => ranges.has(address)),
      [true, true, false],
    )
  })

  for (const text of [
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0/8',
    '::/129',
    '10.0.0.1/',
    '1.2.3.4/-1',
    '::ffff:1.2.3.4/64',
    'unix:',
  ]) {
    it(`is not told by '${text}'`, () => {
      assert.equal(isAddressRange(text), false)
      assert.throws(() => new AddressRanges([text]), TypeError)
    })
  }

  it('compares an IPv4 address as what it is, however a socket writes it', () => {
    const written = ['::ffff:10.0.0.1', '::FFFF:a00:1', '10.0.0.1', 'fe80::1%eth0', '2001:db8::ffff:1', 'unknown', '']
    assert.deepEqual(written.map(folded), [
      '10.0.0.1',
      '10.0.0.1',
      '10.0.0.1',
      'fe80::1',
      '2001:db8::ffff:1',
      'unknown',
      '',
    ])
  })
})
