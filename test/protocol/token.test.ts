import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { suite, test } from 'node:test'
import { digestOf } from '../helpers/digest-of.ts'
import { makeImage } from '../helpers/images.ts'
import { MemoryUpstream } from '../helpers/memory-upstream.ts'
import { type Answer, basic, type TestRegistry, testRegistry } from '../helpers/test-registry.ts'
import { assertAnswer } from './case.ts'

const HELLO = digestOf('hello')
const ALPINE = makeImage('alpine')
const REALM = 'https://reg.example:5000/token'
const HOUR = 3600_000

/** Everybody pulls what is public and what is cached, ann pushes, and the private one is hers alone. */
const ACCESS = {
  groups: { dev: ['ann'] },
  rules: [
    { who: 'anonymous', may: ['pull'], repositories: ['public/**', 'docker.io/**'] },
    { who: 'group:dev', may: ['pull', 'push'], repositories: ['public/**', 'private/**'] },
    { who: 'cleo', may: ['pull', 'push', 'delete'] },
  ],
} as const

async function withTokens(
  run: (registry: TestRegistry, hub: MemoryUpstream) => Promise<void>,
  options: { mirror?: string; prefix?: { inward: string; outward: string } } = {},
): Promise<void> {
  const hub = new MemoryUpstream('docker.io')
  hub.publish('library/alpine', ALPINE, '3')
  const upstreams = new Map([['docker.io', { upstream: hub, revalidate: 60_000, library: true }]])
  await using registry = await testRegistry({
    users: { ann: 'everything', bob: 'everything', cleo: 'everything' },
    access: ACCESS,
    cache: { upstreams },
    ...options,
  })
  await registry.rules.push('public/app', 'hello')
  await registry.rules.push('private/app', 'hello')
  await run(registry, hub)
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** A token for these scopes. */
async function tokenFor(registry: TestRegistry, scopes: readonly string[], as?: string): Promise<string> {
  const query = scopes.map((scope) => `&scope=${encodeURIComponent(scope)}`).join('')
  const answer = await registry.request(`GET /token?service=homeport${query}`, as === undefined ? {} : { as })
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text).token
}

const challenge = ({ headers }: Answer) => headers['www-authenticate']

const BARE = `Bearer realm="${REALM}",service="homeport"`

