import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatConfig, loadConfig, QUICKSTART } from '../../../src/config/load.ts'
import { runbookConfig } from '../../helpers/runbook.ts'

const LEAST = 'version: 0.1\nstorage: { filesystem: }\nhttp: { addr: 127.0.0.1:5000, host: "https://reg.lan" }\n'
const HUB = 'https://registry-1.docker.io'

function load(text: string, environment: Readonly<Record<string, string>> = {}) {
  return loadConfig({ text: `${LEAST}${text}\n`, name: 'c.yml' }, { environment })
}

function upstreamsOf(text: string, environment?: Readonly<Record<string, string>>) {
  return load(text, environment).config.upstreams
}

describe('upstreams', () => {
  test('are honoured without a warning, an empty one too, and a tag counts as confirmed for a minute', () => {
    const { config, warnings } = load(
      'upstreams: { ghcr.io: {}, quay.io: , "lab.lan:5000": { url: http://10.0.0.9:5000 } }',
    )
    assert.deepEqual(Object.keys(config.upstreams ?? {}), ['ghcr.io', 'quay.io', 'lab.lan:5000'])
    const usual = { default: false, realms: [], revalidate: 60_000, cacheonly: false, hosts: [] }
    assert.deepEqual(config.upstreams?.['ghcr.io'], usual)
    assert.deepEqual(config.upstreams?.['quay.io'], usual)
    assert.equal(config.upstreams?.['lab.lan:5000']?.url, 'http://10.0.0.9:5000')
    assert.deepEqual(warnings, [])
  })

  test('have all that can be said of one', () => {
    const { config } = load(`upstreams:
  docker.io: { default: true, username: ci, passwordfile: /run/secrets/hub, listen: ":5001", hosts: [hub.lan] }
  quay.io: { routes: [socks5h://127.0.0.1:1080, { url: https://proxy.lan:8443, ca: /etc/ssl/lan.pem }, direct] }
  registry.k8s.io: { revalidate: 10m, maxstale: 90d, cacheonly: true, ca: /etc/ssl/x.pem, realms: ["auth.lan:8443"] }`)
    assert.deepEqual(config.upstreams?.['docker.io']?.listen, { host: undefined, port: 5001 })
    assert.deepEqual(config.upstreams?.['docker.io']?.hosts, ['hub.lan'])
    assert.deepEqual(config.upstreams?.['quay.io']?.routes?.[1], {
      url: 'https://proxy.lan:8443',
      ca: '/etc/ssl/lan.pem',
    })
    assert.equal(config.upstreams?.['registry.k8s.io']?.maxstale, 90 * 24 * 3_600_000)
    assert.deepEqual(loadConfig({ text: formatConfig(config), name: 'c.yml' }).config, config)
  })

  test('are set by variables too: one that is there, a new one, all of them', () => {
    const environment = {
      'REGISTRY_UPSTREAMS_DOCKER.IO_REVALIDATE': '5m',
      'REGISTRY_UPSTREAMS_GHCR.IO_CACHEONLY': 'true',
      REGISTRY_EGRESS_ROUTES: '[http://proxy.lan:8080]',
      REGISTRY_EGRESS_NOPROXY_0: '.lan',
    }
    const { config } = load('upstreams: { docker.io: { default: true } }', environment)
    assert.deepEqual(
      [config.upstreams?.['docker.io']?.default, config.upstreams?.['docker.io']?.revalidate],
      [true, 300_000],
    )
    assert.equal(config.upstreams?.['ghcr.io']?.cacheonly, true)
    assert.deepEqual([config.egress?.routes, config.egress?.noproxy], [['http://proxy.lan:8080'], ['.lan']])
    const whole = upstreamsOf('', { REGISTRY_UPSTREAMS: '{quay.io: {}, docker.io: {default: true}}' })
    assert.deepEqual(Object.keys(whole ?? {}), ['quay.io', 'docker.io'])
  })
})

