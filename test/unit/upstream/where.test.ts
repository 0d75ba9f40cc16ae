import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registryName } from '../../../src/base/registry-name.ts'
import { KNOWN_UPSTREAMS } from '../../../src/upstream/known-upstreams.ts'
import { nextLink } from '../../../src/upstream/link.ts'
import { judgeRealm } from '../../../src/upstream/realm.ts'
import { headersAcross, redirectTarget } from '../../../src/upstream/redirects.ts'

const BASE = 'https://reg.example'

// biome-ignore format: one case a line
const REALMS: readonly [string, string, { base?: string; realms?: string[]; trusted?: boolean; refused?: true }][] = [
  ['of the upstream itself', 'https://reg.example/token', { trusted: true }],
  ['of another host: it is not told who we are (FC-38, T5)', 'https://login.example/jwt', { trusted: false }],
  ['of a host that is listed', 'https://login.example/jwt', { realms: ['login.example'], trusted: true }],
  ['listed with its usual port', 'https://login.example/jwt', { realms: ['login.example:443'], trusted: true }],
  ['listed as an origin', 'https://login.example/jwt', { realms: ['https://login.example'], trusted: true }],
  ['of another port (promise 8)', 'https://reg.example:8443/token', { trusted: false }],
  ['of another port of a listed host', 'https://login.example:8443/jwt', { realms: ['login.example'], trusted: false }],
  ['of a host that ends as a listed one', 'https://evil-login.example/jwt', { realms: ['login.example'], trusted: false }],
  ['below a listed host', 'https://a.login.example/jwt', { realms: ['login.example'], trusted: false }],
  ['in other case', 'HTTPS://LOGIN.example/jwt', { realms: ['Login.Example'], trusted: true }],
  ['plain http', 'http://reg.example/token', { refused: true }],
  ['plain http of a plain upstream', 'http://reg.example/token', { base: 'http://reg.example', trusted: true }],
  ['plain http, listed as https', 'http://auth.docker.io/token', { base: 'http://reg.example', realms: ['https://auth.docker.io'], trusted: false }],
  ['with a name and a password (T5)', 'https://u:p@reg.example/token', { refused: true }],
  ['with a name alone', 'https://u@reg.example/token', { refused: true }],
  ['an address (T5)', 'https://169.254.169.254/latest/meta-data', { trusted: false }],
  ['a file', 'file:///etc/passwd', { refused: true }],
  ['gopher', 'gopher://reg.example/', { refused: true }],
  ['no address at all', 'token', { refused: true }],
  ['empty', '', { refused: true }],
  ['a listed word that is none', 'https://reg.other/token', { realms: ['//', '', 'reg.other/token?', ':'], trusted: true }],
]

for (const [name, realm, { base = BASE, realms = [], trusted, refused }] of REALMS) {
  test(`a realm ${name}`, () => {
    const judged = judgeRealm(realm, { base: new URL(base), realms })
    if (refused) assert.equal(judged, undefined)
    else assert.equal(judged?.trusted, trusted)
  })
}

// biome-ignore format: one case a line
const TARGETS: readonly [string, string, string | string[] | undefined, string | undefined][] = [
  ['relative to the path', 'https://reg.example/v2/a/blobs/x', '../other', 'https://reg.example/v2/a/other'],
  ['to a path', 'https://reg.example/v2/', '/v2/b', 'https://reg.example/v2/b'],
  ['to another host', 'https://reg.example/', 'https://cdn.example/x?Signature=1', 'https://cdn.example/x?Signature=1'],
  ['with no scheme', 'https://reg.example/', '//cdn.example/x', 'https://cdn.example/x'],
  ['from http to https', 'http://reg.example/', 'https://cdn.example/x', 'https://cdn.example/x'],
  ['from https to http: never', 'https://reg.example/', 'http://reg.example/x', undefined],
  ['to a file (T24)', 'https://reg.example/', 'file:///etc/passwd', undefined],
  ['to gopher (T24)', 'https://reg.example/', 'gopher://reg.example/x', undefined],
  ['to data', 'https://reg.example/', 'data:text/plain,x', undefined],
  ['with a name and a password', 'https://reg.example/', 'https://u:p@cdn.example/x', undefined],
  ['without an address', 'https://reg.example/', undefined, undefined],
  ['with two addresses', 'https://reg.example/', ['https://a/', 'https://b/'], undefined],
  ['to what is no address', 'https://reg.example/', 'https://[', undefined],
]

