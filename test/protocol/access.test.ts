import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AccessSettings } from '../../src/auth/access.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { makeImage } from '../helpers/images.ts'
import { MemoryUpstream } from '../helpers/memory-upstream.ts'
import { basic, type TestRegistry, testRegistry } from '../helpers/test-registry.ts'
import type { TestSignIn } from '../helpers/test-sign-in.ts'

const HELLO = digestOf('hello')
const ALPINE = makeImage('alpine')

/** A house: everybody pulls what is public from inside, developers push, a robot deploys one app, an admin does the rest. */
const HOUSE: AccessSettings = {
  groups: { dev: ['ann', 'bob'] },
  rules: [
    { who: 'anonymous', from: ['192.168.0.0/16'], may: ['pull'], repositories: ['public/**', 'docker.io/**'] },
    { who: 'group:dev', may: ['pull', 'push'], repositories: ['public/**', 'apps/*'] },
    { who: ['robot'], from: ['10.0.0.0/8', 'fd00::/8'], may: ['push'], repositories: ['apps/web'] },
    { who: 'cleo', may: ['pull', 'push', 'delete', 'admin'] },
    { who: 'bob', may: ['delete'], repositories: ['apps/web'] },
  ],
}
const USERS = {
  ann: 'everything',
  bob: 'everything',
  robot: 'everything',
  cleo: 'everything',
  eve: 'everything',
} as const

async function withRules(
  run: (registry: TestRegistry & { readonly signIn: TestSignIn }, hub: MemoryUpstream) => Promise<void>,
  {
    access = HOUSE,
    mirror,
    defaultUpstream,
  }: { access?: AccessSettings; mirror?: string; defaultUpstream?: string } = {},
): Promise<void> {
  const hub = new MemoryUpstream('docker.io')
  hub.publish('library/alpine', ALPINE, '3')
  const upstreams = new Map([['docker.io', { upstream: hub, revalidate: 60_000, library: true }]])
  await using registry = await testRegistry({
    users: USERS,
    access,
    cache: { upstreams, ...(defaultUpstream !== undefined && { defaultUpstream }) },
    ...(mirror !== undefined && { mirror }),
  })
  await run(registry as TestRegistry & { readonly signIn: TestSignIn }, hub)
}

const INSIDE = '192.168.7.7'
const OUTSIDE = '203.0.113.9'
const LAB = '10.1.2.3'

/** Repositories of the matrix. */
const REPOSITORIES = ['public/a/b', 'apps/web', 'apps/web/deep', 'secret', 'docker.io/library/alpine'] as const

/** What each may do where, from which network, told by hand: `-`: nothing, `p`: pull, `u`: push, `d`: delete. */
// biome-ignore format: one row a line
const EXPECTED: readonly (readonly [account: string, peer: string, rights: readonly [string, string, string, string, string]])[] = [
  // who        from     public/a/b  apps/web  apps/web/deep  secret  docker.io/library/alpine
  ['',          INSIDE,  ['p',       '-',      '-',           '-',    'p']],
  ['',          OUTSIDE, ['-',       '-',      '-',           '-',    '-']],
  ['',          LAB,     ['-',       '-',      '-',           '-',    '-']],
  ['ann',       INSIDE,  ['pu',      'pu',     '-',           '-',    'p']],
  ['ann',       OUTSIDE, ['pu',      'pu',     '-',           '-',    '-']],
  ['bob',       INSIDE,  ['pu',      'pud',    '-',           '-',    'p']],
  ['bob',       OUTSIDE, ['pu',      'pud',    '-',           '-',    '-']],
  ['robot',     INSIDE,  ['p',       '-',      '-',           '-',    'p']],
  ['robot',     OUTSIDE, ['-',       '-',      '-',           '-',    '-']],
  ['robot',     LAB,     ['-',       'u',      '-',           '-',    '-']],
  ['cleo',      INSIDE,  ['pud',     'pud',    'pud',         'pud',  'pud']],
  ['cleo',      OUTSIDE, ['pud',     'pud',    'pud',         'pud',  'pud']],
  ['eve',       INSIDE,  ['p',       '-',      '-',           '-',    'p']],
  ['eve',       OUTSIDE, ['-',       '-',      '-',           '-',    '-']],
]

const ID = '11111111-1111-4111-8111-111111111111'