describe('proxy', () => {
  test('of the runbook is honoured as it stands there, without a word of the cache', () => {
    const { config, warnings } = loadConfig({ text: runbookConfig(), name: 'c.yml' })
    assert.deepEqual(config.proxy, { remoteurl: HUB })
    assert.doesNotMatch(JSON.stringify(warnings), /proxy|cache/)
  })

  test('is set by variables alone, or over the file, and is in what is printed (FC-32)', () => {
    const all = {
      REGISTRY_PROXY_REMOTEURL: HUB,
      REGISTRY_PROXY_USERNAME: 'ci',
      REGISTRY_PROXY_PASSWORD: 'canary',
      REGISTRY_PROXY_TTL: '168h',
    }
    for (const text of ['', 'proxy: { remoteurl: "https://other.lan", ttl: 1h }']) {
      const { config, warnings } = load(text, all)
      const { password, ...rest } = config.proxy ?? {}
      assert.deepEqual(rest, { remoteurl: HUB, username: 'ci', ttl: 168 * 3_600_000 })
      assert.equal(password?.reveal(), 'canary')
      const printed = formatConfig(config)
      assert.match(printed, /proxy:\n {2}remoteurl: https:\/\/registry-1\.docker\.io\n {2}username: ci\n/)
      assert.match(printed, /ttl: 168h/)
      assert.doesNotMatch(printed, /canary/)
      const message = 'proxy.ttl changes nothing here: nothing leaves the cache yet'
      assert.deepEqual(warnings, [{ place: 'REGISTRY_PROXY_TTL', message }])
    }
  })
})

describe('the quickstart', () => {
  const upstreams = (environment: Readonly<Record<string, string>>) =>
    loadConfig(QUICKSTART, { environment }).config.upstreams ?? {}
  const defaults = (environment: Readonly<Record<string, string>>) =>
    Object.entries(upstreams(environment)).flatMap(([name, one]) => (one?.default ? [name] : []))

  test('has four upstreams, Docker Hub for names without a registry', () => {
    assert.deepEqual(Object.keys(upstreams({})), ['docker.io', 'ghcr.io', 'quay.io', 'registry.k8s.io'])
    assert.deepEqual(defaults({}), ['docker.io'])
  })

  test('steps back behind a proxy of the environment', () => {
    assert.deepEqual(Object.keys(upstreams({ REGISTRY_PROXY_REMOTEURL: HUB })), [
      'ghcr.io',
      'quay.io',
      'registry.k8s.io',
    ])
    assert.deepEqual(defaults({ REGISTRY_PROXY_REMOTEURL: 'https://mirror.lan' }), [])
    const both = { REGISTRY_PROXY_REMOTEURL: 'https://mirror.lan', 'REGISTRY_UPSTREAMS_DOCKER.IO_DEFAULT': 'true' }
    assert.throws(() => upstreams(both), /upstreams\.docker\.io: must not be the default beside proxy\.remoteurl/)
  })
})

