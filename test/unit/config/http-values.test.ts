import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { loadConfig } from '../../../src/config/load.ts'

function problem(http: string, validation = '{}'): string {
  const text = `version: 0.1\nstorage: { filesystem: }\nhttp: { addr: :5000, ${http} }\nvalidation: ${validation}\n`
  try {
    loadConfig({ text, name: 'c.yml' })
    return ''
  } catch (error) {
    assert.ok(error instanceof OperatorError)
    return error.message.split('\n').slice(1).join('\n')
  }
}

// biome-ignore format: one case a line
const cases: readonly (readonly [name: string, http: string, told: RegExp])[] = [
  ['headers as people set them are taken', 'headers: { X-Content-Type-Options: [nosniff], Access-Control-Allow-Origin: ["*"], X-Empty: [] }', /^$/],
  ['a header that frames the answer is refused', 'headers: { Content-Length: ["1"] }', /^c\.yml:3:\d+ http\.headers\.Content-Length: is a header that the server sets itself/],
  ['a header that frames the answer is refused in any case', 'headers: { transfer-ENCODING: [chunked] }', /is a header that the server sets itself/],
  ['a name that is none is refused', 'headers: { "X Y": [a] }', /^c\.yml:3:\d+ http\.headers.*must be the name of a header/],
  ['a value that would begin another header is refused', 'headers: { X-A: ["a\\r\\nX-B: b"] }', /^c\.yml:3:\d+ http\.headers\.X-A\[0\]: must be printable ASCII/],
  ['a value in another alphabet is refused', 'headers: { X-A: ["ä"] }', /must be printable ASCII/],
  ['a value that is no list is refused', 'headers: { X-A: nosniff }', /http\.headers\.X-A: must be a list/],
  ['addresses, networks and the socket are proxies', 'trustedproxies: [127.0.0.1, "::1", 10.0.0.0/8, "fd00::/8", "unix:"]', /^$/],
  ['a name is no proxy', 'trustedproxies: [nginx]', /^c\.yml:3:\d+ http\.trustedproxies\[0\]: must be an IP address, a network like 10\.0\.0\.0\/8, or unix:, not "nginx"/],
  ['a network that is larger than all is none', 'trustedproxies: [10.0.0.0/33]', /must be an IP address, a network/],
]

for (const [name, http, told] of cases) test(`http: ${name}`, () => assert.match(problem(http), told))

test('validation: a pattern that means something else here is refused', () => {
  const told = problem('prefix: /', "{ manifests: { urls: { allow: ['^https://', '(a)\\1'] } } }")
  assert.match(
    told,
    /^c\.yml:4:\d+ validation\.manifests\.urls\.allow\[1\]: must be a regular expression: it refers back to a group/,
  )
})