/** Every method of every path about a repository, and the right that it needs. */
// biome-ignore format: one route a line
const ROUTES: readonly (readonly [method: string, path: string, right: 'p' | 'u' | 'd'])[] = [
  ['GET', '/tags/list', 'p'],
  ['HEAD', '/tags/list', 'p'],
  ['GET', `/referrers/${HELLO}`, 'p'],
  ['GET', '/manifests/9', 'p'],
  ['HEAD', '/manifests/9', 'p'],
  ['PUT', '/manifests/9', 'u'],
  ['DELETE', `/manifests/${HELLO}`, 'd'],
  ['DELETE', '/manifests/9', 'd'],
  ['GET', `/blobs/${HELLO}`, 'p'],
  ['HEAD', `/blobs/${HELLO}`, 'p'],
  ['DELETE', `/blobs/${HELLO}`, 'd'],
  ['POST', '/blobs/uploads/', 'u'],
  ['GET', `/blobs/uploads/${ID}`, 'u'],
  ['PATCH', `/blobs/uploads/${ID}`, 'u'],
  ['PUT', `/blobs/uploads/${ID}?digest=${HELLO}`, 'u'],
  ['DELETE', `/blobs/uploads/${ID}`, 'u'],
]

/** Whether somebody was let in, by what he is answered: what then becomes of it is another table's. */
const isLetIn = (status: number) => status !== 401 && status !== 403

const SCOPES = { p: 'pull', u: 'pull,push', d: 'delete' } as const

suite('user × method × route × network (T11, P-14)', () => {
  for (const [account, peer, rights] of EXPECTED) {
    for (const [index, repository] of REPOSITORIES.entries()) {
      test(`${account || 'nobody'} from ${peer} in ${repository}: ${rights[index]}, by password and by token`, () =>
        withRules(async ({ request }) => {
          for (const [method, path, right] of ROUTES) {
            const may = rights[index]?.includes(right) === true
            const ask = (headers: Record<string, string>) =>
              request(`${method} /v2/${repository}${path}`, { peer, headers, ...(method !== 'GET' && { body: '' }) })
            const line = `${method} ${path}`
            const login = account === '' ? {} : { authorization: basic(account, 'secret') }
            const byPassword = await ask(login)
            assert.equal(isLetIn(byPassword.status), may, `${line}: ${byPassword.status}`)
            // Who has signed in is told no; who has not, how to.
            if (!may) assert.equal(byPassword.status, account === '' ? 401 : 403, line)

            const scope = `repository:${repository}:${SCOPES[right]}`
            const issued = await request(`GET /token?scope=${scope}`, { peer, headers: login })
            const token = { authorization: `Bearer ${JSON.parse(issued.text).token}` }
            assert.equal(isLetIn((await ask(token)).status), may, `${line} by token`)

            const bare = {
              authorization: `Bearer ${JSON.parse((await request('GET /token', { peer, headers: login })).text).token}`,
            }
            // From the cache everybody may pull what everybody may pull, whatever he shows.
            const open = right === 'p' && repository.startsWith('docker.io/') && peer === INSIDE
            assert.equal(isLetIn((await ask(bare)).status), open, `${line} by a token for nothing`)
          }
        }))
    }
  }
})

suite('the list of repositories shows what each may pull (P-12)', () => {
  // biome-ignore format: one case a line
  const CASES: readonly (readonly [account: string, peer: string, names: readonly string[]])[] = [
    ['', INSIDE, ['public/a/b']],
    ['', OUTSIDE, []],
    ['ann', OUTSIDE, ['apps/web', 'public/a/b']],
    ['robot', LAB, []],
    ['cleo', OUTSIDE, ['apps/web', 'apps/web/deep', 'public/a/b', 'secret']],
    ['eve', INSIDE, ['public/a/b']],
  ]
  for (const [account, peer, names] of CASES) {
    test(`${account || 'nobody'} from ${peer}: ${names.join(', ') || 'nothing'}`, () =>
      withRules(async ({ request, rules }) => {
        for (const name of REPOSITORIES.slice(0, 4)) await rules.push(name, 'hello')
        const login = account === '' ? {} : { authorization: basic(account, 'secret') }
        const issued = await request('GET /token?scope=registry:catalog:*', { peer, headers: login })
        const token = { authorization: `Bearer ${JSON.parse(issued.text).token}` }
        for (const headers of account === '' ? [token] : [token, login]) {
          const { status, text } = await request('GET /v2/_catalog', { peer, headers })
          assert.equal(status, 200)
          assert.deepEqual(JSON.parse(text).repositories, names)
        }
      }))
  }

  test('in full pages, however many there are between that he may not pull', () =>
    withRules(async ({ request, rules }) => {
      for (let at = 0; at < 40; at += 1) {
        await rules.push(`${at % 8 === 0 ? 'public' : 'secret'}/r${String(at).padStart(2, '0')}`, 'hello')
      }
      const { text, headers } = await request('GET /v2/_catalog?n=3', { as: 'ann' })
      assert.deepEqual(JSON.parse(text).repositories, ['public/r00', 'public/r08', 'public/r16'])
      assert.match(String(headers['link']), /last=public%2Fr16/)
      const rest = await request('GET /v2/_catalog?n=3&last=public/r16', { as: 'ann' })
      assert.deepEqual(JSON.parse(rest.text).repositories, ['public/r24', 'public/r32'])
    }))
})

