import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainText, titleOf } from '../../../src/upstream/plain-text.ts'
import { limitIn, rateLimitAt } from '../../../src/upstream/rate-limit.ts'
import { registryErrorIn } from '../../../src/upstream/registry-error.ts'
import { retryAtIn } from '../../../src/upstream/retry-after.ts'
import { tokenIn } from '../../../src/upstream/token.ts'

// biome-ignore format: one case a line
const PLAIN: readonly [string, string, string][] = [
  ['lines become one', 'a\r\n\tb\u0000c', 'a b c'],
  ['what turns a terminal', '\u001b[31mred\u001b[0m', '[31mred [0m'],
  ['what turns the direction', 'abc\u202edef\u2066', 'abc def'],
  ['markup is none any more', '<script>alert(1)</script>', 'script alert(1) /script'],
  ['longer ones are cut', 'x'.repeat(300), `${'x'.repeat(23)}…`],
  ['half of a pair', 'a\ud800b', 'a b'],
  ['letters of others stay', 'Доступ запрещён 禁止', 'Доступ запрещён 禁止'],
]

for (const [name, text, plain] of PLAIN) {
  test(`text of others: ${name} (T21)`, () => assert.equal(plainText(text, 24), plain))
}

// biome-ignore format: one case a line
const TITLES: readonly [string, string, string | undefined][] = [
  ['a title', '<html><head><title>403 Forbidden</title></head>', '403 Forbidden'],
  ['in other case, with attributes and lines', '<TITLE lang="en">\n Not\n here </TITLE>', 'Not here'],
  ['entities', '<title>A &amp; B &#60;script&#62; &lt;b&gt; &bogus; &#0;</title>', 'A & B script b &bogus;'],
  ['a heading where there is no title', '<h1>Blocked</h1>', 'Blocked'],
  ['an empty title', '<title> </title>', undefined],
  ['none', '<p>x</p>', undefined],
  ['script inside', '<title>x<script>alert(1)</script></title>', 'x'],
]

for (const [name, page, title] of TITLES) test(`a page: ${name}`, () => assert.equal(titleOf(page), title))

test('a hostile page costs no more than a glance', () => {
  titleOf('<title '.repeat(10_000))
  titleOf(`<title>${'a'.repeat(60_000)}`)
  titleOf('<h1'.repeat(20_000))
})

// biome-ignore format: one case a line
const ERRORS: readonly [string, string, string | undefined][] = [
  ['with a message', '{"errors":[{"code":"DENIED","message":"requested access is denied"}]}', 'DENIED: requested access is denied'],
  ['without one', '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', 'MANIFEST_UNKNOWN'],
  ['with markup', '{"errors":[{"code":"DENIED","message":"<script>x</script>"}]}', 'DENIED: script x /script'],
  ['a code that is none', '{"errors":[{"code":"<b>"}]}', undefined],
  ['an empty list', '{"errors":[]}', undefined],
  ['another object', '{"message":"no"}', undefined],
  ['a list', '[{"code":"DENIED"}]', undefined],
  ['null', 'null', undefined],
  ['a page', '<html>', undefined],
  ['cut off', '{"errors":[{"code":"DENIED"', undefined],
]

for (const [name, text, said] of ERRORS) {
  test(`an error of a registry ${name}`, () => assert.equal(registryErrorIn(text)?.said, said))
}

const NOW = Date.UTC(2026, 0, 1)

// biome-ignore format: one case a line
const RETRIES: readonly [string, Record<string, string>, number][] = [
  ['seconds', { 'retry-after': '60' }, 60_000],
  ['a date', { 'retry-after': new Date(NOW + 90_000).toUTCString() }, 90_000],
  ['an epoch', { 'retry-after': String(NOW / 1_000 + 120) }, 120_000],
  ['nothing', {}, 60_000],
  ['another header', { 'x-ratelimit-reset': String(NOW / 1_000 + 30) }, 30_000],
  ['words', { 'retry-after': 'soon' }, 60_000],
  ['what is over', { 'retry-after': new Date(NOW - 90_000).toUTCString() }, 1_000],
  ['zero', { 'retry-after': '0' }, 1_000],
  ['a year', { 'retry-after': '31536000' }, 86_400_000],
]

