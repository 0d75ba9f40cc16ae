import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CachedUpstream } from '../../src/registry/cache.ts'
import { digestOf } from '../helpers/digest-of.ts'
import { type Image, makeImage, makeIndex } from '../helpers/images.ts'
import { MemoryUpstream } from '../helpers/memory-upstream.ts'
import {
  type Answer,
  codeOf,
  type TestRegistry,
  type TestRegistryOptions,
  testRegistry,
} from '../helpers/test-registry.ts'

const ALPINE = makeImage('alpine')
const TOOL = makeImage('tool')
const OURS = makeImage('ours')
const SHADOWED = makeImage('of the upstream, under a name of ours')

/** Of an image. */
const firstBlob = ({ blobs }: Image) => [...blobs][0] ?? (['', Buffer.alloc(0)] as const)

interface Cached {
  readonly hub: MemoryUpstream
  readonly ghcr: MemoryUpstream
  readonly lab: MemoryUpstream
  readonly cache: NonNullable<TestRegistryOptions['cache']>
}

/** Docker Hub, as the default if need be, two more, and images in each. */
function cached(defaultUpstream: string | undefined): Cached {
  const [hub, ghcr, lab] = ['docker.io', 'ghcr.io', 'lab.lan:5000'].map((name) => new MemoryUpstream(name)) as [
    MemoryUpstream,
    MemoryUpstream,
    MemoryUpstream,
  ]
  hub.publish('library/alpine', ALPINE, '3')
  hub.publish('team/app', SHADOWED, '1')
  ghcr.publish('owner/tool', TOOL, '1')
  lab.publish('a', TOOL, '1')
  const one = (upstream: MemoryUpstream): CachedUpstream => {
    return { upstream, revalidate: 60_000, library: upstream === hub }
  }
  const upstreams = new Map([hub, ghcr, lab].map((upstream) => [upstream.name, one(upstream)]))
  return { hub, ghcr, lab, cache: { upstreams, ...(defaultUpstream !== undefined && { defaultUpstream }) } }
}

async function withCache(
  run: (registry: TestRegistry, upstreams: Cached) => Promise<void>,
  options: Omit<TestRegistryOptions, 'cache'> & { readonly defaultUpstream?: string } = {},
): Promise<void> {
  const { defaultUpstream = 'docker.io', ...more } = options
  const upstreams = cached(defaultUpstream === 'none' ? undefined : defaultUpstream)
  const hosts = { 'hub.lan': 'docker.io' }
  await using registry = await testRegistry({ cache: upstreams.cache, hosts, own: ['reg.lan'], ...more })
  await run(registry, upstreams)
}

/** Where a client reached us. */
const at = (host: string | undefined) => (host === undefined ? {} : { origin: { scheme: 'http', host } as const })

function assertIs(
  { status, text, bytes }: Answer,
  image: { readonly manifest: { readonly bytes: Uint8Array } },
  line: string,
) {
  assert.equal(status, 200, `${line}: ${text}`)
  assert.ok(bytes.equals(image.manifest.bytes), line)
}

interface Form {
  readonly name: string
  /** Of a path below `/v2/`. */
  readonly address: (rest: string) => string
  readonly host?: string
  /** What `OCI-Namespace` says. */
  readonly namespace?: string
}