suite('rights that are taken away (T8)', () => {
  const token = async ({ request }: TestRegistry, as: string) =>
    `Bearer ${JSON.parse((await request('GET /token?scope=repository:apps/web:pull,push,delete', { as })).text).token}`

  test('who is taken out of the file is out, with his token too', () =>
    withRules(async (registry) => {
      await registry.rules.push('apps/web', 'hello')
      const headers = { authorization: await token(registry, 'bob') }
      const pull = async (with_: Record<string, string>) =>
        (await registry.request(`GET /v2/apps/web/blobs/${HELLO}`, { headers: with_ })).status
      assert.equal(await pull(headers), 200)
      registry.signIn.change({ ann: 'secret' })
      assert.equal(await pull(headers), 401)
      assert.equal(await pull({ authorization: basic('bob', 'secret') }), 401)
      assert.equal((await registry.request('GET /v2/', { headers })).status, 401)
    }))

  test('who gets another password needs another token', () =>
    withRules(async (registry) => {
      const headers = { authorization: await token(registry, 'bob') }
      const others = { authorization: await token(registry, 'ann') }
      registry.signIn.change({ ann: 'secret', bob: 'changed' })
      assert.equal((await registry.request('GET /v2/', { headers })).status, 401)
      assert.equal((await registry.request('GET /v2/', { headers: others })).status, 200)
    }))

  test('who is taken out of a group has its rights no longer, nor by a token that he has', () =>
    withRules(async (registry) => {
      const headers = { authorization: await token(registry, 'ann') }
      const begin = async () => (await registry.request('POST /v2/apps/web/blobs/uploads/', { headers })).status
      assert.equal(await begin(), 202)
      registry.signIn.take({ ...HOUSE, groups: { dev: ['bob'] } })
      assert.equal(await begin(), 403)
      registry.signIn.take(HOUSE)
      assert.equal(await begin(), 202)
    }))

  test('a token that was got inside does no more outside than its owner may there', () =>
    withRules(async (registry) => {
      await registry.rules.push('public/app', 'hello')
      const ask = 'GET /token?scope=repository:public/app:pull'
      const headers = {
        authorization: `Bearer ${JSON.parse((await registry.request(ask, { peer: INSIDE })).text).token}`,
      }
      const pull = async (peer: string) =>
        (await registry.request(`GET /v2/public/app/blobs/${HELLO}`, { headers, peer })).status
      assert.deepEqual([await pull(INSIDE), await pull(OUTSIDE)], [200, 401])
    }))
})

test('no tag and no name has rules of its own: who may push may push latest, in whatever case, and nobody else (T10)', () =>
  withRules(async ({ request }) => {
    for (const tag of ['v1', 'latest', 'LATEST', 'Latest']) {
      const put = async (as: string) => (await request(`PUT /v2/apps/web/manifests/${tag}`, { as, body: '{}' })).status
      assert.deepEqual([await put('ann'), await put('eve')], [400, 403], tag)
    }
  }))

const HUB = { authorization: basic('hub-user', 'hub-password-canary') }

