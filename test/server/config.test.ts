import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { type Certificates, issueCertificate } from '../helpers/certificates.ts'
import { homeport, serveHomeport } from '../helpers/homeport-command.ts'
import { enterNamespace, NAMESPACE_PROGRAMS } from '../helpers/namespace.ts'
import { start } from '../helpers/processes.ts'
import { needs, program } from '../helpers/programs.ts'
import { RegistryClient } from '../helpers/registry-client.ts'
import { runbookConfig } from '../helpers/runbook.ts'
import { htpasswdOf, LAUNCHER } from '../helpers/server.ts'
import { type TemporaryFolder, temporaryFolder } from '../helpers/temporary.ts'

const USER = { user: 'ci-user', password: 'a password of his' }
const PROXY = 'http://your-outbound-proxy.com:8080'

/** The files of the runbook, where they lie in a test. */
function paths(folder: TemporaryFolder, { certificate, key }: Certificates): Record<string, string> {
  return {
    REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: folder.at('data'),
    REGISTRY_AUTH_HTPASSWD_PATH: folder.at('htpasswd'),
    REGISTRY_HTTP_ADDR: '127.0.0.1:0',
    REGISTRY_HTTP_TLS_CERTIFICATE: certificate,
    REGISTRY_HTTP_TLS_KEY: key,
  }
}

/** What a service called `registry` brings into every container of its Kubernetes namespace. */
const KUBERNETES = {
  REGISTRY_PORT: 'tcp://10.152.183.7:5000',
  REGISTRY_PORT_5000_TCP: 'tcp://10.152.183.7:5000',
  REGISTRY_PORT_5000_TCP_PROTO: 'tcp',
  REGISTRY_SERVICE_HOST: '10.152.183.7',
  REGISTRY_SERVICE_PORT: '5000',
}

suite('the configuration of the runbook, as it stands there', () => {
  test('serves its users over TLS, takes pushes beside its proxy, and says what it made of it', async () => {
    await using folder = await temporaryFolder()
    const certificates = await issueCertificate()
    await writeFile(folder.at('config.yml'), runbookConfig())
    await writeFile(folder.at('htpasswd'), await htpasswdOf({ [USER.user]: USER.password }))
    await using server = await serveHomeport([folder.at('config.yml')], {
      env: {
        ...paths(folder, certificates),
        ...KUBERNETES,
        HTTP_PROXY: `[${PROXY}](${PROXY})`,
        REGISTRY_NONSENSE: '1',
      },
    })

    const ca = await readFile(certificates.ca, 'utf8')
    using stranger = new RegistryClient(`https://${server.address}`, { ca })
    using client = new RegistryClient(`https://${server.address}`, { ca, credentials: USER })
    assert.equal((await stranger.request('GET', '/v2/')).status, 401)
    assert.equal((await client.request('GET', '/v2/')).status, 200)
    assert.equal((await client.request('POST', '/v2/team/app/blobs/uploads/')).status, 202)

    const lines = server.stderr.split('\n').filter((line) => line !== '')
    const said = lines.map((line): Record<string, unknown> => JSON.parse(line))
    const [first] = said
    assert.equal(first?.['msg'], `configuration: ${folder.at('config.yml')}, because it is named on the command line`)
    assert.equal(first?.['service'], 'registry')
    const warned = said.filter(({ level }) => level === 'warning').map(({ place }) => place)
    assert.deepEqual(
      ['29:9', '40:14', '33:3'].map((place) => warned.includes(`${folder.at('config.yml')}:${place}`)),
      [true, true, true],
      server.stderr,
    )
    assert.ok(warned.includes('HTTP_PROXY') && warned.includes('REGISTRY_NONSENSE'), server.stderr)
    const passedOver = said.filter(({ level }) => level === 'debug').map(({ variable }) => variable)
    assert.deepEqual(
      passedOver.filter((variable) => variable !== undefined),
      Object.keys(KUBERNETES).toSorted(),
    )
  })

  test('is printed by config check as it is in force, and again the same from what was printed', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('config.yml'), runbookConfig())
    const { code, stdout, stderr } = await homeport('config', 'check', folder.at('config.yml'))
    assert.equal(code, 0)
    assert.match(stderr, /config\.yml:29:9 .*\n {2}hint: write the address alone/)
    assert.match(stdout, /host: https:\/\/registry\.tirro\.ir$/m)
    await writeFile(folder.at('printed.yml'), stdout)
    assert.equal((await homeport('config', 'check', folder.at('printed.yml'))).stdout, stdout)
  })
})