for (const [name, from, location, target] of TARGETS) {
  test(`a redirect ${name}`, () => assert.equal(redirectTarget(new URL(from), location)?.href, target))
}

// biome-ignore format: one case a line
const ACROSS: readonly [string, string, boolean][] = [
  ['https://reg.example/v2/a', 'https://reg.example/v2/b', true],
  ['https://reg.example/', 'https://reg.example:443/', true],
  ['https://reg.example/', 'https://reg.example:8443/', false],
  ['http://reg.example/', 'https://reg.example/', false],
  ['https://reg.example/', 'https://cdn.example/', false],
  ['https://reg.example/', 'https://a.reg.example/', false],
]

for (const [from, to, kept] of ACROSS) {
  test(`from ${from} to ${to} who we are is ${kept ? 'sent' : 'not sent'} along (T30)`, () => {
    const headers = { authorization: 'Bearer t', cookie: 'a=b', range: 'bytes=5-', accept: '*/*' }
    const sent = headersAcross(headers, new URL(from), new URL(to))
    assert.deepEqual(sent, kept ? headers : { range: 'bytes=5-', accept: '*/*' })
  })
}

// biome-ignore format: one case a line
const LINKS: readonly [string, string | string[] | undefined, string | undefined][] = [
  ['relative', '</v2/a/tags/list?n=5&last=x>; rel="next"', '/v2/a/tags/list?n=5&last=x'],
  ['bare, in other case', '</v2/a/tags/list?n=5>; Rel=next', '/v2/a/tags/list?n=5'],
  ['with a host: our own', '<https://reg.example/v2/a/tags/list?n=5>; rel="next"', '/v2/a/tags/list?n=5'],
  ['to somebody else: never (promise 10)', '<https://evil.example/v2/a/tags/list>; rel="next"', undefined],
  ['to plain http', '<http://reg.example/v2/a/tags/list>; rel="next"', undefined],
  ['of another kind', '</v2/a>; rel="prev"', undefined],
  ['the second of two', '</v2/a>; rel="prev", </v2/b>; title="x"; rel="next"', '/v2/b'],
  ['in a second header', ['</v2/a>; rel="prev"', '</v2/b>; rel="next"'], '/v2/b'],
  ['none', undefined, undefined],
  ['nonsense', 'next', undefined],
]

for (const [name, link, next] of LINKS) {
  test(`a link ${name}`, () => {
    assert.equal(nextLink({ url: new URL('https://reg.example/v2/a/tags/list'), headers: { link } }), next)
  })
}

test('what is known of registries is written as it is compared', () => {
  for (const [name, { url, realms }] of Object.entries(KNOWN_UPSTREAMS)) {
    for (const origin of [url, ...realms]) {
      assert.equal(new URL(origin).origin, origin, name)
      assert.match(origin, /^https:/)
    }
    assert.equal(name, registryName(name))
  }
})

// biome-ignore format: one case a line
const CHALLENGES: readonly [string, string, boolean][] = [
  ['docker.io', 'https://auth.docker.io/token', true],
  ['ghcr.io', 'https://ghcr.io/token', true],
  ['quay.io', 'https://quay.io/v2/auth', true],
  ['gcr.io', 'https://gcr.io/v2/token', true],
  ['public.ecr.aws', 'https://public.ecr.aws/token/', true],
  ['lscr.io', 'https://ghcr.io/token', true],
  ['registry.gitlab.com', 'https://gitlab.com/jwt/auth', true],
  ['docker.io', 'https://auth.docker.io.evil.example/token', false],
  ['ghcr.io', 'https://auth.docker.io/token', false],
]

for (const [name, realm, trusted] of CHALLENGES) {
  test(`${name} ${trusted ? 'has' : 'has not'} its tokens of ${realm}`, () => {
    const { url, realms = [] } = KNOWN_UPSTREAMS[name] ?? { url: '' }
    assert.equal(judgeRealm(realm, { base: new URL(url), realms })?.trusted, trusted)
  })
}
