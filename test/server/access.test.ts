import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { digestOf } from '../helpers/digest-of.ts'
import { run } from '../helpers/processes.ts'
import { type Answer, RegistryClient } from '../helpers/registry-client.ts'
import { LAUNCHER, type Server, startServer } from '../helpers/server.ts'
import { basic } from '../helpers/test-registry.ts'

const HELLO = digestOf('hello')
const OFFLINE = { upstreams: { 'docker.io': {} }, egress: { offline: true } }

/** Rules by networks need somebody who comes from one: a proxy on this machine tells who. */
const from = (address: string) => ({ 'x-forwarded-for': address })
const INSIDE = from('192.168.1.5')
const OUTSIDE = from('203.0.113.5')

const ACCESS = [
  { who: 'anonymous', from: ['192.168.0.0/16'], may: ['pull'], repositories: ['public/**', 'docker.io/**'] },
  { who: ['group:dev', 'robot'], may: ['pull', 'push'], repositories: ['public/**'] },
]

const settings = (groups: object) => ({
  ...{ access: ACCESS, groups, ...OFFLINE },
  http: { addr: '127.0.0.1:0', trustedproxies: ['127.0.0.1'] },
})

async function pushed(server: Server): Promise<void> {
  using ann = await server.client({ user: 'ann', password: 'secret' })
  const { status } = await ann.request('POST', `/v2/public/app/blobs/uploads/?digest=${HELLO}`, { body: 'hello' })
  assert.equal(status, 201)
}

/** The token that the challenge leads to. */
async function follow(server: Server, challenge: string | undefined, headers: Record<string, string>): Promise<string> {
  const [, realm = '', service = '', scope = ''] =
    /^Bearer realm="([^"]+)",service="([^"]+)"(?:,error="[^"]+")?(?:,scope="([^"]+)")?$/.exec(challenge ?? '') ?? []
  assert.equal(new URL(realm).origin, server.url)
  using client = await server.client()
  const answer = await client.request('GET', `${new URL(realm).pathname}?service=${service}&scope=${scope}`, {
    headers,
  })
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text).token
}

test('rules by network, user and group hold from the configuration on, by password and by token (T11, S15, S16, S25)', async () => {
  await using server = await startServer({
    users: { ann: 'secret', eve: 'secret' },
    config: settings({ dev: ['ann'] }),
  })
  const warned = server.log.find(({ msg }) => msg?.includes('access names users who are none'))
  assert.deepEqual(warned?.['users'], ['robot'])
  await pushed(server)
  using client = await server.client()
  const pull = async (headers: Record<string, string>) =>
    (await client.request('GET', `/v2/public/app/blobs/${HELLO}`, { headers })).status
  const eve = { authorization: basic('eve', 'secret') }
  assert.deepEqual([await pull(INSIDE), await pull(OUTSIDE)], [200, 401])
  assert.deepEqual([await pull({ ...INSIDE, ...eve }), await pull({ ...OUTSIDE, ...eve })], [200, 403])

  const push = await client.request('POST', '/v2/public/app/blobs/uploads/', { headers: INSIDE })
  assert.equal(push.status, 401)
  const challenge = push.headers['www-authenticate']
  const token = await follow(server, challenge, { ...INSIDE, authorization: basic('ann', 'secret') })
  const headers = { ...INSIDE, authorization: `Bearer ${token}` }
  assert.equal((await client.request('POST', '/v2/public/app/blobs/uploads/', { headers })).status, 202)
  assert.equal((await client.request('DELETE', `/v2/public/app/blobs/${HELLO}`, { headers })).status, 403)

  // A token is good for as long as the process: then the challenge leads to the next.
  await server.restart()
  using again = await server.client()
  const late = await again.request('POST', '/v2/public/app/blobs/uploads/', { headers })
  assert.equal(late.status, 401)
  await follow(server, late.headers['www-authenticate'], { ...INSIDE, authorization: basic('ann', 'secret') })
})

test('who is taken out of a group, at a reload, or out of the file, has his rights no longer, by no token (T8)', async () => {
  await using server = await startServer({
    users: { ann: 'secret', bob: 'secret' },
    config: settings({ dev: ['ann', 'bob'] }),
  })
  using client = await server.client()
  const tokenOf = async (user: string) => {
    const headers = { authorization: basic(user, 'secret') }
    const { text } = await client.request('GET', '/token?scope=repository:public/app:pull,push', { headers })
    return { authorization: `Bearer ${JSON.parse(text).token}` }
  }
  const [ann, bob] = [await tokenOf('ann'), await tokenOf('bob')]
  const begin = async (headers: Record<string, string>) =>
    (await client.request('POST', '/v2/public/app/blobs/uploads/', { headers })).status
  assert.deepEqual([await begin(ann), await begin(bob)], [202, 202])

  const config = JSON.parse(readFileSync(server.configFile, 'utf8'))
  writeFileSync(`${server.configFile}.next`, JSON.stringify({ ...config, groups: { dev: ['bob'] } }))
  renameSync(`${server.configFile}.next`, server.configFile)
  server.process.signal('SIGHUP')
  await server.process.output(/the configuration was read anew/)
  assert.deepEqual([await begin(ann), await begin(bob)], [403, 202])
  assert.equal(
    server.log.some(({ msg }) => msg?.includes('a restart is needed')),
    false,
  )

  await run(LAUNCHER, ['user', 'remove', 'bob', '--file', config.auth.htpasswd.path])
  await server.process.output(/the users were read anew/)
  assert.equal(await begin(bob), 401)
})

test('a login of Docker Hub is nowhere in what we write, and locks nobody out (T34, FC-39, S24)', async () => {
  const canary = 'canary-of-docker-hub'
  const config = { ...settings({ dev: ['ann'] }), log: { level: 'debug' } }
  config.upstreams = { 'docker.io': { listen: '127.0.0.1:0' } } as typeof config.upstreams
  await using server = await startServer({ users: { ann: 'secret' }, config })
  const mirror = /a mirror of docker.io is at (\S+?)[,"]/.exec(server.process.stderr)?.[1] ?? ''
  const hub = { ...INSIDE, authorization: basic('ann', canary) }
  using client = await server.client()
  for (let pull = 0; pull < 15; pull += 1) {
    const { status, text } = await client.request('GET', '/v2/docker.io/library/alpine/manifests/3', { headers: hub })
    // Nothing is cached, and we are offline: but he was let in.
    assert.equal(status, 503, text)
    const issued = await fetchFrom(mirror, '/token?scope=repository:library/alpine:pull', hub)
    assert.equal(issued.status, 200)
    assert.equal((await fetchFrom(mirror, '/v2/library/alpine/manifests/3', hub)).status, 503)
    assert.equal((await fetchFrom(mirror, '/v2/', hub)).status, 401)
  }
  assert.equal(
    (await client.request('GET', '/v2/', { headers: { authorization: basic('ann', 'secret') } })).status,
    200,
  )
  await server.stop()
  const written = server.process.stdout + server.process.stderr
  assert.doesNotMatch(written, new RegExp(canary))
  assert.equal(written.includes(btoa(`ann:${canary}`)), false)
  assert.doesNotMatch(written, /a login failed/)
})

async function fetchFrom(address: string, path: string, headers: Record<string, string>): Promise<Answer> {
  using client = new RegistryClient(`http://${address}`)
  return await client.request('GET', path, { headers })
}
