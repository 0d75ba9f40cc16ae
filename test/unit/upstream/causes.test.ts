import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EgressError, type EgressFacts, type EgressFault, type EgressHop } from '../../../src/egress/egress.ts'
import { type AskedHop, type Judgement, judgeAnswer, judgeFault, judgeWrong } from '../../../src/upstream/causes.ts'
import { type Failure, remedyOf, sentenceOf } from '../../../src/upstream/upstream.ts'

type Told = { readonly [Key in keyof Judgement]?: Judgement[Key] | undefined }

// biome-ignore format: one case a line
const FAULTS: readonly [EgressHop, EgressFault, EgressFacts, Told][] = [
  ['dns', 'not-resolved', { code: 'ENOTFOUND' }, { cause: 'name-not-resolved', hop: 'dns', next: 'again', facts: { code: 'ENOTFOUND' } }],
  ['dns', 'timeout', {}, { cause: 'name-not-resolved', hop: 'dns', next: 'again' }],
  ['connect', 'refused', { peer: 'reg.example:443', code: 'ECONNREFUSED' }, { cause: 'connection-refused', hop: 'connect', next: 'again', facts: { code: 'ECONNREFUSED' } }],
  ['connect', 'refused', { peer: 'proxy.lan:8080', code: 'ECONNREFUSED' }, { cause: 'connection-refused', facts: { proxy: 'proxy.lan:8080', code: 'ECONNREFUSED' } }],
  ['connect', 'reset', {}, { cause: 'connection-refused', next: 'again' }],
  ['connect', 'timeout', {}, { cause: 'timeout', hop: 'connect', next: 'again' }],
  ['proxy', 'proxy-refused', { peer: 'proxy.lan:8080', status: 407, scheme: 'Basic' }, { cause: 'proxy-refused', hop: 'proxy', status: 407, next: 'route', rest: 30_000, facts: { proxy: 'proxy.lan:8080', scheme: 'Basic' } }],
  ['proxy', 'proxy-refused', { peer: 'proxy.lan:8080', status: 401 }, { cause: 'proxy-refused', next: 'route', rest: 30_000 }],
  ['proxy', 'proxy-refused', { peer: 'proxy.lan:1080', code: 'SOCKS_LOGIN_REFUSED' }, { cause: 'proxy-refused', rest: 30_000 }],
  ['proxy', 'proxy-refused', { peer: 'proxy.lan:8080', status: 403 }, { cause: 'proxy-refused', status: 403, next: 'route', rest: undefined }],
  ['proxy', 'proxy-refused', { peer: 'proxy.lan:8080', status: 502 }, { cause: 'proxy-refused', status: 502, next: 'again' }],
  ['proxy', 'proxy-refused', { peer: 'proxy.lan:8080' }, { cause: 'proxy-refused', status: undefined, next: 'again' }],
  ['proxy', 'reset', { peer: 'proxy.lan:8080' }, { cause: 'proxy-refused', next: 'again' }],
  ['proxy', 'timeout', { peer: 'proxy.lan:8080' }, { cause: 'timeout', hop: 'proxy', next: 'again', facts: { proxy: 'proxy.lan:8080' } }],
  ['tls', 'untrusted', { issuer: 'CN=Corp <b>Root</b>', code: 'SELF_SIGNED_CERT_IN_CHAIN' }, { cause: 'tls-untrusted', hop: 'tls', next: 'route', facts: { issuer: 'CN=Corp b Root /b', code: 'SELF_SIGNED_CERT_IN_CHAIN' } }],
  ['tls', 'tls-broken', {}, { cause: 'upstream-broken', hop: 'tls', next: 'again', facts: { wrong: 'tls' } }],
  ['tls', 'reset', {}, { cause: 'upstream-broken', hop: 'tls', next: 'again', facts: { wrong: 'tls' } }],
  ['tls', 'timeout', {}, { cause: 'timeout', hop: 'tls', next: 'again' }],
  ['header', 'timeout', {}, { cause: 'timeout', hop: 'manifest', next: 'again' }],
  ['header', 'reset', { code: 'ECONNRESET' }, { cause: 'upstream-broken', hop: 'manifest', next: 'again', facts: { wrong: 'cut', code: 'ECONNRESET' } }],
  ['body', 'reset', {}, { cause: 'upstream-broken', hop: 'manifest', next: 'again', facts: { wrong: 'cut' } }],
  ['header', 'malformed', {}, { cause: 'upstream-broken', hop: 'manifest', next: 'route', ofRoute: false, facts: { wrong: 'http' } }],
  ['connect', 'forbidden-address', {}, { cause: 'upstream-broken', next: 'end', ofRoute: false, facts: { wrong: 'redirect' } }],
]

