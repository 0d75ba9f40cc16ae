import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startFakeTokenServer } from '../../helpers/fake-token-server.ts'
import { startFakeUpstream } from '../../helpers/fake-upstream.ts'
import { challenge, FAULTS, pageFault, redirectTo, saysError, tooMany } from '../../helpers/faults.ts'
import { makeImage } from '../../helpers/images.ts'
import type { Fault } from '../../helpers/scripted-reply.ts'
import { failureOf, fastClock, openTestUpstream } from './harness.ts'
import { type Said, type Sent, scripted } from './scripted-door.ts'

const IMAGE = makeImage('tokens')
const IMAGES = { 'library/a:1': IMAGE, 'library/b:1': IMAGE }
const LOGIN = ['ci', 's3cret'] as const
const BASIC = `Basic ${Buffer.from('ci:s3cret').toString('base64')}`

test('an anonymous token is got once, and used for all that is asked of a repository', async () => {
  await using tokens = await startFakeTokenServer()
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
  await using opened = openTestUpstream({ url: fake.url })
  const { upstream } = opened
  await upstream.manifest('library/a', '1').value
  await upstream.manifest('library/a', '1').value
  await upstream.tags('library/a', { limit: 5 }).value
  assert.equal(tokens.requests.length, 1)
  assert.equal(fake.requests.length, 4)
  await upstream.manifest('library/b', '1').value
  assert.deepEqual([...tokens.given.values()], ['repository:library/a:pull', 'repository:library/b:pull'])
})

test('a HEAD gets its token itself: after a restart a tag is confirmed without a GET, which counts as a pull', async () => {
  await using tokens = await startFakeTokenServer()
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
  await using opened = openTestUpstream({ url: fake.url })
  const confirmed = () => opened.upstream.confirm('library/a', '1', IMAGE.manifest.digest).value
  assert.equal(await confirmed(), 'confirmed')
  tokens.revoke()
  assert.equal(await confirmed(), 'confirmed')
  assert.deepEqual(new Set(fake.requests.map(({ method }) => method)), new Set(['HEAD']))
  fake.always('manifest', challenge(tokens.challengeFor('repository:library/a:pull')))
  assert.equal(await confirmed(), 'changed', 'it is not asked for ever')
})

test('twenty who ask at once fetch one token', async () => {
  await using tokens = await startFakeTokenServer()
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
  await using opened = openTestUpstream({ url: fake.url })
  tokens.next('/token?*', { wait: 20 })
  await Promise.all(Array.from({ length: 20 }, () => opened.upstream.manifest('library/a', '1').value))
  assert.equal(tokens.requests.length, 1)
})

test('a token that is not taken any more is dropped, and got once anew', async () => {
  await using tokens = await startFakeTokenServer()
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
  await using opened = openTestUpstream({ url: fake.url })
  await opened.upstream.manifest('library/a', '1').value
  tokens.revoke()
  await opened.upstream.manifest('library/a', '1').value
  assert.equal(tokens.requests.length, 2)
  fake.always('manifest', challenge(tokens.challengeFor('repository:library/a:pull')))
  const { cause, status } = await failureOf(opened.upstream.manifest('library/a', '1'))
  assert.deepEqual([cause, status], ['denied', 401])
  assert.equal(tokens.requests.length, 3, 'one retry, then it gives up')
})

test('a kept token that is answered with 403 is got anew once, too', async () => {
  await using tokens = await startFakeTokenServer()
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
  await using opened = openTestUpstream({ url: fake.url })
  await opened.upstream.manifest('library/a', '1').value
  fake.next('manifest', FAULTS.denied)
  await opened.upstream.manifest('library/a', '1').value
  assert.equal(tokens.requests.length, 2)
})

test('a login is sent to a realm that is listed, and its token is used (T5)', async () => {
  await using tokens = await startFakeTokenServer({ users: { ci: 's3cret' } })
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
  await using opened = openTestUpstream({ url: fake.url, login: LOGIN, realms: [`localhost:${tokens.port}`] })
  await opened.upstream.manifest('library/a', '1').value
  assert.equal(tokens.requests[0]?.headers['authorization'], BASIC)
  assert.ok(fake.requests.every(({ headers }) => headers['authorization'] !== BASIC))
})