suite('the challenge, where anonymous may pull something', () => {
  // biome-ignore format: one case a line
  const CASES: readonly (readonly [of: string, name: string, send: string, headers: Record<string, string>, expected: string])[] = [
    ['S15', 'the ping without credentials, without a scope', 'GET /v2/', {}, BARE],
    ['S15', 'the ping without its slash', 'HEAD /v2', {}, BARE],
    ['S18', 'the ping with the empty pair', 'GET /v2/', { authorization: 'Basic Og==' }, BARE],
    ['S17', 'the ping with a wrong password', 'GET /v2/', { authorization: basic('ann', 'wrong') }, BARE],
    ['S17', 'the ping with an unknown account', 'GET /v2/', { authorization: basic('eve', 'secret') }, BARE],
    ['S15', 'the list of repositories', 'GET /v2/_catalog', {}, `${BARE},scope="registry:catalog:*"`],
    ['S15', 'a private pull', `GET /v2/private/app/blobs/${HELLO}`, {}, `${BARE},scope="repository:private/app:pull"`],
    ['S15', 'a private pull of what is not there', 'HEAD /v2/private/none/manifests/1', {}, `${BARE},scope="repository:private/none:pull"`],
    ['S16', 'a push, with the scope that has a comma last', 'POST /v2/public/app/blobs/uploads/', {}, `${BARE},scope="repository:public/app:pull,push"`],
    ['S16', 'a push with the empty pair', 'POST /v2/public/app/blobs/uploads/', { authorization: 'Basic Og==' }, `${BARE},scope="repository:public/app:pull,push"`],
    ['S16', 'a delete', `DELETE /v2/public/app/manifests/${HELLO}`, {}, `${BARE},scope="repository:public/app:delete"`],
    ['S17', 'a wrong password where everybody may pull what is hosted', `GET /v2/public/app/blobs/${HELLO}`, { authorization: basic('ann', 'wrong') }, `${BARE},scope="repository:public/app:pull"`],
    ['T4', 'a token that is none', 'GET /v2/', bearer('x'), `${BARE},error="invalid_token"`],
    ['T4', 'a token that is none, where everybody may pull what is hosted', `GET /v2/public/app/blobs/${HELLO}`, bearer('x'), `${BARE},error="invalid_token",scope="repository:public/app:pull"`],
  ]
  for (const [of, name, send, headers, expected] of CASES) {
    test(`${name} (${of})`, () =>
      withTokens(async ({ request }) => {
        const answer = await request(send, { headers })
        assert.equal(answer.status, 401)
        assert.equal(challenge(answer), expected)
      }))
  }

  test('the realm is where the client reached us: scheme, host, port and what comes before /v2/ (S25)', () =>
    withTokens(
      async ({ request }) => {
        for (const [scheme, host, realm] of [
          ['http', 'localhost:5000', 'http://localhost:5000/hub/x/token'],
          ['https', 'Reg.Example', 'https://reg.example/hub/x/token'],
          ['https', '[fd00::1]:8443', 'https://[fd00::1]:8443/hub/x/token'],
        ] as const) {
          const answer = await request('GET /x/v2/', { origin: { scheme, host } })
          assert.equal(challenge(answer), `Bearer realm="${realm}",service="homeport"`)
        }
        const token = JSON.parse((await request('GET /x/token')).text).token
        assert.equal((await request('GET /x/v2/', { headers: bearer(token) })).status, 200)
      },
      { prefix: { inward: '/x/', outward: '/hub/x/' } },
    ))

  test('where a request names no host a password is asked for: there is no address for tokens (S25)', () =>
    withTokens(async ({ request }) => {
      for (const host of ['', 'a"b', '%41']) {
        assert.equal(
          challenge(await request('GET /v2/', { origin: { scheme: 'http', host } })),
          'Basic realm="Homeport"',
        )
      }
    }))
})

suite('passwords, where there are tokens', () => {
  // biome-ignore format: one case a line
  const CASES: readonly (readonly [of: string, name: string, as: string, send: string, status: number])[] = [
    ['S19', 'the ping', 'ann', 'GET /v2/', 200],
    ['S19', 'a pull of what is hers', 'ann', `GET /v2/private/app/blobs/${HELLO}`, 200],
    ['S19', 'a pull of what is everybody’s', 'bob', `GET /v2/public/app/blobs/${HELLO}`, 200],
    ['S19', 'a push', 'ann', 'POST /v2/private/app/blobs/uploads/', 202],
    ['S19', 'the list of repositories', 'bob', 'GET /v2/_catalog', 200],
    ['S19', 'a pull that he may never do, without a challenge', 'bob', `GET /v2/private/app/blobs/${HELLO}`, 403],
    ['T11', 'a delete by who pushes', 'ann', `DELETE /v2/public/app/manifests/${HELLO}`, 403],
  ]
  for (const [of, name, as, send, status] of CASES) {
    test(`work at once: ${name} (${of})`, () =>
      withTokens(async ({ request }) => {
        const answer = await request(send, { as })
        assert.equal(answer.status, status, answer.text)
        assert.equal(challenge(answer), undefined)
      }))
  }

  test('whoever shows nothing pulls what is everybody’s, at once', () =>
    withTokens(async ({ request }) => {
      for (const headers of [{}, { authorization: 'Basic Og==' }, { authorization: 'nonsense' }]) {
        assert.equal((await request(`GET /v2/public/app/blobs/${HELLO}`, { headers })).status, 200)
        assert.equal((await request('GET /v2/public/app/tags/list', { headers })).status, 200)
      }
    }))
})