// biome-ignore format: one case a line
const refused: [name: string, text: string, expected: readonly string[]][] = [
  ['a key in another case, with its place and the right one (FC-33)', 'proxy: { remoteUrl: https://a }', ['4:1 proxy.remoteurl: is missing', '4:10 proxy.remoteUrl: is not a setting; did you mean proxy.remoteurl?']],
  ['a key that is none', 'upstreams: { quay.io: { rotes: [] } }', ['4:25 upstreams.quay.io.rotes: is not a setting; did you mean upstreams.*.routes?']],
  ['a password in the address of a registry', 'proxy: { remoteurl: "https://u:canary@a" }', ['4:21 proxy.remoteurl: must be without user and password, which have keys of their own (username, password), not "https://***@a"']],
  ['the same, where the address cannot be read', 'upstreams: { a: { url: "https://u:can/canary@a" } }', ['4:24 upstreams.a.url: must be a URL, like https://registry.example, not "https://***@a"']],
  ['a token in the address of a registry', 'proxy: { remoteurl: "https://a?t=canary" }', ['4:21 proxy.remoteurl: must end with its path, without ? and #, not "https://a?***"']],
  ['a user without a password', 'proxy: { remoteurl: https://a, username: u }', ['4:1 proxy.password: is missing']],
  ['a password without a user', 'upstreams: { a: { password: canary } }', ['4:14 upstreams.a.username: is missing']],
  ['a file with the password of nobody', 'upstreams: { a: { passwordfile: /x } }', ['4:14 upstreams.a.username: is missing']],
  ['two passwords', 'upstreams: { a: { username: u, password: canary, passwordfile: /x } }', ['4:14 upstreams.a: must have one of password and passwordfile']],
  ['two defaults', 'upstreams: { a: { default: true }, b: { default: true } }', ['4:1 upstreams: must have one default, if any']],
  ['a default beside proxy', `proxy: { remoteurl: ${HUB} }\nupstreams: { quay.io: { default: true } }`, ['5:14 upstreams.quay.io: must not be the default beside proxy.remoteurl, which is it']],
  ['one registry twice', `proxy: { remoteurl: ${HUB} }\nupstreams: { docker.io: {} }`, ['5:14 upstreams.docker.io: is what proxy.remoteurl names, too: take proxy away, and write default: true here']],
  ['another name of a registry', 'upstreams: { index.docker.io: {}, Quay.io: {}, "a:443": {} }', ['4:14 upstreams.index.docker.io: must be written docker.io, which is the same registry', '4:35 upstreams.Quay.io: must be written quay.io, which is the same registry', '4:48 upstreams.a:443: must be written a, which is the same registry']],
  ['an address for a name', 'upstreams: { "https://quay.io": {} }', ['4:14 upstreams.https://quay.io: must be the name of a registry, like docker.io']],
  ['a route with a typing error: it must not mean direct (FC-41)', 'egress: { routes: [sock5://p:1] }', ['4:20 egress.routes[0]: must be direct, or a proxy: http://, https://, socks5:// or socks5h:// with its HOST:PORT, not "sock5://p:1"']],
  ['a route that cannot be read, without its password', 'upstreams: { a: { routes: ["http://u:can/canary@p:1"] } }', ['4:28 upstreams.a.routes[0]: must be direct, or a proxy: http://, https://, socks5:// or socks5h:// with its HOST:PORT, not "http://***@p:1"']],
  ['no route at all', 'egress: { routes: [] }', ['4:11 egress.routes: must name a way out: direct, or a proxy']],
  ['two exceptions in one', 'egress: { noproxy: [".lan,10.0.0.0/8"] }', ['4:21 egress.noproxy[0]: must be one name, address or network, without spaces and commas, not ".lan,10.0.0.0/8"']],
  ['a realm that is an address', 'upstreams: { a: { realms: ["https://auth.lan/token"] } }', ['4:28 upstreams.a.realms[0]: must be a host, like auth.docker.io, not "https://auth.lan/token"']],
  ['a listener where the server listens', 'upstreams: { a: { listen: ":5000" } }', ['4:27 upstreams.a.listen: must be another address than http.addr (127.0.0.1:5000), not ":5000"']],
  ['two listeners at one place', 'upstreams: { a: { listen: "[::1]:5001" }, b: { listen: "[::1]:5001" } }', ['4:56 upstreams.b.listen: must be another address than upstreams.a.listen ([::1]:5001), not "[::1]:5001"']],
  ['two listeners on one socket', 'upstreams: { a: { listen: /run/a }, b: { listen: /run/a } }', ['4:50 upstreams.b.listen: must be another address than upstreams.a.listen (/run/a), not "/run/a"']],
  ['a host name of two', 'upstreams: { a: { hosts: [HUB.lan] }, b: { hosts: [hub.Lan] } }', ['4:52 upstreams.b.hosts[0]: must be a name that nothing else has, as upstreams.a does, not "hub.Lan"']],
  ['the host name of the whole server', 'upstreams: { a: { hosts: [reg.lan] } }', ['4:27 upstreams.a.hosts[0]: must be a name that nothing else has, as http.host does, not "reg.lan"']],
  ['a host name with a port', 'upstreams: { a: { hosts: ["hub.lan:5000"] } }', ['4:27 upstreams.a.hosts[0]: must be the name of a host, without a port, not "hub.lan:5000"']],
]

describe('a configuration is refused for', () => {
  for (const [name, text, expected] of refused) {
    test(name, () => {
      assert.throws(
        () => load(text),
        ({ message }: Error) => {
          const said = message.split('\n').slice(1)
          assert.deepEqual(
            said,
            expected.map((line) => `c.yml:${line}`),
          )
          assert.doesNotMatch(message, /canary/)
          return true
        },
      )
    })
  }

  test('nothing, where listeners do not meet: other ports, other addresses, any free port', () => {
    for (const listen of ['127.0.0.2:5000', '127.0.0.1:5001', '127.0.0.1:0', '/run/a.sock']) {
      assert.doesNotThrow(() => load(`upstreams: { a: { listen: "${listen}" } }`), listen)
    }
    assert.doesNotThrow(() => load('upstreams: { a: { listen: ":0" }, b: { listen: ":0" } }'))
  })
})