/** One image of Docker Hub, by each form of address, and by what people make of them. */
const FORMS: readonly Form[] = [
  { name: 'ns', address: (rest) => `/v2/library/alpine/${rest}?ns=docker.io`, namespace: 'docker.io' },
  {
    name: 'an alias in ns',
    address: (rest) => `/v2/library/alpine/${rest}?ns=INDEX.docker.io:443`,
    namespace: 'docker.io',
  },
  {
    name: 'ns twice, the same',
    address: (rest) => `/v2/library/alpine/${rest}?ns=docker.io&ns=registry-1.docker.io`,
    namespace: 'docker.io',
  },
  {
    name: 'ns and a path that repeats it',
    address: (rest) => `/v2/docker.io/library/alpine/${rest}?ns=docker.io`,
    namespace: 'docker.io',
  },
  { name: 'ns, without library/', address: (rest) => `/v2/alpine/${rest}?ns=docker.io`, namespace: 'docker.io' },
  { name: 'a path before /v2', address: (rest) => `/docker.io/v2/library/alpine/${rest}` },
  {
    name: 'a path before /v2 and ns',
    address: (rest) => `/docker.io/v2/library/alpine/${rest}?ns=docker.io`,
    namespace: 'docker.io',
  },
  { name: 'a path before /v2, by another name', address: (rest) => `/index.docker.io/v2/alpine/${rest}` },
  { name: 'a path after /v2', address: (rest) => `/v2/docker.io/library/alpine/${rest}` },
  { name: 'a path after /v2, without library/', address: (rest) => `/v2/docker.io/alpine/${rest}` },
  { name: 'a host name', address: (rest) => `/v2/library/alpine/${rest}`, host: 'Hub.lan:5000' },
  { name: 'a host name and the path', address: (rest) => `/docker.io/v2/library/alpine/${rest}`, host: 'hub.lan' },
  { name: 'nothing', address: (rest) => `/v2/library/alpine/${rest}` },
  { name: 'nothing, without library/', address: (rest) => `/v2/alpine/${rest}` },
]

suite('five forms of address give the same (S62)', () => {
  for (const { name, address, host, namespace } of FORMS) {
    test(`by ${name}`, () =>
      withCache(
        async ({ request }, { hub, ghcr, lab }) => {
          const ask = (line: string) => request(line, at(host))
          const byTag = await ask(`GET ${address('manifests/3')}`)
          assertIs(byTag, ALPINE, name)
          assert.equal(byTag.headers['oci-namespace'], namespace)
          assert.equal(byTag.headers['docker-content-digest'], ALPINE.manifest.digest)
          assert.deepEqual(byTag.outcome.located, {
            ...{ repository: 'docker.io/library/alpine', upstream: 'docker.io' },
            ...(namespace !== undefined && { namespace }),
            // The first pull of a name that does not say whose it is.
            ...(name.startsWith('nothing') && { unclaimed: true }),
          })
          assert.equal((await ask(`HEAD ${address('manifests/3')}`)).status, 200)
          assertIs(await ask(`GET ${address(`manifests/${ALPINE.manifest.digest}`)}`), ALPINE, name)
          for (const [digest, bytes] of ALPINE.blobs) {
            const blob = await ask(`GET ${address(`blobs/${digest}`)}`)
            assert.equal(blob.status, 200, blob.text)
            assert.ok(blob.bytes.equals(bytes))
            assert.equal(blob.headers['oci-namespace'], namespace)
          }
          const missing = await ask(`GET ${address('manifests/none')}`)
          assert.deepEqual([missing.status, missing.headers['oci-namespace']], [404, namespace])
          assert.ok(
            hub.asked.every((asked) => asked.includes(' library/alpine')),
            hub.asked.join(),
          )
          assert.deepEqual([ghcr.asked, lab.asked], [[], []])
        },
        { defaultUpstream: name.startsWith('nothing') ? 'docker.io' : 'none' },
      ))
  }

  test('all of them at one registry, and the upstream is asked once for each thing', () =>
    withCache(async ({ request }, { hub }) => {
      for (const { address, host } of FORMS) {
        assertIs(await request(`GET ${address('manifests/3')}`, at(host)), ALPINE, address(''))
        for (const [digest] of ALPINE.blobs) {
          assert.equal((await request(`GET ${address(`blobs/${digest}`)}`, at(host))).status, 200)
        }
      }
      assert.equal(new Set(hub.asked).size, hub.asked.length, hub.asked.join('\n'))
    }))

  test('the upstream with a port, by ns and by either path', () =>
    withCache(async ({ request }, { lab }) => {
      for (const target of [
        '/v2/a/manifests/1?ns=lab.lan:5000',
        '/lab.lan:5000/v2/a/manifests/1',
        '/v2/lab.lan:5000/a/manifests/1',
      ]) {
        assertIs(await request(`GET ${target}`), TOOL, target)
      }
      assert.equal(lab.asked.length, 1, lab.asked.join())
    }))

  test('the ping is there below each upstream, with and without its slash', () =>
    withCache(async ({ request }) => {
      for (const target of ['/docker.io/v2/', '/docker.io/v2', '/ghcr.io/v2/', '/GHCR.io/v2/', '/v2/?ns=docker.io']) {
        assert.equal((await request(`GET ${target}`)).text, '{}', target)
      }
    }))
})