suite('the token endpoint', () => {
  test('answers with both names, a life, and when, and keeps it out of caches (S20)', () =>
    withTokens(async ({ request }) => {
      const answer = await request('GET /token?service=homeport&scope=repository:public/app:pull')
      assertAnswer(answer, { status: 200, has: { 'content-type': 'application/json', 'cache-control': 'no-store' } })
      const body = JSON.parse(answer.text)
      assert.deepEqual(Object.keys(body), ['token', 'access_token', 'expires_in', 'issued_at'])
      assert.equal(body.token, body.access_token)
      assert.ok(body.expires_in >= 300)
      assert.match(body.issued_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/)
      assert.equal((await request('GET /v2/', { headers: bearer(body.token) })).status, 200)
    }))

  test('a wrong password, an unknown account: 401 with an error in JSON (S17)', () =>
    withTokens(async ({ request }) => {
      for (const [account, password] of [
        ['ann', 'wrong'],
        ['eve', 'secret'],
        ['ann', ''],
      ] as const) {
        const headers = { authorization: basic(account, password) }
        assertAnswer(await request('GET /token', { headers }), { status: 401, code: 'UNAUTHORIZED' })
        const form = { 'content-type': 'application/x-www-form-urlencoded' }
        const body = new URLSearchParams({ grant_type: 'password', username: account, password }).toString()
        assertAnswer(await request('POST /token', { headers: form, body }), { status: 401, code: 'UNAUTHORIZED' })
      }
    }))

  test('too many wrong passwords are 429, also where tokens are asked for, and a right one gets through elsewhere', () =>
    withTokens(async ({ request }) => {
      const statuses = new Set<number>()
      for (let guess = 0; guess < 12; guess += 1) {
        statuses.add((await request('GET /token', { headers: { authorization: basic('ann', `${guess}`) } })).status)
      }
      assert.deepEqual([...statuses], [401, 429])
      assert.equal((await request('GET /token', { as: 'ann', peer: '192.0.2.2' })).status, 200)
    }))

  test('grants what of the scopes there is, and no error for the rest (S21)', () =>
    withTokens(async (registry) => {
      const all = [
        'repository:public/app:pull,push,delete',
        'repository:private/app:pull',
        'repository(plugin):public/app:pull',
        'registry:catalog:*',
        'nonsense',
        'repository:Not/A Name:pull',
        'other:public/app:pull',
      ]
      const token = await tokenFor(registry, all)
      const statuses = async (headers: Record<string, string>) => [
        (await registry.request(`GET /v2/public/app/blobs/${HELLO}`, { headers })).status,
        (await registry.request('POST /v2/public/app/blobs/uploads/', { headers })).status,
        (await registry.request(`GET /v2/private/app/blobs/${HELLO}`, { headers })).status,
        (await registry.request('GET /v2/_catalog', { headers })).status,
        (await registry.request('GET /v2/', { headers })).status,
      ]
      assert.deepEqual(await statuses(bearer(token)), [200, 401, 401, 200, 200])
      assert.deepEqual(await statuses(bearer(await tokenFor(registry, all, 'ann'))), [200, 202, 200, 200, 200])
      assert.deepEqual(await statuses(bearer(await tokenFor(registry, []))), [401, 401, 401, 401, 200])
      assert.deepEqual(
        await statuses(bearer(await tokenFor(registry, ['repository:x:y,z']))),
        [401, 401, 401, 401, 200],
      )
    }))

  test('takes scopes several times, or with spaces between them (S21)', () =>
    withTokens(async ({ request }) => {
      for (const query of [
        'scope=repository:public/app:pull&scope=repository:private/app:pull',
        'scope=repository%3Apublic%2Fapp%3Apull%20repository%3Aprivate%2Fapp%3Apull',
        'scope=repository:public/app:pull+repository:private/app:pull',
      ]) {
        const answer = await request(`GET /token?account=ann&client_id=docker&offline_token=true&${query}`, {
          as: 'ann',
        })
        const body = JSON.parse(answer.text)
        // Nothing that could be kept instead of a password: there is no way to give it back.
        assert.equal(body.refresh_token, undefined)
        for (const name of ['public', 'private']) {
          const { status } = await request(`GET /v2/${name}/app/blobs/${HELLO}`, { headers: bearer(body.token) })
          assert.equal(status, 200, `${query} ${name}`)
        }
      }
    }))

  test('many scopes make no token that is larger than headers may be, and the first ones hold', () =>
    withTokens(async (registry) => {
      const many = Array.from({ length: 300 }, (_, at) => `repository:public/app-with-a-long-name-${at}:pull`)
      const token = await tokenFor(registry, ['repository:private/app:pull', ...many], 'ann')
      assert.ok(token.length < 7000, `${token.length}`)
      const headers = bearer(token)
      assert.equal((await registry.request(`GET /v2/private/app/blobs/${HELLO}`, { headers })).status, 200)
    }))

  suite('by a form', () => {
    const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
    const LOGIN = { grant_type: 'password', service: 'homeport', client_id: 'containerd', access_type: 'offline' }

    test('gives a token, and says what it is for (S22, S20)', () =>
      withTokens(async ({ request }) => {
        const scope = 'repository:private/app:pull,push repository:public/app:pull,delete'
        const body = new URLSearchParams({ ...LOGIN, username: 'ann', password: 'secret', scope }).toString()
        const answer = await request('POST /token', { headers: FORM, body })
        assert.equal(answer.status, 200, answer.text)
        const { token, access_token: other, scope: granted, refresh_token: refresh } = JSON.parse(answer.text)
        assert.equal(token, other)
        assert.equal(granted, 'repository:private/app:pull,push repository:public/app:pull')
        assert.equal(refresh, undefined)
        const { status } = await request('POST /v2/private/app/blobs/uploads/', { headers: bearer(token) })
        assert.equal(status, 202)
      }))

    // biome-ignore format: one case a line
    const REFUSED: readonly (readonly [name: string, body: string, status: number])[] = [
      ['a grant that there is not', 'grant_type=refresh_token&refresh_token=x', 400],
      ['no grant', 'username=ann&password=secret', 400],
      ['nothing', '', 400],
      ['no password', 'grant_type=password&username=ann', 400],
      ['what is no form', '{"grant_type":"password"}', 400],
      ['more than a form may have', `grant_type=password&username=${'x'.repeat(70_000)}`, 400],
    ]
    for (const [name, body, status] of REFUSED) {
      test(`${name}: ${status}, never 403 (S22)`, () =>
        withTokens(async ({ request }) => {
          assert.equal((await request('POST /token', { headers: FORM, body })).status, status)
        }))
    }
  })

  test('is not there where nobody needs it', async () => {
    for (const access of [undefined, { groups: {}, rules: [{ who: 'ann', may: ['pull'] as const }] }]) {
      await using registry = await testRegistry({ users: { ann: 'everything' }, ...(access && { access }) })
      assert.equal((await registry.request('GET /token', { as: 'ann' })).status, 404)
      assert.equal((await registry.request('POST /token', { body: 'grant_type=password' })).status, 404)
      const answer = await registry.request('GET /v2/')
      assert.equal(challenge(answer), 'Basic realm="Homeport"')
    }
  })

  test('works while the registry is only read', async () => {
    await using registry = await testRegistry({ users: {}, access: ACCESS, readOnly: true })
    assert.equal((await registry.request('POST /token', { body: 'grant_type=refresh_token' })).status, 400)
  })
})