for (const [hop, fault, facts, told] of FAULTS) {
  test(`${fault} at ${hop}${facts.status === undefined ? '' : ` (${facts.status})`} is ${told.cause}, then ${told.next ?? 'as told'}`, () => {
    holds(judgeFault(new EgressError(hop, fault, facts), { hop: 'manifest', host: 'reg.example' }), told)
  })
}

interface Answered {
  hop?: AskedHop
  headers?: Record<string, string>
  start?: string
  loggedIn?: boolean
  proxy?: string
}

const HTML = { 'content-type': 'text/html; charset=utf-8' }
const PAGE = '<html><title>Not in your country</title><script>x</script></html>'
const said = (code: string) => JSON.stringify({ errors: [{ code, message: 'no' }] })

// biome-ignore format: one case a line
const ANSWERS: readonly [string, number, Answered, Told][] = [
  ['anonymous 401 (quay.io of what is not public)', 401, { start: said('UNAUTHORIZED') }, { cause: 'denied', next: 'end', facts: { said: 'UNAUTHORIZED: no' } }],
  ['401 to a login', 401, { start: said('UNAUTHORIZED'), loggedIn: true }, { cause: 'credentials-rejected', next: 'end' }],
  ['401 of a token server to a login, in words of its own', 401, { hop: 'token', start: '{"details":"incorrect username or password"}', loggedIn: true }, { cause: 'credentials-rejected', facts: { said: 'incorrect username or password' } }],
  ['403 of the registry', 403, { start: said('DENIED') }, { cause: 'denied', next: 'end', ofRoute: false, facts: { said: 'DENIED: no' } }],
  ['403 of a token server in its words', 403, { hop: 'token', start: '{"message":"no"}' }, { cause: 'denied', facts: { said: 'no' } }],
  ['403 with a page (D-11)', 403, { headers: HTML, start: PAGE }, { cause: 'blocked', next: 'route', ofRoute: true, facts: { title: 'Not in your country' } }],
  ['403 with a page on the token hop (D-11)', 403, { hop: 'token', headers: HTML, start: PAGE }, { cause: 'blocked', next: 'route' }],
  ['403 with text', 403, { start: 'Forbidden' }, { cause: 'blocked', next: 'route', facts: {} }],
  ['403 with nothing', 403, { start: '' }, { cause: 'blocked', next: 'route' }],
  ['403 with somebody else’s JSON', 403, { start: '{"error":"geo"}' }, { cause: 'blocked', next: 'route' }],
  ['451 with a page', 451, { headers: HTML, start: PAGE }, { cause: 'blocked', next: 'route', facts: { title: 'Not in your country' } }],
  ['451 of the registry', 451, { start: said('DENIED') }, { cause: 'denied', next: 'end' }],
  ['403 in XML of a CDN', 403, { hop: 'cdn', headers: { 'content-type': 'application/xml' }, start: '<Error><Code>AccessDenied</Code></Error>' }, { cause: 'blocked', next: 'route', facts: {} }],
  ['404 of the registry', 404, { start: said('MANIFEST_UNKNOWN') }, { cause: 'not-found', next: 'end', ofRoute: false }],
  ['404 of the registry, as Harbor says it', 404, { start: said('NOT_FOUND') }, { cause: 'not-found', next: 'end' }],
  ['404 of a registry that it redirects to (registry.k8s.io)', 404, { hop: 'cdn', start: said('MANIFEST_UNKNOWN') }, { cause: 'not-found', next: 'end' }],
  ['404 with another code', 404, { start: said('UNSUPPORTED') }, { cause: 'upstream-broken', next: 'end' }],
  ['404 with text', 404, { start: '404 page not found' }, { cause: 'upstream-broken', next: 'route', ofRoute: false, facts: { wrong: 'foreign' } }],
  ['404 with a page', 404, { headers: HTML, start: PAGE }, { cause: 'upstream-broken', next: 'route', facts: { wrong: 'html', title: 'Not in your country' } }],
  ['404 of a token server', 404, { hop: 'token', start: said('NAME_UNKNOWN') }, { cause: 'upstream-broken' }],
  ['404 of a store in XML', 404, { hop: 'cdn', start: '<Error><Code>NoSuchKey</Code></Error>' }, { cause: 'upstream-broken', next: 'route', facts: { wrong: 'foreign' } }],
  ['429', 429, { start: said('TOOMANYREQUESTS'), headers: { 'retry-after': '90' } }, { cause: 'rate-limited', next: 'end', facts: { said: 'TOOMANYREQUESTS: no', retryAt: 91_000 } }],
  ['429 with nothing', 429, {}, { cause: 'rate-limited', facts: { retryAt: 61_000 } }],
  ['429 with a page', 429, { headers: HTML, start: PAGE }, { cause: 'rate-limited', facts: { title: 'Not in your country', retryAt: 61_000 } }],
  ['403 that says it was too much', 403, { start: said('TOOMANYREQUESTS') }, { cause: 'rate-limited' }],
  ['500', 500, { start: 'oops' }, { cause: 'upstream-broken', next: 'again', ofRoute: true, facts: {} }],
  ['503 of the registry', 503, { start: said('UNAVAILABLE') }, { cause: 'upstream-broken', next: 'again', facts: { said: 'UNAVAILABLE: no' } }],
  ['502 with a page', 502, { headers: HTML, start: '<title>502 Bad Gateway</title>' }, { cause: 'upstream-broken', next: 'again', facts: { title: '502 Bad Gateway' } }],
  ['502 in the clear through a proxy', 502, { proxy: 'proxy.lan:8080', start: '' }, { cause: 'proxy-refused', hop: 'proxy', next: 'again', facts: { proxy: 'proxy.lan:8080' } }],
  ['503 of the registry in the clear through a proxy', 503, { proxy: 'proxy.lan:8080', start: said('UNAVAILABLE') }, { cause: 'upstream-broken', hop: 'manifest' }],
  ['200 with a page (D-11)', 200, { headers: HTML, start: '<title>Welcome to the hotel</title>' }, { cause: 'upstream-broken', next: 'route', ofRoute: true, facts: { wrong: 'html', title: 'Welcome to the hotel' } }],
  ['an origin that answers 407 (FC-45)', 407, { start: '' }, { cause: 'upstream-broken', status: 407, facts: { wrong: 'foreign' } }],
  ['400 of the registry', 400, { start: said('NAME_INVALID') }, { cause: 'upstream-broken', next: 'end', facts: { said: 'NAME_INVALID: no' } }],
  ['204', 204, { start: '' }, { cause: 'upstream-broken', next: 'route', facts: { wrong: 'foreign' } }],
]

