import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Known,
  type Meaning,
  meaningOf,
  type NameAsked,
  splitCanonical,
} from '../../../src/registry/addressing.ts'

const KNOWN: Known = {
  upstreams: new Map([
    ['docker.io', { library: true }],
    ['ghcr.io', { library: false }],
    ['lab.example:5000', { library: false }],
    ['mirror', { library: false }],
  ]),
  defaultUpstream: 'docker.io',
}
const ONLY_GHCR: Known = { upstreams: new Map([['ghcr.io', { library: false }]]) }
const NOTHING: Known = { upstreams: new Map() }

const ALPINE = { kind: 'cached', upstream: 'docker.io', repository: 'docker.io/library/alpine' } as const
const VIA_NS = { ...ALPINE, namespace: 'docker.io' } as const
const OWN = ['reg.home', '192.0.2.5:5000']

type Row = readonly [name: string, asked: Partial<NameAsked> & { name: string }, expected: Meaning, known?: Known]

// biome-ignore format: one case a line
const MEANINGS: readonly Row[] = [
  // 1. What the request is bound to.
  ['bound: the name as the upstream has it (S62)', { name: 'library/alpine', bound: 'docker.io' }, ALPINE],
  ['bound: library/ is added', { name: 'alpine', bound: 'docker.io' }, ALPINE],
  ['bound: its own prefix goes (S62)', { name: 'docker.io/library/alpine', bound: 'docker.io' }, ALPINE],
  ['bound, and ns of the same (S62)', { name: 'library/alpine', bound: 'docker.io', ns: ['docker.io'] }, VIA_NS],
  ['bound, prefix and ns (S62)', { name: 'docker.io/alpine', bound: 'docker.io', ns: ['index.docker.io'] }, VIA_NS],
  ['bound, and ns is our own name', { name: 'library/alpine', bound: 'docker.io', ns: ['reg.home'] }, ALPINE],
  ['bound: another upstream in the name is a name there', { name: 'ghcr.io/a/b', bound: 'docker.io' }, { kind: 'cached', upstream: 'docker.io', repository: 'docker.io/ghcr.io/a/b' }],
  // 2. ns.
  ['ns (FC-21, S62)', { name: 'library/alpine', ns: ['docker.io'] }, VIA_NS],
  ['ns: library/ is added', { name: 'alpine', ns: ['docker.io'] }, VIA_NS],
  ['ns: case and :443 say nothing (FC-21)', { name: 'library/alpine', ns: ['INDEX.docker.io:443'] }, VIA_NS],
  ['ns: registry-1.docker.io is Docker Hub (FC-21)', { name: 'library/alpine', ns: ['registry-1.docker.io'] }, VIA_NS],
  ['ns: a prefix that repeats it goes, once (S62)', { name: 'docker.io/library/alpine', ns: ['docker.io'] }, VIA_NS],
  ['ns: a prefix that repeats it by another name goes', { name: 'index.docker.io/library/alpine', ns: ['docker.io'] }, VIA_NS],
  ['ns: a second prefix is a name there', { name: 'docker.io/docker.io/a', ns: ['docker.io'] }, { kind: 'cached', upstream: 'docker.io', repository: 'docker.io/docker.io/a', namespace: 'docker.io' }],
  ['ns: a name that is only the prefix is a name there', { name: 'docker.io', ns: ['docker.io'] }, { kind: 'cached', upstream: 'docker.io', repository: 'docker.io/library/docker.io', namespace: 'docker.io' }],
  ['ns twice, and the same (FC-21)', { name: 'library/alpine', ns: ['docker.io', 'Index.Docker.io'] }, VIA_NS],
  ['ns with a port of its own', { name: 'a/b', ns: ['LAB.example:5000'] }, { kind: 'cached', upstream: 'lab.example:5000', repository: 'lab.example:5000/a/b', namespace: 'lab.example:5000' }],
  ['no library/ where there is none', { name: 'app', ns: ['ghcr.io'] }, { kind: 'cached', upstream: 'ghcr.io', repository: 'ghcr.io/app', namespace: 'ghcr.io' }],
  ['ns is our own name: hosted, and never the default upstream (FC-21)', { name: 'library/alpine', ns: ['reg.home'] }, { kind: 'hosted', repository: 'library/alpine', namespace: 'reg.home', otherwise: { upstream: 'docker.io', repository: 'docker.io/library/alpine' } }],
  ['ns is our own name with any port', { name: 'team/app', ns: ['REG.home:5000'] }, { kind: 'hosted', repository: 'team/app', namespace: 'reg.home:5000', otherwise: { upstream: 'docker.io', repository: 'docker.io/team/app' } }],
  ['ns is our own address with its port', { name: 'team/app', ns: ['192.0.2.5:5000'] }, { kind: 'hosted', repository: 'team/app', namespace: '192.0.2.5:5000', otherwise: { upstream: 'docker.io', repository: 'docker.io/team/app' } }],
  ['ns is our own name, and the name says whose it is', { name: 'ghcr.io/a/b', ns: ['reg.home'] }, { kind: 'cached', upstream: 'ghcr.io', repository: 'ghcr.io/a/b', namespace: 'reg.home' }],
  ['an upstream is itself, whatever we are called', { name: 'a/b', ns: ['ghcr.io'], own: ['ghcr.io'] }, { kind: 'cached', upstream: 'ghcr.io', repository: 'ghcr.io/a/b', namespace: 'ghcr.io' }],
  ['an empty ns is none', { name: 'ghcr.io/a/b', ns: [''] }, { kind: 'cached', upstream: 'ghcr.io', repository: 'ghcr.io/a/b' }],
  // 3. The first component.
  ['first component (S62)', { name: 'docker.io/library/alpine' }, ALPINE],
  ['first component: library/ is added', { name: 'docker.io/alpine' }, ALPINE],
  ['first component: another name of Docker Hub', { name: 'index.docker.io/library/alpine' }, ALPINE],
  ['first component: with the usual port', { name: 'docker.io:443/library/alpine' }, ALPINE],
  ['first component with a port of its own', { name: 'lab.example:5000/a/b' }, { kind: 'cached', upstream: 'lab.example:5000', repository: 'lab.example:5000/a/b' }],
  ['first component without a dot', { name: 'mirror/a' }, { kind: 'cached', upstream: 'mirror', repository: 'mirror/a' }],
  ['one that looks like a host is never the default upstream', { name: 'quay.io/calico/node' }, { kind: 'plain', repository: 'quay.io/calico/node', host: 'quay.io' }],
  ['one component is a name, though it has a dot', { name: 'my.app' }, { kind: 'plain', repository: 'my.app', otherwise: { upstream: 'docker.io', repository: 'docker.io/library/my.app' } }],
  // 4 and 5. As it stands.
  ['plain: hosted, or the default upstream', { name: 'team/app' }, { kind: 'plain', repository: 'team/app', otherwise: { upstream: 'docker.io', repository: 'docker.io/team/app' } }],
  ['plain: library/ is added for the default upstream', { name: 'alpine' }, { kind: 'plain', repository: 'alpine', otherwise: { upstream: 'docker.io', repository: 'docker.io/library/alpine' } }],
  ['plain, without a default upstream', { name: 'team/app' }, { kind: 'plain', repository: 'team/app' }, ONLY_GHCR],
  ['nothing is cached', { name: 'docker.io/library/alpine' }, { kind: 'plain', repository: 'docker.io/library/alpine', host: 'docker.io' }, NOTHING],
  ['a push to what looks like a host, as registry:2 takes it', { name: 'quay.io/calico/node', write: true }, { kind: 'plain', repository: 'quay.io/calico/node', host: 'quay.io' }],
]

