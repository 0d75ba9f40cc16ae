import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Digest } from '../../../src/oci/digest.ts'
import type { Failure, Running, Upstream } from '../../../src/upstream/upstream.ts'
import { digestOf } from '../../helpers/digest-of.ts'
import { type FakeUpstream, startFakeUpstream } from '../../helpers/fake-upstream.ts'
import { FAULTS, pageFault, redirectTo, saysError, tooMany } from '../../helpers/faults.ts'
import { makeImage } from '../../helpers/images.ts'
import type { Fault } from '../../helpers/scripted-reply.ts'
import { failureOf, fastClock, openTestUpstream } from './harness.ts'

const IMAGE = makeImage('wrong')
const OTHER = makeImage('other')
const [LAYER = '' as Digest] = [...IMAGE.blobs.keys()].slice(-1)
const SUBJECT = IMAGE.manifest.digest

const byTag = (upstream: Upstream) => upstream.manifest('library/a', '1')
const byDigest = (upstream: Upstream) => upstream.manifest('library/a', SUBJECT)
const blob = (upstream: Upstream) => upstream.blob('library/a', LAYER)
const hasBlob = (upstream: Upstream) => upstream.hasBlob('library/a', LAYER)
const tags = (upstream: Upstream) => upstream.tags('library/a', { limit: 10 })
const referrers = (upstream: Upstream) => upstream.referrers('library/a', SUBJECT)

interface Row {
  readonly name: string
  readonly ask: (upstream: Upstream) => Running<unknown>
  readonly fault: Fault
  readonly fails: Partial<Failure>
  /** How often it is asked. Default: once. */
  readonly times?: 'again'
}

const json = (value: unknown, type = 'application/vnd.oci.image.manifest.v1+json'): Fault => {
  const body = JSON.stringify(value)
  return { headers: { 'content-type': type, 'docker-content-digest': digestOf(body) }, body }
}
const SCHEMA1 = { schemaVersion: 1, name: 'library/a', tag: '1', fsLayers: [], signatures: [{}] }
const AMBIGUOUS = { ...JSON.parse(IMAGE.manifest.bytes.toString()), manifests: [] }
const broken = (wrong: NonNullable<Failure['facts']['wrong']>) =>
  ({ cause: 'upstream-broken', facts: { wrong } }) as const