suite('a login of somebody else’s registry (FC-39, T34, S24)', () => {
  const MANIFEST = 'GET /v2/docker.io/library/alpine/manifests/3'

  test('counts as nobody’s where everybody may pull from the cache: it is neither compared, nor told, nor counted', () =>
    withRules(async (registry, hub) => {
      for (let pull = 0; pull < 30; pull += 1) {
        const answer = await registry.request(MANIFEST, { headers: HUB, peer: INSIDE })
        assert.equal(answer.status, 200, answer.text)
        assert.equal(answer.outcome.account, '')
      }
      const mine = { authorization: basic('ann', 'of-docker-hub') }
      for (let pull = 0; pull < 30; pull += 1) {
        assert.equal((await registry.request(MANIFEST, { headers: mine, peer: INSIDE })).status, 200)
      }
      assert.deepEqual([registry.signIn.failures, registry.signIn.compared], [[], []])
      assert.doesNotMatch(JSON.stringify(hub.asked), /hub-user|canary/)
      // It has kept nobody out: the same account signs in from there.
      assert.equal((await registry.request('GET /v2/', { as: 'ann', peer: INSIDE })).status, 200)
    }))

  test('one whose password was right a short time ago is known by name', () =>
    withRules(async ({ request }) => {
      const named = async () => (await request(MANIFEST, { as: 'ann', peer: INSIDE })).outcome.account
      assert.equal(await named(), '')
      await request('GET /v2/', { as: 'ann' })
      assert.equal(await named(), 'ann')
    }))

  test('is 401 wherever it could be meant: at /v2/, for a token, in a hosted repository, where not everybody may pull', () =>
    withRules(async (registry) => {
      await registry.rules.push('public/app', 'hello')
      for (const [send, peer] of [
        ['GET /v2/', INSIDE],
        ['GET /token', INSIDE],
        ['GET /token?scope=repository:docker.io/library/alpine:pull', INSIDE],
        [`GET /v2/public/app/blobs/${HELLO}`, INSIDE],
        [MANIFEST, OUTSIDE],
        ['POST /v2/docker.io/library/alpine/blobs/uploads/', INSIDE],
      ] as const) {
        assert.equal((await registry.request(send, { headers: HUB, peer })).status, 401, send)
      }
      assert.equal(registry.signIn.failures.length, 6)
    }))

  test('an unknown registry and a wrong login: it is not told what is cached', () =>
    withRules(async ({ request }) => {
      const { status } = await request('GET /v2/team/app/manifests/1?ns=quay.io', { headers: HUB, peer: INSIDE })
      assert.equal(status, 401)
      assert.equal((await request('GET /v2/team/app/manifests/1?ns=quay.io', { peer: INSIDE })).status, 404)
    }))
})

suite('the listener of an upstream (S24, FC-39)', () => {
  const inMirror = { mirror: 'docker.io' }
  const SCOPE = 'scope=repository:library/alpine:pull'
  const MANIFEST = 'GET /v2/library/alpine/manifests/3'

  test('asks dockerd for a token, gives it one whatever its login, and serves it', () =>
    withRules(async (registry) => {
      for (let pull = 0; pull < 30; pull += 1) {
        const ping = await registry.request('GET /v2/', { peer: INSIDE, headers: HUB })
        assert.equal(ping.status, 401)
        assert.match(String(ping.headers['www-authenticate']), /^Bearer realm="https:\/\/reg.example:5000\/token"/)
        const issued = await registry.request(`GET /token?account=hub-user&${SCOPE}`, { peer: INSIDE, headers: HUB })
        assert.equal(issued.status, 200)
        const headers = { authorization: `Bearer ${JSON.parse(issued.text).token}` }
        assert.equal((await registry.request('GET /v2/', { peer: INSIDE, headers })).status, 200)
        const pulled = await registry.request(MANIFEST, { peer: INSIDE, headers })
        assert.deepEqual([pulled.status, pulled.outcome.account], [200, ''])
        assert.equal((await registry.request(MANIFEST, { peer: INSIDE, headers: HUB })).status, 200)
      }
      assert.deepEqual(registry.signIn.failures, [])
    }, inMirror))

  test('compares no password for a token that everybody gets', () =>
    withRules(async ({ request, signIn }) => {
      assert.equal((await request(`GET /token?${SCOPE}`, { headers: HUB, peer: INSIDE })).status, 200)
      assert.deepEqual(signIn.compared, [])
      await request(`GET /token?${SCOPE},push`, { headers: HUB, peer: INSIDE })
      assert.equal(signIn.compared.length, 1)
    }, inMirror))

  test('takes wrong logins for nobody’s by a form, without a scope, and with more than everybody may', () =>
    withRules(async ({ request, signIn }) => {
      const form = new URLSearchParams({ grant_type: 'password', username: 'hub-user', password: 'x' }).toString()
      for (let guess = 0; guess < 20; guess += 1) {
        assert.equal((await request('GET /token', { headers: HUB, peer: OUTSIDE })).status, 200)
        assert.equal((await request('POST /token', { body: `${form}&${SCOPE}`, peer: OUTSIDE })).status, 200)
        const { text } = await request(`GET /token?${SCOPE}`, { headers: HUB, peer: OUTSIDE })
        const headers = { authorization: `Bearer ${JSON.parse(text).token}` }
        assert.equal((await request(MANIFEST, { headers, peer: OUTSIDE })).status, 401)
      }
      assert.deepEqual(signIn.failures, [])
    }, inMirror))

  test('takes a right password at once where not everybody may pull, also after many wrong ones', () =>
    withRules(async ({ request, signIn }) => {
      const wrong = { authorization: basic('cleo', 'of docker hub') }
      for (let guess = 0; guess < 20; guess += 1) {
        assert.equal((await request(MANIFEST, { headers: wrong, peer: OUTSIDE })).status, 401)
      }
      assert.deepEqual(signIn.failures, [])
      const other = await signIn.callerFor(basic('cleo', 'secret'), { peer: OUTSIDE })
      assert.equal(other?.account, 'cleo')
      assert.equal((await request(MANIFEST, { as: 'cleo', peer: OUTSIDE })).status, 200)
    }, inMirror))

  test('asks for a password where nobody may do anything without one, and tells wrong ones', () =>
    withRules(
      async ({ request, signIn }) => {
        const answer = await request('GET /v2/', { headers: HUB })
        assert.deepEqual([answer.status, answer.headers['www-authenticate']], [401, 'Basic realm="Homeport"'])
        assert.equal((await request('GET /token')).status, 404)
        assert.deepEqual(signIn.failures, ['hub-user wrong'])
        assert.equal((await request(MANIFEST, { as: 'cleo' })).status, 200)
      },
      { ...inMirror, access: { groups: {}, rules: [{ who: 'cleo', may: ['pull'] }] } },
    ))

  test('is open where nobody has to sign in', async () => {
    const hub = new MemoryUpstream('docker.io')
    hub.publish('library/alpine', ALPINE, '3')
    const upstreams = new Map([['docker.io', { upstream: hub, revalidate: 60_000, library: true }]])
    await using registry = await testRegistry({ ...inMirror, cache: { upstreams } })
    for (const send of ['GET /v2/', MANIFEST]) {
      assert.equal((await registry.request(send, { headers: HUB })).status, 200)
    }
  })
})

