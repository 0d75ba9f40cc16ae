import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearestKey } from '../../../src/config/nearest-key.ts'

const KNOWN = [
  'log',
  'log.level',
  'log.accesslog',
  'http',
  'http.addr',
  'http.host',
  'http.debug.addr',
  'proxy.ttl',
  'tags.maxtags',
]

// biome-ignore format: one case a line
const cases: [unknown: string, nearest: string | undefined][] = [
  ['http.adr', 'http.addr'],
  ['http.debug.adr', 'http.debug.addr'],
  ['http.hots', 'http.host'],
  ['http.tsoh', undefined],
  ['log.levle', 'log.level'],
  ['http.accesslog', 'log.accesslog'],
  ['addr', 'http.addr'],
  ['tags.max', 'tags.maxtags'],
  ['tags.ma', undefined],
  ['proxy.tll', 'proxy.ttl'],
  ['proxy.xyz', undefined],
  ['storage.s3', undefined],
  ['', undefined],
]

for (const [unknown, nearest] of cases) {
  test(`for '${unknown}' ${nearest ?? 'nothing'} was meant`, () => assert.equal(nearestKey(unknown, KNOWN), nearest))
}