test('what lists all repositories is at no address of one upstream', () =>
  withCache(async ({ request, rules }) => {
    await rules.push('team/secret', 'a blob')
    assertIs(await request('GET /v2/library/alpine/manifests/3'), ALPINE, 'before')
    for (const [target, host] of [
      ['/docker.io/v2/_catalog', undefined],
      ['/docker.io/v2/_catalog?n=1', undefined],
      ['/v2/_catalog', 'hub.lan'],
      ['/docker.io/v2/_catalog', 'hub.lan'],
    ] as const) {
      const answer = await request(`GET ${target}`, at(host))
      assert.deepEqual([answer.status, answer.text.includes('team/secret')], [404, false], target)
    }
    assert.match((await request('GET /v2/_catalog')).text, /team\/secret/)
  }))

suite('what an address means', () => {
  const nobody = ({ hub, ghcr, lab }: Cached) => assert.deepEqual([hub.asked, ghcr.asked, lab.asked], [[], [], []])

  // biome-ignore format: one case a line
  const unknown: [name: string, target: string, code: string][] = [
    ['an address in ns (FC-21, T16)', '/v2/library/alpine/manifests/3?ns=169.254.169.254', 'NAME_UNKNOWN'],
    ['a registry in ns that is not cached (S63)', '/v2/library/alpine/manifests/3?ns=quay.io', 'NAME_UNKNOWN'],
    ['a URL in ns', '/v2/library/alpine/manifests/3?ns=http://docker.io/', 'NAME_UNKNOWN'],
    ['one that only begins as an upstream', '/v2/library/alpine/manifests/3?ns=docker.io.evil.example', 'NAME_UNKNOWN'],
    ['an upstream on another port', '/v2/library/alpine/manifests/3?ns=docker.io:8443', 'NAME_UNKNOWN'],
    ['a registry after /v2 that is not cached', '/v2/quay.io/library/alpine/manifests/3', 'NAME_UNKNOWN'],
    ['a registry with a port after /v2 that is not cached', '/v2/quay.io:8443/library/alpine/manifests/3', 'NAME_UNKNOWN'],
    ['localhost after /v2', '/v2/localhost:5000/library/alpine/manifests/3', 'NAME_UNKNOWN'],
    ['a registry before /v2 that is not cached', '/quay.io/v2/library/alpine/manifests/3', 'NOT_FOUND'],
    ['a word before /v2', '/registry/v2/library/alpine/manifests/3', 'NOT_FOUND'],
    ['two of them before /v2', '/docker.io/ghcr.io/v2/owner/tool/manifests/1', 'NOT_FOUND'],
    ['another one in ns than before /v2', '/docker.io/v2/owner/tool/manifests/1?ns=ghcr.io', 'NAME_UNKNOWN'],
    ['two different ones in ns', '/v2/owner/tool/manifests/1?ns=docker.io&ns=ghcr.io', 'BAD_REQUEST'],
  ]
  for (const [name, target, code] of unknown) {
    test(`nobody is asked for ${name}`, () =>
      withCache(async ({ request }, upstreams) => {
        const answer = await request(`GET ${target}`)
        assert.equal(codeOf(answer), code, answer.text)
        assert.equal(answer.headers['oci-namespace'], undefined)
        nobody(upstreams)
      }))
  }

  test('at the host name of an upstream there is no other one', () =>
    withCache(async ({ request }, upstreams) => {
      for (const target of ['/ghcr.io/v2/owner/tool/manifests/1', '/v2/owner/tool/manifests/1?ns=ghcr.io']) {
        assert.equal((await request(`GET ${target}`, at('hub.lan'))).status, 404, target)
      }
      nobody(upstreams)
    }))

  test('our own name in ns is what is hosted here, and no upstream is asked (FC-21)', () =>
    withCache(async ({ request, push }, upstreams) => {
      await push('team/app', OURS, '1')
      const names = ['reg.lan', 'REG.lan:443', 'reg.lan:5000', 'other.lan:5000', 'other.lan']
      for (const ns of names) {
        const answer = await request(`GET /v2/team/app/manifests/1?ns=${ns}`, at('other.lan:5000'))
        assertIs(answer, OURS, ns)
        assert.equal((await request(`GET /v2/alpine/manifests/3?ns=${ns}`, at('other.lan:5000'))).status, 404)
      }
      nobody(upstreams)
    }))

  test('a hosted repository beats the default upstream, and is never asked for there (FC-22)', () =>
    withCache(async ({ request, push }, upstreams) => {
      await push('team/app', OURS, '1')
      assertIs(await request('GET /v2/team/app/manifests/1'), OURS, 'by tag')
      assert.equal((await request('GET /v2/team/app/manifests/2')).status, 404)
      const { digest } = SHADOWED.manifest
      assert.equal((await request(`GET /v2/team/app/manifests/${digest}`)).status, 404)
      assert.equal((await request(`GET /v2/team/app/blobs/${firstBlob(SHADOWED)[0]}`)).status, 404)
      upstreams.hub.failWith('timeout')
      assertIs(await request('GET /v2/team/app/manifests/1'), OURS, 'with the upstream off')
      nobody(upstreams)
      upstreams.hub.failWith(undefined)
      assertIs(await request('GET /v2/team/app/manifests/1?ns=docker.io'), SHADOWED, 'the upstream’s own, by ns')
    }))

  test('a blob by a name without a registry is had where no manifest could be kept (D-3), and not looked for where one is pushed', () =>
    withCache(async ({ request }, upstreams) => {
      const [digest, bytes] = firstBlob(ALPINE)
      for (const name of ['alpine', 'library/alpine']) {
        assert.equal((await request(`HEAD /v2/${name}/blobs/${digest}`)).status, 404, name)
      }
      nobody(upstreams)
      const answer = await request(`GET /v2/alpine/blobs/${digest}`)
      assert.equal(answer.status, 200, answer.text)
      assert.ok(answer.bytes.equals(bytes))
    }))
})

