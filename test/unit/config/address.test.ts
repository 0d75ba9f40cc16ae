import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress, parseAddress } from '../../../src/config/address.ts'

// biome-ignore format: one case a line
const cases: [string, { host: string | undefined; port: number } | undefined][] = [
  [':5000', { host: undefined, port: 5000 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['registry.lan:65535', { host: 'registry.lan', port: 65_535 }],
  ['[::1]:5000', { host: '::1', port: 5000 }],
  ['[::]:5000', { host: '::', port: 5000 }],
  ['5000', undefined],
  ['localhost', undefined],
  ['localhost:', undefined],
  [':65536', undefined],
  [':-1', undefined],
  [':http', undefined],
  ['::1:5000', undefined],
  ['[lan]:5000', undefined],
  ['http://localhost:5000', undefined],
  ['a b:5000', undefined],
  ['', undefined],
]

for (const [text, address] of cases) {
  test(`'${text}' is ${address === undefined ? 'no address' : 'an address'}`, () => {
    assert.deepEqual(parseAddress(text), address)
    if (address !== undefined) assert.equal(formatAddress(address), text)
  })
}
