import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Located, NameAsked } from '../../../src/registry/addressing.ts'
import type { CachedUpstream } from '../../../src/registry/cache.ts'
import { hostedUnderUpstreams } from '../../../src/registry/locate.ts'
import { MemoryUpstream } from '../../helpers/memory-upstream.ts'
import { openTestRules, type TestRules } from '../../helpers/test-rules.ts'

const HUB = new MemoryUpstream('docker.io')
const GHCR = new MemoryUpstream('ghcr.io')
const cached = (upstream: MemoryUpstream, library: boolean): CachedUpstream => ({
  upstream,
  revalidate: 60_000,
  library,
})
const UPSTREAMS = new Map([
  ['docker.io', cached(HUB, true)],
  ['ghcr.io', cached(GHCR, false)],
])

type Asked = Partial<NameAsked> & { name: string }

// biome-ignore format: one case a line
const LOCATED: readonly (readonly [name: string, asked: Asked, expected: Located])[] = [
  ['a hosted name beats the default upstream (FC-22)', { name: 'team/app' }, { repository: 'team/app' }],
  ['a hosted name of one component does, too', { name: 'tool' }, { repository: 'tool' }],
  ['ns is never a hosted repository (FC-22)', { name: 'team/app', ns: ['docker.io'] }, { repository: 'docker.io/team/app', upstream: 'docker.io', namespace: 'docker.io' }],
  ['what nobody pushed is the default upstream’s', { name: 'other/app' }, { repository: 'docker.io/other/app', upstream: 'docker.io', unclaimed: true }],
  ['one that is cached is the default upstream’s', { name: 'nginx' }, { repository: 'docker.io/library/nginx', upstream: 'docker.io' }],
  ['an upstream by its name', { name: 'ghcr.io/a/b' }, { repository: 'ghcr.io/a/b', upstream: 'ghcr.io' }],
  ['hosted before there was the upstream: it stays so', { name: 'ghcr.io/mine/app' }, { repository: 'ghcr.io/mine/app' }],
  ['hosted before, by ns', { name: 'mine/app', ns: ['ghcr.io'] }, { repository: 'ghcr.io/mine/app', namespace: 'ghcr.io' }],
  ['hosted before, where the request is bound', { name: 'mine/app', bound: 'ghcr.io' }, { repository: 'ghcr.io/mine/app' }],
  ['hosted before under the default upstream, without its name', { name: 'mirrored' }, { repository: 'docker.io/library/mirrored' }],
  ['hosted under the name of a registry that is not cached', { name: 'quay.io/mine/app' }, { repository: 'quay.io/mine/app' }],
  ['our own name as ns', { name: 'nothing/here', ns: ['reg.home'] }, { repository: 'nothing/here', namespace: 'reg.home' }],
  // Pushes.
  ['who asks whether a blob of what nobody pulled is there is about to push it: no upstream is asked', { name: 'new/app', blob: true }, { repository: 'new/app' }],
  ['a blob of what was pulled', { name: 'nginx', blob: true }, { repository: 'docker.io/library/nginx', upstream: 'docker.io' }],
  ['a blob of an upstream by its name', { name: 'ghcr.io/a/b', blob: true }, { repository: 'ghcr.io/a/b', upstream: 'ghcr.io' }],
  ['a push makes what is not there (FC-34)', { name: 'new/app', write: true }, { repository: 'new/app' }],
  ['a push goes on where it is hosted', { name: 'team/app', write: true }, { repository: 'team/app' }],
  ['a push goes on where library/ is hosted already', { name: 'library/own', write: true }, { repository: 'library/own' }],
  ['a push goes on below an upstream where it was hosted before', { name: 'ghcr.io/mine/app', write: true }, { repository: 'ghcr.io/mine/app' }],
  ['a push to library/ by whom a rule names it for', { name: 'library/nginx', write: true, named: true }, { repository: 'library/nginx' }],
  ['a push to a cached name by whom a rule names it for', { name: 'grafana/grafana', write: true, named: true }, { repository: 'grafana/grafana' }],
  ['a push by our own name as ns goes on where it is hosted', { name: 'library/own', ns: ['reg.home'], write: true }, { repository: 'library/own', namespace: 'reg.home' }],
  ['a push by our own name as ns, by whom a rule names it for', { name: 'library/nginx', ns: ['reg.home'], write: true, named: true }, { repository: 'library/nginx', namespace: 'reg.home' }],
  ['a push below a registry that is not cached', { name: 'quay.io/new', write: true }, { repository: 'quay.io/new' }],
]