for (const [name, status, { hop = 'manifest', headers = {}, start = '', loggedIn = false, proxy }, told] of ANSWERS) {
  test(`${name} is ${told.cause}`, () => {
    const seen = { hop, status, headers, start, loggedIn, now: 1_000, ...(proxy !== undefined && { proxy }) }
    holds(judgeAnswer(seen), { status, ...told })
  })
}

function holds(judged: Judgement, told: Told): void {
  for (const [key, value] of Object.entries(told)) assert.deepEqual(judged[key as keyof Judgement], value, key)
}

test('what came wrong is said of the answer, not of the route', () => {
  holds(judgeWrong('blob', 'digest', { status: 200 }), { hop: 'blob', status: 200, ofRoute: false, next: 'route' })
})

const FAILURE: Failure = {
  ...{ cause: 'timeout', hop: 'manifest', upstream: 'docker.io', route: 'http://proxy.lan:8080' },
  ...{ host: 'registry-1.docker.io', at: 1_000, facts: {} },
}

// biome-ignore format: one case a line
const SENTENCES: readonly [Partial<Failure>, string][] = [
  [{ cause: 'name-not-resolved', hop: 'dns', route: 'direct' }, 'docker.io was to be asked at registry-1.docker.io directly: the name registry-1.docker.io was not resolved; see whether the name is right and the resolver works'],
  [{ cause: 'connection-refused', hop: 'connect', facts: { proxy: 'proxy.lan:8080', code: 'ECONNREFUSED' } }, 'docker.io was to be asked at registry-1.docker.io through http://proxy.lan:8080: the proxy proxy.lan:8080 takes no connection (ECONNREFUSED); see whether the proxy runs, and whether its address is right; more routes may be listed'],
  [{ cause: 'proxy-refused', hop: 'proxy', status: 407, facts: { proxy: 'proxy.lan:8080', scheme: 'Basic' } }, 'docker.io was to be asked at registry-1.docker.io through http://proxy.lan:8080: the proxy proxy.lan:8080 answered 407 (Basic); set the right user name and password in the address of the proxy: http://USER:PASSWORD@HOST:PORT'],
  [{ cause: 'tls-untrusted', hop: 'tls', facts: { issuer: 'CN=Corp Root', code: 'SELF_SIGNED_CERT_IN_CHAIN' } }, "docker.io was to be asked at registry-1.docker.io through http://proxy.lan:8080: the certificate is not trusted (SELF_SIGNED_CERT_IN_CHAIN); it is signed by 'CN=Corp Root'; if a proxy inspects TLS, set its certificate as egress.ca or upstreams.docker.io.ca"],
  [{ cause: 'credentials-rejected', hop: 'token', host: 'auth.docker.io', status: 401 }, 'docker.io was asked for a token at auth.docker.io through http://proxy.lan:8080: it does not take our user name and password (401); set the right upstreams.docker.io.username and password, or those of proxy'],
  [{ cause: 'denied', status: 403, facts: { said: 'DENIED: no' } }, "docker.io was asked for a manifest at registry-1.docker.io through http://proxy.lan:8080: it lets us not have it (403): 'DENIED: no'; see whether the name is right; if it is private, set upstreams.docker.io.username and password"],
  [{ cause: 'denied', status: 401, facts: { realm: 'login.example' } }, 'docker.io was asked for a manifest at registry-1.docker.io through http://proxy.lan:8080: it lets us not have it (401); our user name was not sent to login.example; if that is its token server, add it to upstreams.docker.io.realms'],
  [{ cause: 'blocked', status: 403, facts: { title: 'Forbidden' } }, "docker.io was asked for a manifest at registry-1.docker.io through http://proxy.lan:8080: it answered 403 as no registry does, and is probably blocked at this location; the page says 'Forbidden'; list a route that leads out elsewhere, in egress.routes or upstreams.docker.io.routes"],
  [{ cause: 'not-found', hop: 'manifest', host: 'docker.io', route: 'direct' }, 'docker.io was asked for a manifest directly: it does not have it; see whether name and tag are right'],
  [{ cause: 'rate-limited', status: 429, facts: { retryAt: 91_000 } }, 'docker.io was asked for a manifest at registry-1.docker.io through http://proxy.lan:8080: it has been asked too often (429); it is asked again in 90 s; an account (upstreams.docker.io.username) may pull more'],
  [{ cause: 'upstream-broken', hop: 'cdn', host: 'cdn.example', status: 200, facts: { wrong: 'html', title: 'Hotel' } }, "docker.io was asked where it redirects to, at cdn.example through http://proxy.lan:8080: a web page came, so this is not a registry (captive portal?) (200); the page says 'Hotel'; sign in at the portal, or list a route around it"],
  [{ cause: 'upstream-broken', status: 500, route: 'direct' }, 'docker.io was asked for a manifest at registry-1.docker.io directly: it answered 500; wait, or ask whoever runs it'],
  [{ cause: 'timeout', hop: 'blob', route: 'direct', facts: { waited: 9_500 } }, 'docker.io was asked for a blob at registry-1.docker.io directly: nothing came within 10 s; try again, for it goes on behind'],
  [{ cause: 'timeout', hop: 'connect', facts: { proxy: 'proxy.lan:8080', waited: 3_000 } }, 'docker.io was to be asked at registry-1.docker.io through http://proxy.lan:8080: the proxy proxy.lan:8080 took no connection within 3 s; try again, for it goes on behind; see whether the proxy works, or list another route'],
  [{ cause: 'timeout', hop: 'proxy', facts: { proxy: 'proxy.lan:8080' } }, 'docker.io was to be asked at registry-1.docker.io through http://proxy.lan:8080: the proxy proxy.lan:8080 answered nothing in time; try again, for it goes on behind; see whether the proxy works, or list another route'],
]

for (const [more, sentence] of SENTENCES) {
  test(`what is said of ${more.cause} at ${more.hop ?? 'manifest'}`, () => {
    const failure = { ...FAILURE, ...more }
    assert.equal(sentenceOf(failure), sentence)
    assert.ok(sentence.endsWith(`; ${remedyOf(failure)}`))
  })
}