test('a realm that is not listed is asked without the login, and a denial says so (T5, FC-38, promise 7)', async () => {
  await using tokens = await startFakeTokenServer({ users: { ci: 's3cret' } })
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
  await using opened = openTestUpstream({ url: fake.url, login: LOGIN })
  await opened.upstream.manifest('library/a', '1').value
  fake.always('manifest', FAULTS.denied)
  const { cause, facts } = await failureOf(opened.upstream.manifest('library/a', '1'))
  assert.deepEqual([cause, facts.realm], ['denied', `localhost:${tokens.port}`])
  for (const { headers } of [...tokens.requests, ...fake.requests]) assert.notEqual(headers['authorization'], BASIC)
})

test('a realm that redirects carries the login nowhere (T5)', async () => {
  await using elsewhere = await startFakeTokenServer({ users: { ci: 's3cret' } })
  await using tokens = await startFakeTokenServer({ users: { ci: 's3cret' } })
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
  await using opened = openTestUpstream({ url: fake.url, login: LOGIN, realms: [`localhost:${tokens.port}`] })
  tokens.always('/token?*', redirectTo(`${elsewhere.realm}?service=registry.fake&scope=repository:library/a:pull`))
  await opened.upstream.manifest('library/a', '1').value
  assert.equal(tokens.requests[0]?.headers['authorization'], BASIC)
  assert.ok(elsewhere.requests.length > 0)
  assert.ok(elsewhere.requests.every(({ headers }) => headers['authorization'] === undefined))
})

for (const realm of [
  'http://u:p@localhost:1/token',
  'file:///etc/passwd',
  'gopher://localhost/',
  'token',
  'http://169.254.169.254/token',
  'http://10.0.0.1/token',
]) {
  test(`nobody is asked for a token at ${realm} (T5)`, async () => {
    await using fake = await startFakeUpstream({ images: IMAGES })
    await using opened = openTestUpstream({ url: fake.url, login: LOGIN })
    fake.always('manifest', challenge(`Bearer realm="${realm}",service="s"`))
    const { cause, facts } = await failureOf(opened.upstream.manifest('library/a', '1'))
    assert.equal(cause, 'upstream-broken')
    assert.match(String(facts.wrong), /realm|redirect/)
    assert.equal(fake.requests.length, 1)
  })
}

test('Basic is sent after its challenge, to the upstream alone', async () => {
  await using fake = await startFakeUpstream({ images: IMAGES, auth: { user: 'ci', password: 's3cret' } })
  await using opened = openTestUpstream({ url: fake.url, login: LOGIN })
  await opened.upstream.manifest('library/a', '1').value
  await opened.upstream.manifest('library/a', '1').value
  assert.deepEqual(
    fake.requests.map(({ headers }) => headers['authorization']),
    [undefined, BASIC, BASIC],
  )
})

test('a login that is rejected is sent once in 30 s, whoever asks: accounts lock', async () => {
  await using fake = await startFakeUpstream({ images: IMAGES, auth: { user: 'ci', password: 'other' } })
  await using opened = openTestUpstream({ url: fake.url, login: LOGIN })
  for (let request = 0; request < 5; request += 1) {
    const { cause, hop } = await failureOf(opened.upstream.manifest('library/a', '1'))
    assert.deepEqual([cause, hop], ['credentials-rejected', 'manifest'])
  }
  assert.equal(fake.requests.filter(({ headers }) => headers['authorization'] === BASIC).length, 1)
})

test('a login that the token server rejects is named at its hop, and sent once in 30 s', async () => {
  await using tokens = await startFakeTokenServer({ users: { ci: 'other' } })
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
  await using opened = openTestUpstream({ url: fake.url, login: LOGIN, realms: [`localhost:${tokens.port}`] })
  for (let request = 0; request < 5; request += 1) {
    const { cause, hop, host } = await failureOf(opened.upstream.manifest('library/a', '1'))
    assert.deepEqual([cause, hop, host], ['credentials-rejected', 'token', `localhost:${tokens.port}`])
  }
  assert.equal(tokens.requests.length, 1)
})

test('an upstream that wants Basic denies it to who has no login', async () => {
  await using fake = await startFakeUpstream({ images: IMAGES, auth: { user: 'ci', password: 's3cret' } })
  await using opened = openTestUpstream({ url: fake.url })
  const { cause, status } = await failureOf(opened.upstream.manifest('library/a', '1'))
  assert.deepEqual([cause, status], ['denied', 401])
})

