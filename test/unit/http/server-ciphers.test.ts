import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getCiphers } from 'node:tls'
import { ciphersOf } from '../../../src/http/server-ciphers.ts'

const OF_13 = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'
const GCM = 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'

// biome-ignore format: one case a line
const cases: [name: string, names: string[], ciphers: string | undefined, leftOut: string[]][] = [
  ['no names', [], undefined, []],
  ['one of TLS 1.2', [GCM], `${OF_13}:ECDHE-RSA-AES128-GCM-SHA256`, []],
  ['one of TLS 1.3', ['TLS_AES_256_GCM_SHA384'], OF_13, []],
  ['an old name and a new one for the same', ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305', 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256'], `${OF_13}:ECDHE-RSA-CHACHA20-POLY1305`, []],
  ['one that this OpenSSL has not', ['TLS_RSA_WITH_RC4_128_SHA', GCM], `${OF_13}:ECDHE-RSA-AES128-GCM-SHA256`, ['TLS_RSA_WITH_RC4_128_SHA']],
  ['names of nothing', ['constructor', 'ECDHE-RSA-AES128-GCM-SHA256'], OF_13, ['constructor', 'ECDHE-RSA-AES128-GCM-SHA256']],
]

for (const [name, names, ciphers, leftOut] of cases) {
  test(`cipher suites: ${name}`, () => assert.deepEqual(ciphersOf(names, getCiphers()), { ciphers, leftOut }))
}