// biome-ignore format: one case a line
const REFUSED: readonly (readonly [name: string, asked: Asked, kind: string, message: RegExp])[] = [
  ['a push to an upstream by its name (FC-34, S64)', { name: 'ghcr.io/a/b', write: true }, 'unsupported', /copy of a repository of ghcr\.io.*does not begin with 'ghcr\.io\/'/],
  ['a push to an upstream by ns (S64)', { name: 'library/x', ns: ['docker.io'], write: true }, 'unsupported', /docker\.io\/library\/x/],
  ['a push where the request is bound (S64)', { name: 'a/b', bound: 'ghcr.io', write: true }, 'unsupported', /ghcr\.io/],
  ['a push where it is bound, though hosted before', { name: 'mine/app', bound: 'ghcr.io', write: true }, 'unsupported', /ghcr\.io/],
  ['no rule opens an upstream', { name: 'ghcr.io/a/b', write: true, named: true }, 'unsupported', /ghcr\.io/],
  ['a push to library/ (FC-34, S64)', { name: 'library/nginx', write: true }, 'unsupported', /what docker\.io has under that name.*rule of access/],
  ['a push to library/ that was never pulled (FC-34)', { name: 'library/never', write: true }, 'unsupported', /hide it/],
  ['a push to a name that is cached (FC-34, S64)', { name: 'grafana/grafana', write: true }, 'unsupported', /hide it/],
  ['a push to a name of one component that is cached', { name: 'nginx', write: true }, 'unsupported', /hide it/],
  ['a push to library/ by our own name as ns (FC-34, promise 13)', { name: 'library/nginx', ns: ['reg.home'], write: true }, 'unsupported', /hide it/],
  ['a push to a name that is cached by our own name as ns', { name: 'nginx', ns: ['reg.home'], write: true }, 'unsupported', /hide it/],
  ['a registry that is not cached', { name: 'quay.io/calico/node' }, 'name-unknown', /'quay\.io' was not asked/],
  ['an unknown ns, though the name is hosted (S63)', { name: 'team/app', ns: ['quay.io'] }, 'name-unknown', /'quay\.io' was not asked/],
]

suite('locate', () => {
  let rules: TestRules
  before(async () => {
    rules = await openTestRules({ cache: { upstreams: UPSTREAMS, defaultUpstream: 'docker.io' } })
    const hosted = [
      'team/app',
      'tool',
      'library/own',
      'quay.io/mine/app',
      'ghcr.io/mine/app',
      'docker.io/library/mirrored',
    ]
    const part = { blobs: [], manifests: [], tags: [], complete: false }
    for (const repository of hosted) await rules.catalog.write('adopt', { repository, kind: 'hosted', ...part })
    for (const repository of ['docker.io/library/nginx', 'docker.io/grafana/grafana', 'ghcr.io/x/y']) {
      await rules.catalog.write('adopt', { repository, kind: 'cached', ...part })
    }
  })
  after(() => rules[Symbol.asyncDispose]())

  for (const [name, asked, expected] of LOCATED) {
    test(name, async () => assert.deepEqual(await rules.registry.locate(full(asked)), expected))
  }

  for (const [name, asked, kind, message] of REFUSED) {
    test(`refused: ${name}`, () => assert.rejects(rules.registry.locate(full(asked)), { kind, message }))
  }

  test('hosted names that an upstream would have are listed for the operator', async () => {
    assert.deepEqual(await hostedUnderUpstreams(rules.parts), ['docker.io/library/mirrored', 'ghcr.io/mine/app'])
  })

  test('no upstream was asked for any of it (FC-21, FC-22, S63)', () => {
    assert.deepEqual([HUB.asked, GHCR.asked], [[], []])
  })
})

test('where nothing is cached, a name is what it says', async () => {
  await using rules = await openTestRules()
  for (const name of ['team/app', 'library/nginx', 'nginx']) {
    for (const write of [false, true]) {
      assert.deepEqual(await rules.registry.locate(full({ name, write })), { repository: name })
    }
  }
  await assert.rejects(rules.registry.locate(full({ name: 'docker.io/library/alpine' })), { kind: 'name-unknown' })
})

function full(asked: Asked): NameAsked {
  return { ns: [], own: ['reg.home'], write: false, named: false, ...asked }
}