suite('a token', () => {
  test('does its action in its repository, and nothing else; who may do more is told to get another (T11, P-14)', () =>
    withTokens(async (registry) => {
      const headers = bearer(await tokenFor(registry, ['repository:public/app:pull,push'], 'cleo'))
      const scoped = (scope: string) => `${BARE},error="insufficient_scope",scope="${scope}"`
      // biome-ignore format: one case a line
      for (const [send, status, told] of [
        [`HEAD /v2/public/app/blobs/${HELLO}`, 200, undefined],
        ['POST /v2/public/app/blobs/uploads/', 202, undefined],
        [`DELETE /v2/public/app/manifests/${HELLO}`, 401, scoped('repository:public/app:delete')],
        [`DELETE /v2/public/app/blobs/${HELLO}`, 401, scoped('repository:public/app:delete')],
        [`GET /v2/private/app/blobs/${HELLO}`, 401, scoped('repository:private/app:pull')],
        ['POST /v2/private/app/blobs/uploads/', 401, scoped('repository:private/app:pull,push')],
        ['GET /v2/public/ap/tags/list', 401, scoped('repository:public/ap:pull')],
        ['GET /v2/public/app/x/tags/list', 401, scoped('repository:public/app/x:pull')],
        ['GET /v2/_catalog', 401, scoped('registry:catalog:*')],
      ] as const) {
        const answer = await registry.request(send, { headers })
        assert.equal(answer.status, status, send)
        assert.equal(challenge(answer), told, send)
      }
    }))

  test('of who may never do it gets no other: 403 (T11)', () =>
    withTokens(async (registry) => {
      const headers = bearer(await tokenFor(registry, ['repository:private/app:pull,push'], 'bob'))
      const answer = await registry.request(`GET /v2/private/app/blobs/${HELLO}`, { headers })
      assertAnswer(answer, { status: 403, code: 'DENIED', has: { 'www-authenticate': undefined } })
    }))

  test('of nobody is told to sign in, with what he needs (S16)', () =>
    withTokens(async (registry) => {
      const headers = bearer(await tokenFor(registry, ['repository:public/app:pull,push']))
      const answer = await registry.request('POST /v2/public/app/blobs/uploads/', { headers })
      assertAnswer(answer, { status: 401, code: 'UNAUTHORIZED' })
      assert.match(String(challenge(answer)), /,error="insufficient_scope",scope="repository:public\/app:pull,push"$/)
    }))

  test('mounts from no repository that it is not for (S26, P-14)', () =>
    withTokens(async (registry) => {
      await registry.rules.push('private/other', 'only there')
      const there = digestOf('only there')
      const mount = async (scopes: string[], query = '&from=private/other') => {
        const headers = bearer(await tokenFor(registry, scopes, 'ann'))
        return await registry.request(`POST /v2/public/app/blobs/uploads/?mount=${there}${query}`, { headers })
      }
      const here = 'repository:public/app:pull,push'
      const declined = await mount([here])
      assert.equal(declined.status, 202)
      assert.equal((await mount([here], '')).status, 202)
      const absent = digestOf('nowhere')
      const headers = bearer(await tokenFor(registry, [here], 'ann'))
      const none = await registry.request(`POST /v2/public/app/blobs/uploads/?mount=${absent}&from=private/x`, {
        headers,
      })
      const shape = ({ status, headers: told, text }: Answer) => [status, Object.keys(told), text]
      assert.deepEqual(shape(declined), shape(none))
      assert.equal((await mount([here, 'repository:private/other:pull'])).status, 201)
    }))

  test('for a name with a port is for that one (S23)', () =>
    withTokens(async (registry) => {
      const upstreams = ['repository:docker.io:443/library/alpine:pull', 'repository:docker.io/library/alpine:pull']
      for (const scope of upstreams) assert.ok(await tokenFor(registry, [scope]))
      const body = 'grant_type=password&username=cleo&password=secret&scope=repository:lab.lan:5000/a/b:pull,push'
      const answer = await registry.request('POST /token', { body })
      assert.equal(JSON.parse(answer.text).scope, 'repository:lab.lan:5000/a/b:pull,push')
    }))

  test('lasts for its life by a clock that nobody sets, and a minute longer (D-18)', () =>
    withTokens(async (registry) => {
      const start = registry.rules.clock.now
      const headers = bearer(await tokenFor(registry, ['repository:private/app:pull'], 'ann'))
      const status = async (ms: number) => {
        registry.rules.clock.now = start + ms
        return (await registry.request(`GET /v2/private/app/blobs/${HELLO}`, { headers })).status
      }
      assert.deepEqual([await status(0), await status(HOUR), await status(HOUR + 59_000)], [200, 200, 200])
      assert.equal(await status(HOUR + 60_000), 401)
      const answer = await registry.request(`GET /v2/private/app/blobs/${HELLO}`, { headers })
      assert.equal(challenge(answer), `${BARE},error="invalid_token",scope="repository:private/app:pull"`)
    }))
})