suite('pushes beside the cache (S64, FC-34)', () => {
  // biome-ignore format: one case a line
  const refused: [name: string, target: string, sentence: RegExp][] = [
    ['to a name of an upstream', 'docker.io/library/alpine', /copy of a repository of docker\.io/],
    ['to a name of another upstream', 'ghcr.io/owner/new', /copy of a repository of ghcr\.io/],
    ['to library/ while there is a default', 'library/mine', /hide it from everybody/],
  ]
  for (const [name, repository, sentence] of refused) {
    test(`${name} are 405 with a sentence, whatever the request`, () =>
      withCache(async ({ request }, { hub, ghcr }) => {
        const { digest, mediaType, bytes } = OURS.manifest
        for (const [line, body] of [
          [`POST /v2/${repository}/blobs/uploads/`, undefined],
          [`POST /v2/${repository}/blobs/uploads/?digest=${firstBlob(OURS)[0]}`, firstBlob(OURS)[1]],
          [`PUT /v2/${repository}/manifests/1`, bytes],
          [`PUT /v2/${repository}/manifests/${digest}`, bytes],
          [`DELETE /v2/${repository}/manifests/${digest}`, undefined],
          [`DELETE /v2/${repository}/blobs/${firstBlob(OURS)[0]}`, undefined],
        ] as const) {
          const headers = { 'content-type': mediaType }
          const answer = await request(line, { headers, ...(body !== undefined && { body }) })
          if (line.startsWith('DELETE') && answer.status === 404) continue
          assert.deepEqual([answer.status, codeOf(answer)], [405, 'UNSUPPORTED'], line)
          assert.match(answer.text, sentence)
        }
        assert.deepEqual([hub.asked, ghcr.asked], [[], []])
      }))
  }

  test('by ns, and below a name before /v2, are 405 too', () =>
    withCache(async ({ request }) => {
      for (const target of ['/v2/team/app/blobs/uploads/?ns=docker.io', '/docker.io/v2/team/app/blobs/uploads/']) {
        const answer = await request(`POST ${target}`)
        assert.deepEqual([answer.status, codeOf(answer)], [405, 'UNSUPPORTED'], target)
      }
    }))

  test('to a name that is cached from the default upstream are 405', () =>
    withCache(async ({ request }) => {
      assertIs(await request('GET /v2/team/app/manifests/1'), SHADOWED, 'cached')
      assert.equal((await request('POST /v2/team/app/blobs/uploads/')).status, 405)
    }))

  test('to names of ours go on, whole images, by our own name in ns too', () =>
    withCache(async ({ request, push }, { hub }) => {
      await push('apps/web', OURS, '1')
      assertIs(await request('GET /v2/apps/web/manifests/1'), OURS, 'pushed')
      const begun = await request('POST /v2/apps/web/blobs/uploads/?ns=reg.lan')
      assert.equal(begun.status, 202)
      assert.match(String(begun.headers['location']), /^\/v2\/apps\/web\/blobs\/uploads\/[^?]+\?ns=reg\.lan$/)
      assert.deepEqual(hub.asked, [])
    }))

  test('to library/ go on where a rule names that repository, and to no other', () =>
    withCache(
      async ({ request }, { hub }) => {
        for (const [name, status] of [
          ['library/mine', 202],
          ['library/other', 405],
          ['docker.io/library/mine', 405],
          ['apps/web', 202],
        ] as const) {
          assert.equal((await request(`POST /v2/${name}/blobs/uploads/`, { as: 'ann' })).status, status, name)
        }
        assert.deepEqual(hub.asked, [])
      },
      {
        users: { ann: 'everything' },
        access: {
          groups: {},
          rules: [{ who: ['ann'], may: ['pull', 'push'], repositories: ['library/mine', '**'] }],
        },
      },
    ))

  test('who may not push there by any name is told that, and not what is cached', () =>
    withCache(
      async ({ request }) => {
        for (const name of ['library/alpine', 'docker.io/library/alpine', 'ghcr.io/a/b']) {
          const denied = await request(`POST /v2/${name}/blobs/uploads/`, { as: 'reader' })
          assert.deepEqual([denied.status, codeOf(denied)], [403, 'DENIED'], name)
        }
        assert.equal((await request('POST /v2/library/alpine/blobs/uploads/', { as: 'writer' })).status, 405)
      },
      { users: { reader: (action) => action === 'pull', writer: 'everything' } },
    ))
})