// Whatever the token server does, it never makes something not found (T38).
// biome-ignore format: one case a line
const BROKEN: readonly [string, Fault, string, string?][] = [
  ['says that it is asked too often', tooMany('60'), 'rate-limited'],
  ['denies it to anonymous', saysError(401, 'UNAUTHORIZED'), 'denied'],
  ['denies it', FAULTS.denied, 'denied'],
  ['is blocked at this location', pageFault(403, 'Not here'), 'blocked'],
  ['is a portal', FAULTS.captivePortal, 'upstream-broken', 'html'],
  ['is not there', FAULTS.plainNotFound, 'upstream-broken', 'foreign'],
  ['knows no such name', FAULTS.nameUnknown, 'upstream-broken'],
  ['fails', FAULTS.broken, 'upstream-broken'],
  ['is overloaded', FAULTS.overloaded, 'upstream-broken'],
  ['ends the connection', FAULTS.close, 'upstream-broken', 'cut'],
  ['sends half an answer', FAULTS.noJson, 'upstream-broken', 'json'],
  ['sends no token', { body: '{}' }, 'upstream-broken', 'json'],
  ['sends a token with a line break (T46)', { body: '{"token":"a\\r\\nx-evil: 1"}' }, 'upstream-broken', 'json'],
  ['sends a megabyte', { body: 'x'.repeat(1_000_000) }, 'upstream-broken', 'too-large'],
]

// They wait more than they work.
describe('a broken token server', { concurrency: true }, () => {
  for (const [name, fault, cause, wrong] of BROKEN) {
    test(`that ${name} is ${cause} at its hop (T38)`, async () => {
      await using tokens = await startFakeTokenServer()
      await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
      await using opened = openTestUpstream({ url: fake.url, clock: fastClock() })
      tokens.always('/token?*', fault)
      const failure = await failureOf(opened.upstream.manifest('library/a', '1'))
      const told = [failure.cause, failure.hop, failure.host, failure.facts.wrong]
      assert.deepEqual(told, [cause, 'token', `localhost:${tokens.port}`, wrong])
    })
  }
})

test('a token that is still good outlives its server (D-16)', async () => {
  await using tokens = await startFakeTokenServer()
  await using fake = await startFakeUpstream({ images: IMAGES, auth: tokens })
  await using opened = openTestUpstream({ url: fake.url })
  await opened.upstream.manifest('library/a', '1').value
  await tokens.close()
  await opened.upstream.manifest('library/a', '1').value
})

// biome-ignore format: one case a line
const LIVES: readonly [string, object, number, boolean][] = [
  ['without expires_in: 54 s of its minute', {}, 53_999, true],
  ['without expires_in, refreshed early', {}, 54_000, false],
  ['of 300 s', { expires_in: 300 }, 269_999, true],
  ['of 300 s, refreshed 30 s early', { expires_in: 300 }, 270_000, false],
  ['of one second', { expires_in: 1 }, 899, true],
  ['of one second, refreshed early', { expires_in: 1 }, 900, false],
  ['of 300 s, issued an hour ago by another clock', { expires_in: 300, issued_at: '1970-01-01T00:00:00Z' }, 269_999, true],
]

for (const [name, token, after, kept] of LIVES) {
  test(`a token ${name} (D-16)`, async () => {
    await using all = scripted(['direct'], (sent) => tokenScript(sent, token))
    await all.ask().value
    // A jump of the clock on the wall changes nothing (D-18).
    all.clock.now -= 86_400_000
    await all.clock.advance(after)
    all.door.sent.length = 0
    await all.ask().value
    assert.equal(
      all.door.sent.some(({ url }) => url.pathname === '/token'),
      !kept,
    )
    assert.ok(all.door.sent.length <= 2, 'it is not waited for a 401')
  })
}

test('a scope that is none of a repository is asked for as it is, and the realm keeps its slash (public.ecr.aws)', async () => {
  const wants = 'Bearer realm="https://reg.example/token/",service="reg.example",scope="aws"'
  await using all = scripted(['direct'], (sent) => tokenScript(sent, {}, wants))
  await all.ask().value
  assert.equal(all.door.sent[1]?.url.href, 'https://reg.example/token/?service=reg.example&scope=aws')
})

test('a token request that hangs on one route holds up no other', async () => {
  await using all = scripted(['a', 'b'], (sent) =>
    sent.route === 'a' && sent.url.pathname === '/token' ? new Promise<Said>(() => undefined) : tokenScript(sent, {}),
  )
  const running = all.ask()
  await all.clock.advance(3_000)
  await running.value
})

function tokenScript(
  { url, headers }: Sent,
  token: object,
  wants = 'Bearer realm="https://reg.example/token",service="s"',
): Said {
  if (url.pathname.startsWith('/token')) return { status: 200, body: JSON.stringify({ token: 'a-token', ...token }) }
  if (headers['authorization'] === undefined) return { status: 401, headers: { 'www-authenticate': wants } }
  return { status: 200, body: '{"tags":[]}' }
}