suite('a token for what is cached is asked for by the name in the URL, and rights are of the whole name', () => {
  const access: AccessSettings = {
    groups: {},
    rules: [
      { who: 'ann', may: ['pull'], repositories: ['docker.io/library/*'] },
      { who: 'eve', may: ['pull'], repositories: ['library/*', 'docker.io/team/*'] },
      { who: 'anonymous', may: ['pull'], repositories: ['public/**'] },
    ],
  }
  for (const target of [
    '/v2/library/alpine/manifests/3?ns=docker.io',
    '/v2/alpine/manifests/3?ns=docker.io',
    '/v2/docker.io/library/alpine/manifests/3',
    '/v2/docker.io/alpine/manifests/3',
    '/v2/index.docker.io/library/alpine/manifests/3',
    '/docker.io/v2/library/alpine/manifests/3',
    '/v2/library/alpine/manifests/3',
  ]) {
    test(target, () =>
      withRules(
        async ({ request }) => {
          const first = await request(`GET ${target}`)
          const scope = /scope="([^"]+)"/.exec(String(first.headers['www-authenticate']))?.[1] ?? ''
          assert.equal(scope, `repository:${/v2\/(.*)\/manifests/.exec(target)?.[1]}:pull`)
          const pull = async (as: string) => {
            const { text } = await request(`GET /token?scope=${scope}`, { as })
            return (await request(`GET ${target}`, { headers: { authorization: `Bearer ${JSON.parse(text).token}` } }))
              .status
          }
          assert.deepEqual([await pull('ann'), await pull('eve')], [200, 403])
        },
        { access, defaultUpstream: 'docker.io' },
      ),
    )
  }
})

suite('a push where a default upstream is (S64)', () => {
  const push = async ({ request }: TestRegistry, name: string, as: string) =>
    (await request(`POST /v2/${name}/blobs/uploads/`, { as })).status
  const rules: AccessSettings = {
    groups: {},
    rules: [
      { who: ['ann', 'bob'], may: ['pull', 'push'] },
      { who: 'ann', may: ['push'], repositories: ['library/nginx', 'mine/**'] },
      { who: 'bob', may: ['push'], repositories: ['**', '*/nginx'] },
    ],
  }
  const options = { access: rules, defaultUpstream: 'docker.io' }

  test('to library/… is taken from whom a rule names it for, and from nobody who may push whatever there is', () =>
    withRules(async (registry) => {
      assert.equal(await push(registry, 'library/nginx', 'ann'), 202)
      assert.equal(await push(registry, 'library/nginx', 'bob'), 405)
      assert.equal(await push(registry, 'library/redis', 'ann'), 405)
      assert.equal(await push(registry, 'library/nginx', 'eve'), 403)
      assert.equal(await push(registry, 'team/app', 'bob'), 202)
    }, options))
})