suite('a token that we did not give', () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const jwt = (header: object, claims: object = {}, key = 'key') => {
    const content = `${part(header)}.${part({ iss: 'homeport', sub: 'cleo', aud: 'homeport', exp: 9e9, ...claims })}`
    return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`
  }
  const [far, cleo] = [9e15, [['public/app', ['pull', 'push', 'delete']]]] as const
  const own = part([far, 'cleo', cleo])

  const FORGED: Readonly<Record<string, (real: string) => string>> = {
    'a JWT without an algorithm': () => jwt({ alg: 'none' }).replace(/[^.]*$/, ''),
    'a JWT by HS256 with a key that is told': () => jwt({ alg: 'HS256', typ: 'JWT' }),
    'a JWT with its key in it': () => jwt({ alg: 'RS256', jwk: { kty: 'oct', k: 'a2V5' } }),
    'a JWT that says where its key is': () => jwt({ alg: 'RS256', jku: 'https://evil.example/keys', x5u: 'x' }),
    'a JWT whose key is a path': () => jwt({ alg: 'HS256', kid: '../../../../dev/null' }, {}, ''),
    'a JWT for another service': () => jwt({ alg: 'HS256' }, { aud: 'other' }),
    'a JWT of another issuer': () => jwt({ alg: 'HS256' }, { iss: 'other' }),
    'a JWT that has ended': () => jwt({ alg: 'HS256' }, { exp: 1 }),
    'a JWT of tomorrow': () => jwt({ alg: 'HS256' }, { nbf: 9e9 }),
    'our format, sealed with nothing': () => `${own}.`,
    'our format, sealed with another key': () =>
      `${own}.${createHmac('sha256', 'x').update(`${own}\n`).digest('base64url')}`,
    'our seal on other content': (real) => `${own}.${real.split('.')[1]}`,
    'one whose end is cut': (real) => real.slice(0, -1),
    'one with more behind it': (real) => `${real}A`,
    'one that is written otherwise': (real) =>
      real.replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)),
    'one without its content': (real) => `.${real.split('.')[1]}`,
    'the content alone': (real) => real.split('.')[0] ?? '',
    'one twice': (real) => `${real} ${real}`,
    'content that is no JSON': () => `${Buffer.from('{').toString('base64url')}.${'A'.repeat(43)}`,
    'content of another shape': () => `${part({ account: 'cleo' })}.${'A'.repeat(43)}`,
    'scopes of another shape': () => `${part([far, 'cleo', [1, null]])}.${'A'.repeat(43)}`,
    'an account of a prototype': () => `${part([far, '__proto__', []])}.${'A'.repeat(43)}`,
    'one that is very long': () => `${'A'.repeat(100_000)}.${'A'.repeat(43)}`,
    'a password': () => 'secret',
  }
  for (const [name, forge] of Object.entries(FORGED)) {
    test(`is 401, and nobody’s: ${name} (T4)`, () =>
      withTokens(async (registry) => {
        const real = await tokenFor(registry, ['repository:public/app:pull,push,delete'], 'cleo')
        const headers = bearer(forge(real))
        for (const send of ['GET /v2/', `GET /v2/public/app/blobs/${HELLO}`, `DELETE /v2/public/app/blobs/${HELLO}`]) {
          const answer = await registry.request(send, { headers })
          assert.equal(answer.status, 401, send)
          assert.match(String(challenge(answer)), /error="invalid_token"/)
          assert.equal(answer.outcome.account, '')
        }
        assert.equal(
          (await registry.request(`DELETE /v2/public/app/blobs/${HELLO}`, { headers: bearer(real) })).status,
          202,
        )
      }))
  }

  test('of another process is 401 with the challenge that leads to a new one (T4)', () =>
    withTokens(async (before) => {
      const token = await tokenFor(before, ['repository:private/app:pull'], 'ann')
      await withTokens(async (after) => {
        const answer = await after.request(`GET /v2/private/app/blobs/${HELLO}`, { headers: bearer(token) })
        assert.equal(answer.status, 401)
        assert.equal(challenge(answer), `${BARE},error="invalid_token",scope="repository:private/app:pull"`)
      })
    }))
})