suite('the start', () => {
  test('is refused with every fault at once, each with its place, and nothing is made', async () => {
    await using folder = await temporaryFolder()
    const file = folder.at('config.yml')
    await writeFile(
      file,
      `version: 0.1
log: { level: loud }
storage: { filesystem: { rootdirectory: ${folder.at('data')} }, s3: { secretkey: canary } }
http: { adr: ":0", addr: "127.0.0.1:0" }
auth: { token: { realm: a } }
`,
    )
    await using child = start(LAUNCHER, ['serve', file], { env: { REGISTRY_PROXY_TTL: 'never' } })
    const { code, stderr } = await child.ended
    assert.equal(code, 1)
    const [head, ...faults] = stderr.trimEnd().split('\n')
    assert.match(head ?? '', /The configuration has \d problems:/)
    for (const fault of [
      `${file}:2:15 log.level: must be one of error, warn, info, debug, not "loud"`,
      `${file}:3:12 storage.filesystem: is one of 2 storage drivers, filesystem and s3; leave one`,
      `${file}:4:9 http.adr: is not a setting; did you mean http.addr?`,
      `${file}:5:9 auth.token: is not built yet: auth.htpasswd is the one way to sign in so far`,
      'REGISTRY_PROXY_TTL proxy.remoteurl: is missing',
      'REGISTRY_PROXY_TTL proxy.ttl: must be a duration, like 10s or 1h30m, not "never"',
    ]) {
      assert.ok(faults.includes(fault), `${fault}\n\n${stderr}`)
    }
    assert.doesNotMatch(stderr, /canary/)
    await assert.rejects(readFile(folder.at('data/homeport/volume')), { code: 'ENOENT' })
  })

  test('leniently, is not refused for a key that is no setting', async () => {
    await using folder = await temporaryFolder()
    const config = { version: 0.1, storage: { filesystem: { rootdirectory: folder.at('data') } }, colour: 'blue' }
    await writeFile(folder.at('config.yml'), JSON.stringify({ ...config, http: { addr: '127.0.0.1:0' } }))
    const env = { REGISTRY_CONFIGURATION_PATH: folder.at('config.yml') }
    await using server = await serveHomeport(['--lenient'], { env })
    assert.match(server.stderr, /because \$REGISTRY_CONFIGURATION_PATH names it/)
    assert.match(server.stderr, /level=warning .*colour: is not a setting/)
  })

  test('without users and for others says so once, and serves; on this machine alone it says nothing', async () => {
    for (const [addr, times] of [
      ['0.0.0.0:0', 1],
      ['127.0.0.1:0', 0],
    ] as const) {
      await using folder = await temporaryFolder()
      const env = { REGISTRY_HTTP_ADDR: addr, HOME: folder.path }
      await using server = await serveHomeport(['--quickstart'], { cwd: folder.path, env })
      assert.equal(server.stderr.split('ANYBODY who reaches').length - 1, times, server.stderr)
      assert.match(server.stderr, /configuration: the quickstart, because/)
    }
  })
})

test('no secret is printed by config check, as JSON either', async () => {
  await using folder = await temporaryFolder()
  const proxy = { remoteurl: 'https://a.example', username: 'u', password: 'canary' }
  const health = { http: [{ uri: 'https://b.example', headers: { Authorization: ['Bearer canary'] } }] }
  const egress = { routes: ['http://u:canary@p.example:1', { url: 'socks5h://u:canary@q.example:1' }] }
  const upstreams = { 'quay.io': { username: 'u', password: 'canary', routes: ['http://u:p@canary@p.example:1'] } }
  const rest = { storage: { filesystem: {} }, http: { addr: ':5000', secret: 'canary' }, redis: { password: 'canary' } }
  await writeFile(folder.at('config.yml'), JSON.stringify({ version: 0.1, ...rest, proxy, health, egress, upstreams }))
  for (const more of [[], ['--json']]) {
    const { code, stdout, stderr } = await homeport('config', 'check', folder.at('config.yml'), ...more)
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stdout + stderr, /canary/)
    if (more.length > 0) assert.equal(JSON.parse(stdout).proxy.password, '***')
  }
})

test('without a name, the two places are looked at', needs(...NAMESPACE_PROGRAMS), async () => {
  await using space = await enterNamespace('registry.example')
  const TWO = '/etc/docker/registry/config.yml'
  const THREE = '/etc/distribution/config.yml'
  const text = (level: string) =>
    `version: 0.1\nlog: { level: ${level} }\nstorage: { filesystem: }\nhttp: { addr: :5000 }\n`
  const check = async () => await space.start(LAUNCHER, ['config', 'check']).ended

  // Debian's docker-registry has one there.
  await space.run(program('sh'), ['-c', `rm -f '${TWO}' '${THREE}'`])
  const none = await check()
  assert.equal(none.code, 1)
  assert.ok(
    [TWO, THREE, '--quickstart'].every((word) => none.stderr.includes(word)),
    none.stderr,
  )

  await space.write(THREE, text('debug'))
  const one = await check()
  assert.equal(one.code, 0)
  assert.match(one.stderr, /^\/etc\/distribution\/config\.yml: /)
  assert.match(one.stdout, /level: debug/)

  await space.write(TWO, text('warn'))
  const both = await check()
  assert.equal(both.code, 1)
  assert.ok(
    [TWO, THREE].every((word) => both.stderr.includes(word)),
    both.stderr,
  )

  await space.write(TWO, text('debug'))
  assert.equal((await check()).code, 0)
})