for (const [name, headers, after] of RETRIES) {
  test(`asked too often, with ${name} in Retry-After`, () => assert.equal(retryAtIn(headers, NOW) - NOW, after))
}

// biome-ignore format: one case a line
const TOKENS: readonly [string, unknown, { token: string; lifetime: number } | undefined][] = [
  ['both fields', { token: 'a', access_token: 'b', expires_in: 300 }, { token: 'a', lifetime: 300_000 }],
  ['access_token alone (FC-07, D-16)', { access_token: 'b', expires_in: 300 }, { token: 'b', lifetime: 300_000 }],
  ['an empty token beside it', { token: '', access_token: 'b' }, { token: 'b', lifetime: 60_000 }],
  ['no expires_in', { token: 'a' }, { token: 'a', lifetime: 60_000 }],
  ['a life of one second', { token: 'a', expires_in: 1 }, { token: 'a', lifetime: 1_000 }],
  ['a skewed issued_at', { token: 'a', expires_in: 300, issued_at: '1999-01-01T00:00:00Z' }, { token: 'a', lifetime: 300_000 }],
  ['a life that is none', { token: 'a', expires_in: -5 }, { token: 'a', lifetime: 60_000 }],
  ['words for its life', { token: 'a', expires_in: '300' }, { token: 'a', lifetime: 60_000 }],
  ['an endless life', { token: 'a', expires_in: 1e12 }, { token: 'a', lifetime: 86_400_000 }],
  ['a token with line breaks (T46)', { token: 'a\r\nx-evil: 1' }, undefined],
  ['a token with a blank', { token: 'a b' }, undefined],
  ['no token', { expires_in: 300 }, undefined],
  ['a token that is a number', { token: 5 }, undefined],
  ['null', null, undefined],
]

for (const [name, json, token] of TOKENS) {
  test(`a token server answers with ${name}`, () => {
    if (token === undefined) assert.throws(() => tokenIn(JSON.stringify(json)), SyntaxError)
    else assert.deepEqual(tokenIn(JSON.stringify(json)), token)
  })
}

// biome-ignore format: one case a line
const LIMITS: readonly [string, Record<string, string>, object | undefined][] = [
  ['as Docker Hub has it', { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }, { limit: 100, remaining: 76, reserved: false, resetAt: 21_600_000 }],
  ['few are left', { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '10;w=21600' }, { limit: 100, remaining: 10, reserved: true, resetAt: 21_600_000 }],
  ['a small limit', { 'ratelimit-limit': '10;w=60', 'ratelimit-remaining': '3;w=60' }, { limit: 10, remaining: 3, reserved: true, resetAt: 60_000 }],
  ['without a window', { 'ratelimit-limit': '100', 'ratelimit-remaining': '76' }, { limit: 100, remaining: 76, reserved: false }],
  ['half of it', { 'ratelimit-limit': '100;w=21600' }, undefined],
  ['nonsense', { 'ratelimit-limit': 'many', 'ratelimit-remaining': '76' }, undefined],
  ['nothing', {}, undefined],
]

for (const [name, headers, limit] of LIMITS) {
  test(`a limit: ${name}`, () => assert.deepEqual(rateLimitAt(limitIn(headers, 0), 1), limit))
}

test('a limit is forgotten when its window has ended', () => {
  const seen = limitIn({ 'ratelimit-limit': '100;w=60', 'ratelimit-remaining': '0;w=60' }, 1_000)
  assert.equal(rateLimitAt(seen, 60_999)?.remaining, 0)
  assert.equal(rateLimitAt(seen, 61_000), undefined)
})