suite('addresses that are told keep the form', () => {
  test('the next page of tags, by ns and below a name before /v2', () =>
    withCache(async ({ request }, { hub }) => {
      hub.publish('library/alpine', ALPINE, '4')
      for (const [target, link] of [
        [
          '/v2/library/alpine/tags/list?n=1&ns=docker.io',
          '</v2/library/alpine/tags/list?last=3&n=1&ns=docker.io>; rel="next"',
        ],
        [
          '/docker.io/v2/library/alpine/tags/list?n=1',
          '</docker.io/v2/library/alpine/tags/list?last=3&n=1>; rel="next"',
        ],
        ['/index.docker.io/v2/alpine/tags/list?n=1', '</index.docker.io/v2/alpine/tags/list?last=3&n=1>; rel="next"'],
        [
          '/v2/docker.io/library/alpine/tags/list?n=1',
          '</v2/docker.io/library/alpine/tags/list?last=3&n=1>; rel="next"',
        ],
      ] as const) {
        const answer = await request(`GET ${target}`)
        assert.equal(answer.status, 200, answer.text)
        assert.equal(answer.headers['link'], link)
      }
    }))

  test('below a prefix, too', () =>
    withCache(
      async ({ request }, { hub }) => {
        hub.publish('library/alpine', ALPINE, '4')
        const answer = await request('GET /reg/docker.io/v2/library/alpine/tags/list?n=1')
        assert.equal(answer.headers['link'], '</reg/docker.io/v2/library/alpine/tags/list?last=3&n=1>; rel="next"')
        assert.equal((await request('GET /docker.io/v2/library/alpine/tags/list')).status, 404)
      },
      { prefix: { inward: '/reg/', outward: '/reg/' } },
    ))
})