// biome-ignore format: one case a line
const ROWS: readonly Row[] = [
  // Bytes that are not those of the digest
  { name: 'other bytes than those of the digest that was asked for, with a forged header (FC-04, D-9)', ask: byDigest, fault: { body: OTHER.manifest.bytes, headers: { 'docker-content-digest': SUBJECT } }, fails: broken('digest') },
  { name: 'other bytes, and no header', ask: byDigest, fault: { body: OTHER.manifest.bytes, headers: { 'docker-content-digest': undefined } }, fails: broken('digest') },
  { name: 'a header with another digest than was asked for', ask: byDigest, fault: { headers: { 'docker-content-digest': OTHER.manifest.digest } }, fails: broken('digest') },
  { name: 'other bytes than those of its own header, by tag', ask: byTag, fault: FAULTS.wrongBytes, fails: broken('digest') },
  // What is no manifest
  { name: 'a manifest that is image and index at once (T2)', ask: byTag, fault: json(AMBIGUOUS), fails: broken('json') },
  { name: 'a manifest whose type is another than its header says (T2)', ask: byTag, fault: { headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' } }, fails: broken('json') },
  { name: 'a manifest of schema 1', ask: byTag, fault: json(SCHEMA1, 'application/vnd.docker.distribution.manifest.v1+prettyjws'), fails: broken('schema1') },
  { name: 'half a manifest (T35)', ask: byTag, fault: { body: '{"schemaVersion":2,', headers: { 'docker-content-digest': undefined } }, fails: broken('json') },
  { name: 'an empty body (T35)', ask: byTag, fault: { body: '', headers: { 'docker-content-digest': undefined } }, fails: broken('json') },
  { name: 'a list (T35)', ask: byTag, fault: json([]), fails: broken('json') },
  { name: 'a layer whose digest is a path (T28, T35)', ask: byTag, fault: json({ schemaVersion: 2, config: { mediaType: 'a/b', digest: 'sha256:../..', size: 1 }, layers: [] }), fails: broken('json') },
  { name: 'ten thousand brackets (T35)', ask: byTag, fault: { body: '['.repeat(10_000), headers: { 'docker-content-digest': undefined } }, fails: broken('json') },
  { name: 'bytes that are no text (T35)', ask: byTag, fault: { body: Buffer.from([0xff, 0xfe, 0x00, 0x80]), headers: { 'docker-content-digest': undefined } }, fails: broken('json') },
  { name: 'a manifest of 4 MiB and a byte, told', ask: byTag, fault: { body: Buffer.alloc(4 * 1024 * 1024 + 1, 0x20) }, fails: broken('too-large') },
  { name: 'a manifest of 4 MiB and a byte, in chunks', ask: byTag, fault: { body: Buffer.alloc(4 * 1024 * 1024 + 1, 0x20), length: 'chunked' }, fails: broken('too-large') },
  { name: 'a manifest that was packed on its way (FC-36)', ask: byTag, fault: { body: (bytes) => gzipSync(bytes), headers: { 'content-encoding': 'gzip' } }, fails: broken('encoding') },
  { name: 'a blob that was packed on its way (FC-36)', ask: blob, fault: { body: (bytes) => gzipSync(bytes), headers: { 'content-encoding': 'gzip' } }, fails: broken('encoding') },
  // Pages
  { name: 'a portal in place of a manifest (D-11, S9)', ask: byTag, fault: FAULTS.captivePortal, fails: { cause: 'upstream-broken', status: 200, facts: { wrong: 'html', title: 'Welcome to the hotel' } } },
  { name: 'a portal in place of a blob (D-11, S9)', ask: blob, fault: FAULTS.captivePortal, fails: { cause: 'upstream-broken', hop: 'blob', facts: { wrong: 'html', title: 'Welcome to the hotel' } } },
  { name: 'a portal in place of a blob that is asked about', ask: hasBlob, fault: FAULTS.captivePortal, fails: { cause: 'upstream-broken', facts: { wrong: 'html', title: 'Welcome to the hotel' } } },
  { name: 'a portal in place of tags', ask: tags, fault: FAULTS.captivePortal, fails: { cause: 'upstream-broken', hop: 'tags', facts: { wrong: 'html', title: 'Welcome to the hotel' } } },
  { name: 'a page in place of referrers (oras-go #633)', ask: referrers, fault: FAULTS.captivePortal, fails: { cause: 'upstream-broken', hop: 'referrers', facts: { wrong: 'html', title: 'Welcome to the hotel' } } },
  { name: 'a location block on a manifest (D-11)', ask: byTag, fault: FAULTS.blocked, fails: { cause: 'blocked', hop: 'manifest', status: 403, facts: { title: 'Access from your country is not possible' } } },
  { name: 'a location block on a blob', ask: blob, fault: FAULTS.blocked, fails: { cause: 'blocked', hop: 'blob', status: 403 } },
  { name: 'a block for legal reasons', ask: byTag, fault: FAULTS.unavailableForLegalReasons, fails: { cause: 'blocked', status: 451, facts: { title: 'Unavailable For Legal Reasons' } } },
  { name: 'a page that would be script (T21)', ask: byTag, fault: pageFault(403, '&lt;script&gt;alert(1)&lt;/script&gt;'), fails: { cause: 'blocked', facts: { title: 'script alert(1) /script' } } },
  // The registry's own words, and others'
  { name: 'not found, in its words', ask: byTag, fault: FAULTS.manifestUnknown, fails: { cause: 'not-found', status: 404, facts: { said: 'MANIFEST_UNKNOWN: manifest unknown' } } },
  { name: 'a name that it does not know', ask: tags, fault: FAULTS.nameUnknown, fails: { cause: 'not-found', hop: 'tags', status: 404 } },
  { name: 'not found, in nobody’s words', ask: byTag, fault: FAULTS.plainNotFound, fails: { cause: 'upstream-broken', status: 404, facts: { wrong: 'foreign' } } },
  { name: 'not found of a blob, in nobody’s words', ask: blob, fault: FAULTS.plainNotFound, fails: { cause: 'upstream-broken', hop: 'blob', status: 404 } },
  { name: 'denied, in its words', ask: byTag, fault: FAULTS.denied, fails: { cause: 'denied', status: 403 } },
  { name: '401 without a challenge', ask: byTag, fault: saysError(401, 'UNAUTHORIZED'), fails: { cause: 'denied', status: 401 } },
  { name: 'too many requests (S10)', ask: byTag, fault: tooMany('60'), fails: { cause: 'rate-limited', status: 429 } },
  { name: 'an error of its own', ask: byTag, fault: FAULTS.broken, fails: { cause: 'upstream-broken', status: 500, facts: {} }, times: 'again' },
  { name: 'a gateway that reaches nobody', ask: referrers, fault: FAULTS.badGateway, fails: { cause: 'upstream-broken', hop: 'referrers', status: 502, facts: { title: '502 Bad Gateway' } }, times: 'again' },
  { name: 'a connection that is reset at its first byte (FC-106)', ask: byTag, fault: FAULTS.reset, fails: { cause: 'upstream-broken', hop: 'manifest' }, times: 'again' },
  { name: 'a manifest that is cut (FC-104)', ask: byTag, fault: { at: 100 }, fails: { cause: 'upstream-broken', hop: 'manifest' }, times: 'again' },
  // Lists
  { name: 'tags that are no JSON', ask: tags, fault: { body: 'tags' }, fails: broken('json') },
  { name: 'tags that are no list', ask: tags, fault: { body: '{"tags":"1"}' }, fails: broken('json') },
  { name: 'referrers that are no index', ask: referrers, fault: { body: '[]' }, fails: broken('json') },
  { name: 'referrers without end (T37)', ask: referrers, fault: { body: Buffer.alloc(4 * 1024 * 1024 + 1, 0x20) }, fails: broken('too-large') },
  // Lengths (D-10)
  { name: 'a length that is no number', ask: blob, fault: { length: 'words' }, fails: broken('http') },
  { name: 'a negative length', ask: blob, fault: { length: 'negative' }, fails: broken('http') },
  { name: 'two lengths', ask: blob, fault: { length: 'two' }, fails: broken('http') },
  { name: 'a length beside chunks', ask: blob, fault: { length: 'with-chunked' }, fails: broken('http') },
  // Redirects
  { name: 'a redirect to itself without end', ask: byTag, fault: redirectTo('/v2/library/a/manifests/1'), fails: { cause: 'upstream-broken', facts: { wrong: 'redirect' } }, times: 'again' },
  { name: 'a redirect to a file (T24)', ask: blob, fault: redirectTo('file:///etc/passwd'), fails: broken('redirect') },
  { name: 'a redirect to gopher (T24)', ask: blob, fault: redirectTo('gopher://localhost/'), fails: broken('redirect') },
  { name: 'a redirect to the address of a cloud (T24)', ask: blob, fault: redirectTo('http://169.254.169.254/latest/meta-data/'), fails: { cause: 'upstream-broken', hop: 'connect', facts: { wrong: 'redirect' } } },
  { name: 'a redirect to a private address (T24)', ask: blob, fault: redirectTo('http://10.0.0.1/'), fails: { cause: 'upstream-broken', facts: { wrong: 'redirect' } } },
  { name: 'a redirect with a name and a password', ask: blob, fault: redirectTo('http://u:p@localhost:1/'), fails: broken('redirect') },
  { name: 'a redirect to nowhere', ask: blob, fault: { ...redirectTo(''), headers: {} }, fails: broken('redirect') },
]

const KINDS = new Map<Row['ask'], string>([
  [byTag, 'manifest'],
  [byDigest, 'manifest'],
  [blob, 'blob'],
  [hasBlob, 'blob'],
  [tags, 'tags'],
  [referrers, 'referrers'],
])

for (const row of ROWS.filter(({ times }) => times === undefined)) proves(row)

// They wait more than they work.
describe('what may pass is asked for again', { concurrency: true }, () => {
  for (const row of ROWS.filter(({ times }) => times !== undefined)) proves(row)
})

function proves({ name, ask, fault, fails, times }: Row): void {
  test(`an upstream sends ${name}`, async () => {
    await using fake = await startFakeUpstream({ images: { 'library/a:1': IMAGE } })
    await using opened = openTestUpstream({ url: fake.url, ...(times && { clock: fastClock() }) })
    fake.always(KINDS.get(ask) ?? '', fault)
    const running = ask(opened.upstream)
    const failure = await failureOf(running)
    holds(failure, fails)
    assert.equal(failure.upstream, 'fake.example')
    assert.equal(failure.route, 'direct')
    assert.equal(running.attempts.at(-1)?.cause, failure.cause)
    if (times === undefined) assert.equal(fake.requests.length, 1, fake.summary())
    // How often depends on how busy the machine is.
    else assert.ok(fake.requests.length >= 2, fake.summary())
  })
}

function holds(failure: Failure, told: Partial<Failure>): void {
  const { facts, ...plain } = told
  for (const [key, value] of Object.entries(plain))
    assert.equal(failure[key as keyof Failure], value, JSON.stringify(failure))
  for (const [key, value] of Object.entries(facts ?? {})) {
    assert.equal(failure.facts[key as keyof Failure['facts']], value, JSON.stringify(failure))
  }
}

/** `made`: the fake, before it is asked. */
async function asked<T>(ask: (upstream: Upstream) => Running<T>, made: (fake: FakeUpstream) => void): Promise<T> {
  await using fake = await startFakeUpstream({ images: { 'library/a:1': IMAGE } })
  await using opened = openTestUpstream({ url: fake.url })
  made(fake)
  return await ask(opened.upstream).value
}

const VAGUE = ['application/json', 'text/plain; charset=utf-8', undefined]
for (const type of VAGUE) {
  test(`a manifest that comes as ${type} is what it says that it is`, async () => {
    const found = await asked(byTag, (fake) => fake.next('manifest', { headers: { 'content-type': type } }))
    assert.equal(found.manifest.mediaType, IMAGE.manifest.mediaType)
  })
}

for (const length of ['none', 'chunked'] as const) {
  test(`a blob whose length is not told (${length}) comes whole`, async () => {
    const download = await asked(blob, (fake) => fake.next('blob', { length }))
    assert.equal(download.size, undefined)
  })
}

const UNSURE: readonly [string, Fault][] = [
  ['a page', { ...FAULTS.captivePortal, headers: { 'content-type': 'text/html', 'docker-content-digest': SUBJECT } }],
  ['a location block', FAULTS.blocked],
  ['an error', FAULTS.broken],
  ['not found', FAULTS.plainNotFound],
  ['no digest', { headers: { 'docker-content-digest': undefined } }],
  ['a digest that is none', { headers: { 'docker-content-digest': 'sha256:short' } }],
  ['401', saysError(401, 'UNAUTHORIZED')],
]
for (const [name, fault] of UNSURE) {
  test(`a HEAD that is answered with ${name} says no more than that the tag may have changed`, async () => {
    const ask = (upstream: Upstream) => upstream.confirm('library/a', '1', SUBJECT)
    assert.equal(await asked(ask, (fake) => fake.next('HEAD manifest', fault)), 'changed')
  })
}

test('a HEAD that is told of too many requests is that (S10)', async () => {
  await using fake = await startFakeUpstream({ images: { 'library/a:1': IMAGE } })
  await using opened = openTestUpstream({ url: fake.url })
  fake.next('HEAD manifest', tooMany('60'))
  const { cause } = await failureOf(opened.upstream.confirm('library/a', '1', SUBJECT))
  assert.equal(cause, 'rate-limited')
  assert.deepEqual(opened.upstream.state().rateLimit?.reserved, true)
  await failureOf(byTag(opened.upstream))
  assert.equal(fake.requests.length, 1)
})