for (const [name, asked, expected, known = KNOWN] of MEANINGS) {
  test(name, () => assert.deepEqual(meaningOf(full(asked), known), expected))
}

// biome-ignore format: one case a line
const REFUSED: readonly (readonly [name: string, asked: Partial<NameAsked> & { name: string }, kind: string, message: RegExp])[] = [
  ['an ns that is not configured (FC-21, S63)', { name: 'library/alpine', ns: ['quay.io'] }, 'name-unknown', /'quay\.io' was not asked: it is not cached here; the operator/],
  ['an ns that is an address of the cloud (FC-21, S63)', { name: 'library/alpine', ns: ['169.254.169.254'] }, 'name-unknown', /'169\.254\.169\.254' was not asked/],
  ['an ns with another port than the upstream', { name: 'a/b', ns: ['ghcr.io:8443'] }, 'name-unknown', /was not asked/],
  ['an ns that only begins like an upstream', { name: 'a/b', ns: ['ghcr.io.evil.example'] }, 'name-unknown', /was not asked/],
  ['an ns with our name and another port', { name: 'a/b', ns: ['192.0.2.5:22'] }, 'name-unknown', /was not asked/],
  ['several ns that differ (FC-21)', { name: 'a/b', ns: ['ghcr.io', 'docker.io'] }, 'request-invalid', /several ns/],
  ['bound to one, and ns of another', { name: 'a/b', bound: 'docker.io', ns: ['ghcr.io'] }, 'name-unknown', /'ghcr\.io' was not asked: this address is bound to docker\.io/],
  ['bound to one, and an ns that is not configured', { name: 'a/b', bound: 'docker.io', ns: ['quay.io'] }, 'name-unknown', /was not asked/],
  ['a first component with a port that is not configured', { name: 'lab.example:5001/a' }, 'name-unknown', /'lab\.example:5001' was not asked/],
  ['a push to such a one is no name', { name: 'lab.example:5001/a', write: true }, 'name-invalid', /lab\.example:5001/],
  ['a name that is none, below an upstream', { name: 'ghcr.io/A' }, 'name-invalid', /'A'/],
  ['a name that climbs', { name: 'ghcr.io/../etc' }, 'name-invalid', /'\.\.'/],
  ['a name that is only an upstream and a slash', { name: 'ghcr.io/' }, 'name-invalid', /''/],
  ['a long ns is not repeated whole', { name: 'a', ns: ['x'.repeat(5000)] }, 'name-unknown', /^.{0,300}$/],
]

for (const [name, asked, kind, message] of REFUSED) {
  test(`refused: ${name}`, () => assert.throws(() => meaningOf(full(asked), KNOWN), { kind, message }))
}

test('a canonical name is told from a hosted one by the upstream that it begins with', () => {
  assert.deepEqual(splitCanonical('docker.io/library/alpine', KNOWN), { upstream: 'docker.io', name: 'library/alpine' })
  assert.deepEqual(splitCanonical('lab.example:5000/a', KNOWN), { upstream: 'lab.example:5000', name: 'a' })
  for (const name of ['team/app', 'docker.io', 'quay.io/a']) assert.equal(splitCanonical(name, KNOWN), undefined)
})

function full(asked: Partial<NameAsked> & { name: string }): NameAsked {
  return { ns: [], own: OWN, write: false, named: false, ...asked }
}