suite('one path means one repository, however it is written, or none (T39)', () => {
  const same = 'docker.io/library/alpine'
  // biome-ignore format: one case a line
  const rows: [target: string, repository: string | undefined][] = [
    ['/v2/docker.io/library/alpine/manifests/3', same],
    ['/v2/docker.io/library/%61lpine/manifests/3', same],
    ['/v2/docker%2eio/library/alpine/manifests/3', same],
    ['/v2/docker.io/library/alpine/manifests/3/', undefined],
    ['/v2/docker.io//library/alpine/manifests/3', undefined],
    ['/v2//docker.io/library/alpine/manifests/3', undefined],
    ['//v2/docker.io/library/alpine/manifests/3', undefined],
    ['/v2/docker.io/library%2falpine/manifests/3', undefined],
    ['/v2/docker.io%2flibrary/alpine/manifests/3', undefined],
    ['/v2/docker.io;a/library/alpine/manifests/3', undefined],
    ['/v2/docker.io/./library/alpine/manifests/3', undefined],
    ['/v2/team/../docker.io/library/alpine/manifests/3', undefined],
    ['/v2/team/%2e%2e/docker.io/library/alpine/manifests/3', undefined],
    ['/v2/Docker.io/library/alpine/manifests/3', undefined],
    ['/docker.io/v2/library/alpine/manifests/3', same],
    ['http://reg.lan/docker.io/v2/library/alpine/manifests/3', same],
    ['/docker%2eio/v2/library/alpine/manifests/3', undefined],
    ['/docker.io/%76%32/library/alpine/manifests/3', undefined],
    ['/docker.io//v2/library/alpine/manifests/3', undefined],
    ['//docker.io/v2/library/alpine/manifests/3', undefined],
    ['/docker.io/../ghcr.io/v2/library/alpine/manifests/3', undefined],
    ['/docker.io/V2/library/alpine/manifests/3', undefined],
    ['/docker.io;a/v2/library/alpine/manifests/3', undefined],
    ['/docker.io/v2/library/alpine/manifests/3?ns=', same],
    ['/v2/library/alpine/manifests/3?ns=docker%2Eio', same],
    ['/v2/library/alpine/manifests/3?NS=ghcr.io', same],
    ['/v2/v2/library/alpine/manifests/3', 'docker.io/v2/library/alpine'],
  ]
  for (const [target, repository] of rows) {
    test(target, () =>
      withCache(async ({ request }, { ghcr }) => {
        const { status, outcome } = await request(`GET ${target}`)
        assert.equal(outcome.located?.repository, repository)
        assert.ok(status === 200 || status === 404 || status === 400, String(status))
        assert.equal(status === 200, repository === same)
        assert.deepEqual(ghcr.asked, [])
      }),
    )
  }
})

