import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { digestOf } from '../helpers/digest-of.ts'
import { startFakeUpstream } from '../helpers/fake-upstream.ts'
import { pageFault } from '../helpers/faults.ts'
import { makeImage } from '../helpers/images.ts'
import { RegistryClient } from '../helpers/registry-client.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { type Server, type ServerOptions, startServer } from '../helpers/server.ts'

/** Nobody listens there: most of these tests need no image. */
const NOWHERE = 'http://127.0.0.1:9'

const IMAGE = makeImage('of Docker Hub')
const BIG = seededBytes('a layer on its way', 16 * 1024 * 1024)

/** A server with a listener of its own for Docker Hub, and a client of that one. */
async function withMirror(
  { url = NOWHERE, ...options }: ServerOptions & { readonly url?: string },
  run: (mirror: RegistryClient, server: Server) => Promise<void>,
): Promise<void> {
  const hub = { url, listen: '127.0.0.1:0' }
  const config = { upstreams: { 'docker.io': hub, 'quay.io': { url: NOWHERE } }, ...options.config }
  await using server = await startServer({ ...options, config })
  const line = server.log.find(({ msg }) => msg?.startsWith('a mirror of docker.io is at ') === true)
  const port = String(line?.['address']).split(':').at(-1)
  const ca = server.ca === undefined ? undefined : await readFile(server.ca, 'utf8')
  const scheme = ca === undefined ? 'http' : 'https'
  assert.equal(line?.['scheme'], scheme)
  using mirror = new RegistryClient(`${scheme}://localhost:${port}`, { ...(ca !== undefined && { ca }) })
  await run(mirror, server)
}

describe('the listener of an upstream', () => {
  for (const tls of [false, true]) {
    const over = tls ? 'TLS' : 'plain HTTP'
    test(`is there over ${over} as the server is, is only read, and ends with it`, () =>
      withMirror(tls ? { tls: true } : {}, async (mirror, server) => {
        const ping = await mirror.request('GET', '/v2/')
        assert.deepEqual([ping.status, ping.text], [200, '{}'])
        assert.equal((await mirror.request('GET', '/readyz')).status, 200)
        for (const [method, path] of [
          ['POST', '/v2/library/alpine/blobs/uploads/'],
          ['PUT', '/v2/library/alpine/manifests/3'],
          ['PUT', '/v2/team/app/manifests/1'],
        ] as const) {
          const { status, text } = await mirror.request(method, path, { body: '{}' })
          assert.equal(status, 405, path)
          assert.match(text, /mirror of docker\.io, which is only read/)
        }
        assert.equal((await mirror.request('GET', '/v2/_catalog')).status, 404)
        assert.equal((await mirror.request('GET', '/quay.io/v2/')).status, 404)

        using client = await server.client()
        assert.equal((await client.request('POST', '/v2/team/app/blobs/uploads/')).status, 202)
        assert.equal((await client.request('GET', '/quay.io/v2/')).status, 200)
        assert.equal((await server.stop()).code, 0)
        await assert.rejects(mirror.request('GET', '/v2/'), /ECONNREFUSED|ECONNRESET|socket hang up/)
      }))
  }

  test('asks for a password where nobody may pull without one, and the start says what to do', () =>
    withMirror({ users: { ann: 'secret' } }, async (mirror, server) => {
      assert.equal((await mirror.request('GET', '/v2/')).status, 401)
      const warned = server.log.filter(
        ({ level, msg }) => level === 'warning' && msg?.includes('dockerd cannot sign in'),
      )
      assert.equal(warned.length, 1)
      const said = JSON.stringify(warned)
      assert.match(said, /upstreams\.docker\.io\.listen/)
      assert.match(said, /who: anonymous, may: \[pull\], repositories: \[\\"docker\.io\/\*\*\\"\]/)
    }))

  test('lets in whoever comes, with the password of another registry too, where anybody may pull', () =>
    withMirror(
      {
        users: { ann: 'secret' },
        config: { access: [{ who: 'anonymous', may: ['pull'], repositories: ['docker.io/**'] }] },
      },
      async (mirror, server) => {
        for (const login of [undefined, 'somebody:canary', 'ann:canary', 'ann:secret']) {
          const headers = login && { authorization: `Basic ${Buffer.from(login).toString('base64')}` }
          const { status, headers: told } = await mirror.request('GET', '/v2/', { ...(headers && { headers }) })
          // dockerd gets a token for nothing there (`protocol/token`), or the answer at once.
          assert.ok(status === 200 || String(told['www-authenticate']).startsWith('Bearer '), String(login))
        }
        assert.doesNotMatch(server.process.stderr + server.process.stdout, /canary|dockerd cannot/)
      },
    ))

  test('has the bytes that the server’s own address has, and the upstream is asked once for both', async () => {
    await using upstream = await startFakeUpstream({ images: { 'library/app:1': IMAGE } })
    await withMirror({ url: upstream.url }, async (mirror, server) => {
      using client = await server.client()
      const { digest } = IMAGE.manifest
      for (const [at, below] of [
        [mirror, '/v2/library/app'],
        [mirror, '/v2/app'],
        [client, '/docker.io/v2/library/app'],
        [client, '/v2/docker.io/library/app'],
      ] as const) {
        const tag = await at.request('GET', `${below}/manifests/1`)
        assert.deepEqual([tag.status, tag.headers['docker-content-digest']], [200, digest], tag.text)
        assert.ok(tag.bytes.equals(IMAGE.manifest.bytes))
        for (const [blob, bytes] of IMAGE.blobs) {
          assert.ok((await at.request('GET', `${below}/blobs/${blob}`)).bytes.equals(bytes), below)
        }
      }
      assert.equal(upstream.count('GET manifest'), 1)
      assert.equal(upstream.count('GET blob'), IMAGE.blobs.size)
    })
  })

  test('says that a blob is not there where it cannot be had, and why; the own address says what failed', async () => {
    await using upstream = await startFakeUpstream({ images: { 'library/app:1': IMAGE } })
    await withMirror({ url: upstream.url }, async (mirror, server) => {
      using client = await server.client()
      assert.equal((await mirror.request('GET', '/v2/library/app/manifests/1')).status, 200)
      upstream.always('blob', pageFault(403, 'Not from your country'))
      const [blob] = [...IMAGE.blobs.keys()]
      const there = await mirror.request('GET', `/v2/library/app/blobs/${blob}`)
      assert.equal(there.status, 404)
      const [{ code, message, detail }] = JSON.parse(there.text).errors
      assert.deepEqual([code, detail.cause, detail.upstream], ['BLOB_UNKNOWN', 'blocked', 'docker.io'])
      assert.match(message, /Not from your country/)
      const own = await client.request('GET', `/v2/docker.io/library/app/blobs/${blob}`)
      assert.deepEqual([own.status, JSON.parse(own.text).errors[0].code], [403, 'DENIED'])
    })
  })

  test('ends with the server, and what it is amid comes whole before that (D-21)', async () => {
    await using upstream = await startFakeUpstream()
    const [digest, half] = [digestOf(BIG), Promise.withResolvers<void>()]
    upstream.put('library/app', IMAGE)
    upstream.putBlob('library/app', { digest, bytes: BIG })
    upstream.next('blob', { wait: half.promise })
    await withMirror({ url: upstream.url, http: { draintimeout: '60s' } }, async (mirror, server) => {
      const pulled = mirror.request('GET', `/v2/library/app/blobs/${digest}`)
      await upstream.asked('blob')
      const ended = server.stop()
      half.resolve()
      assert.equal(digestOf((await pulled).bytes), digest)
      assert.equal((await ended).code, 0)
    })
  })
})