suite('the listener of an upstream', () => {
  const mirror = (
    run: (registry: TestRegistry, upstreams: Cached) => Promise<void>,
    options: TestRegistryOptions = {},
  ) => withCache(run, { mirror: 'docker.io', ...options })

  test('has its images, without its name, and nothing else', () =>
    mirror(async ({ request }, { ghcr }) => {
      for (const target of [
        '/v2/library/alpine/manifests/3',
        '/v2/library/alpine/manifests/3?ns=docker.io',
        '/docker.io/v2/alpine/manifests/3',
      ]) {
        assertIs(await request(`GET ${target}`), ALPINE, target)
      }
      assert.equal((await request('GET /v2/')).text, '{}')
      assert.equal((await request('GET /v2/owner/tool/manifests/1?ns=ghcr.io')).status, 404)
      assert.equal((await request('GET /ghcr.io/v2/owner/tool/manifests/1')).status, 404)
      assert.equal((await request('GET /v2/_catalog')).status, 404)
      assert.deepEqual(ghcr.asked, [])
    }))

  test('has nothing that is hosted, not even under a name that the upstream lacks', () =>
    mirror(async ({ request, rules }, { hub }) => {
      await rules.push('apps/web', 'a blob')
      const answer = await request('GET /v2/apps/web/tags/list')
      assert.equal(answer.status, 404, answer.text)
      assert.ok(hub.asked.length > 0)
    }))

  test('is only read: everything else is 405, before a byte of it is taken', () =>
    mirror(async ({ request }) => {
      const { digest } = ALPINE.manifest
      for (const line of [
        'POST /v2/library/alpine/blobs/uploads/',
        'PATCH /v2/library/alpine/blobs/uploads/1',
        'PUT /v2/library/alpine/blobs/uploads/1',
        'GET /v2/library/alpine/blobs/uploads/1',
        'DELETE /v2/library/alpine/blobs/uploads/1',
        'PUT /v2/library/alpine/manifests/3',
        `DELETE /v2/library/alpine/manifests/${digest}`,
        `DELETE /v2/library/alpine/blobs/${digest}`,
        'POST /v2/',
        'PUT /v2/team/app/manifests/1',
      ]) {
        const answer = await request(line)
        assert.deepEqual([answer.status, codeOf(answer)], [405, 'UNSUPPORTED'], line)
        assert.match(answer.text, /mirror of docker\.io, which is only read/)
      }
      const allowed = await request('OPTIONS /v2/library/alpine/manifests/3')
      assert.deepEqual([allowed.status, allowed.headers['allow']], [200, 'GET, HEAD'])
    }))

  test('says 404 for a blob that cannot be had, with the cause; for a manifest the status of the cause', () =>
    mirror(async ({ request }, { hub }) => {
      assertIs(await request('GET /v2/library/alpine/manifests/3'), ALPINE, 'before')
      hub.failWith('connection-refused', { hop: 'connect' })
      const [digest] = firstBlob(ALPINE)
      const blob = await request(`GET /v2/library/alpine/blobs/${digest}`)
      assert.deepEqual([blob.status, codeOf(blob)], [404, 'BLOB_UNKNOWN'])
      const [{ message, detail }] = JSON.parse(blob.text).errors
      assert.match(message, /Blob is not in this repository: .*docker\.io/s)
      assert.deepEqual([detail.cause, detail.hop], ['connection-refused', 'connect'])
      assert.equal((await request(`HEAD /v2/library/alpine/blobs/${digestOf('of nobody')}`)).status, 404)
      const manifest = await request('GET /v2/library/alpine/manifests/4')
      assert.deepEqual([manifest.status, codeOf(manifest)], [502, 'UNAVAILABLE'])
    }))

  test('says on the server’s own address what the cause is, for a blob too', () =>
    withCache(async ({ request }, { hub }) => {
      assertIs(await request('GET /v2/library/alpine/manifests/3'), ALPINE, 'before')
      hub.failWith('rate-limited', { facts: { retryAt: Date.now() + 90_000 } })
      const [digest] = firstBlob(ALPINE)
      const blob = await request(`GET /v2/library/alpine/blobs/${digest}`)
      assert.deepEqual([blob.status, codeOf(blob)], [429, 'TOOMANYREQUESTS'])
      assert.match(String(blob.headers['retry-after']), /^\d+$/)
    }))
})

test('an index and its images are one repository’s, by each form', () =>
  withCache(async ({ request }, { hub }) => {
    const index = makeIndex([ALPINE])
    hub.publish('library/many', index, '1')
    for (const before of ['/v2/library/many', '/docker.io/v2/library/many', '/v2/docker.io/library/many']) {
      assertIs(await request(`GET ${before}/manifests/1`), index, before)
      assertIs(await request(`GET ${before}/manifests/${ALPINE.manifest.digest}`), ALPINE, before)
    }
  }))
