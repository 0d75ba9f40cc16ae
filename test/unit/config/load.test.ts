import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { formatConfig, type LoadOptions, loadConfig, QUICKSTART } from '../../../src/config/load.ts'
import type { Config } from '../../../src/config/settings.ts'
import { runbookConfig } from '../../helpers/runbook.ts'

const HOUR = 3_600_000
const LEAST = 'version: 0.1\nstorage: { filesystem: }\nhttp: { addr: :5000 }\n'

function load(text: string, options?: LoadOptions): Config {
  return loadConfig({ text, name: 'c.yml' }, options).config
}

function problems(text: string, options?: LoadOptions): string[] {
  try {
    load(text, options)
  } catch (error) {
    assert.ok(error instanceof OperatorError)
    const [head, ...told] = error.message.split('\n')
    assert.equal(head, `The configuration has ${told.length === 1 ? 'a problem' : `${told.length} problems`}:`)
    return told
  }
  return []
}

describe('a configuration', () => {
  test('with the least that it needs has the defaults for the rest', () => {
    const { log, storage, auth, http, health, proxy, upstreams } = load(LEAST)
    assert.deepEqual(log, { level: 'info', formatter: 'text', fields: {}, accesslog: { disabled: false } })
    assert.deepEqual(storage, {
      filesystem: { rootdirectory: '/var/lib/registry', mustexist: false },
      delete: { enabled: false },
      maintenance: {
        uploadpurging: { enabled: true, age: 168 * HOUR, interval: 24 * HOUR, dryrun: false },
        readonly: { enabled: false },
      },
    })
    assert.deepEqual(http, {
      ...{
        addr: { host: undefined, port: 5000 },
        net: 'tcp',
        prefix: '/',
        relativeurls: false,
        draintimeout: 8000,
        headers: {},
      },
      ...{ debug: { prometheus: { enabled: false, path: '/metrics' } }, trustedproxies: [] },
    })
    assert.deepEqual(health.storagedriver, { enabled: false, interval: 10_000, threshold: 0 })
    assert.deepEqual([auth, proxy, upstreams], [undefined, undefined, undefined])
  })

  test('has what it sets', () => {
    const { log, storage, auth, http, validation } = load(`version: "0.1"
log: { level: debug, formatter: json, fields: { service: registry, number: 7 } }
storage:
  filesystem: { rootdirectory: /srv, mustexist: true }
  maintenance: { uploadpurging: { age: 1h30m, interval: 60000000000 } }
auth:
  htpasswd: { realm: "Bob's registry", path: /etc/htpasswd }
http:
  addr: /run/registry.sock
  net: unix
  tls: { certificate: /c.pem, key: /k.pem, minimumtls: tls1.0 }
  headers: { X-Content-Type-Options: [nosniff] }
validation:
  manifests:
    indexes: { platforms: list, platformlist: [{ os: linux, architecture: arm64 }] }
`)
    assert.deepEqual([log.level, log.formatter, log.fields], ['debug', 'json', { service: 'registry', number: '7' }])
    assert.deepEqual(storage.filesystem, { rootdirectory: '/srv', mustexist: true })
    assert.deepEqual(
      [storage.maintenance.uploadpurging.age, storage.maintenance.uploadpurging.interval],
      [1.5 * HOUR, 60_000],
    )
    assert.deepEqual(auth, { htpasswd: { realm: "Bob's registry", path: '/etc/htpasswd' } })
    assert.deepEqual([http.addr, http.tls?.minimumtls], [{ path: '/run/registry.sock' }, 'tls1.2'])
    assert.deepEqual(http.headers, { 'X-Content-Type-Options': ['nosniff'] })
    assert.deepEqual(validation.manifests.indexes, {
      platforms: 'list',
      platformlist: [{ os: 'linux', architecture: 'arm64' }],
    })
  })

  test('printed and loaded again is the same', () => {
    for (const config of [
      loadConfig(QUICKSTART).config,
      load(LEAST.replace(':5000', '"[::1]:5000"')),
      load(runbookConfig()),
    ]) {
      assert.deepEqual(load(formatConfig(config)), config)
    }
  })

  test('printed shows no secret, neither of a setting of its own nor of an address', () => {
    const text = `${LEAST}proxy: { remoteurl: "https://a", username: u, password: canary }
upstreams: { docker.io: { username: u, password: canary } }
egress: { routes: ["http://u:canary@proxy:1", "socks5h://u:p@canary@proxy:1", { url: "https://u:canary@b" }] }
`
    assert.doesNotMatch(formatConfig(load(text)), /canary/)
  })

  test('of the quickstart listens on this machine only, and keeps its data beside the current folder', () => {
    const { http, storage, auth, health } = loadConfig(QUICKSTART).config
    assert.deepEqual(http.addr, { host: '127.0.0.1', port: 5000 })
    assert.equal(storage.filesystem.rootdirectory, './data')
    assert.equal(storage.delete.enabled, true)
    assert.equal(health.storagedriver.enabled, true)
    assert.equal(auth, undefined)
  })

  test('tells all its problems at once, in the order of the file', () => {
    const text = `version: 0.2
log:
  level: loud
http:
  addr: 5000
  tls:
    certificate: /c.pem
sotrage: {}
`
    assert.deepEqual(problems(text), [
      'c.yml:1:1 storage: is missing',
      'c.yml:1:10 version: must be 0.1, not 0.2',
      'c.yml:3:10 log.level: must be one of error, warn, info, debug, not "loud"',
      'c.yml:5:9 http.addr: must be HOST:PORT or :PORT, an IPv6 host in brackets, or the path of a socket, not "5000"',
      'c.yml:6:3 http.tls.key: is missing',
      'c.yml:8:1 sotrage: is not a setting; did you mean storage?',
    ])
  })
})

const rest = 'storage: { filesystem: }\nhttp: { addr: :5000 }\n'

// biome-ignore format: one case a line
const cases: [name: string, text: string, problems: string[]][] = [
  ['an empty section', '{}\n', ['c.yml:1:1 version: is missing', 'c.yml:1:1 storage: is missing', 'c.yml:1:1 http: is missing']],
  ['a list', '- a\n', ['c.yml:1:1 The file: must be a section of settings']],
  ['no YAML', 'version: 0.1\nlog: [a, b\nhttp: 1\n', ['c.yml:3:1 Flow sequence in block collection must be sufficiently indented and end with a ]']],
  ['a key given twice', `${LEAST}version: 0.1\n`, ['c.yml:4:1 Map keys must be unique']],
  ['a free key anywhere', `${LEAST}x-mine: { any: 1 }\nlog: { x-note: null }\n`, []],
  ['a byte order mark and CRLF', `\ufeff${LEAST.replaceAll('\n', '\r\n')}`, []],
  ['an anchor and a merge', `x-log: &log { level: debug }\nlog: { <<: *log }\n${LEAST}`, []],
  ['sections without content', `${LEAST}log:\nvalidation:\n  manifests:\n`, []],
  ['a setting without a value', `${LEAST}log:\n  level:\n`, []],
  ['auth without a way to sign in', `${LEAST}auth:\n`, ['c.yml:4:1 auth: must have one of htpasswd and none']],
  ['htpasswd without a file', `${LEAST}auth:\n  htpasswd:\n`, ['c.yml:5:3 auth.htpasswd.path: is missing']],
  ['htpasswd with an empty file name', `${LEAST}auth: { htpasswd: { path: "" } }\n`, ['c.yml:4:27 auth.htpasswd.path: must not be empty, not ""']],
  ['tls without content', `version: 0.1\nstorage: { filesystem: }\nhttp:\n  addr: :1\n  tls:\n`, ['c.yml:5:3 http.tls.certificate: is missing', 'c.yml:5:3 http.tls.key: is missing']],
  ['a section that is a value', `version: 0.1\nlog: debug\n${rest}`, ['c.yml:2:6 log: must be a section of settings, not "debug"']],
  ['a value that is a section', `version: 0.1\nlog: { level: { a: 1 } }\n${rest}`, ['c.yml:2:8 log.level: must be one of error, warn, info, debug']],
  ['a switch in quotes', `version: 0.1\nstorage: { filesystem: , delete: { enabled: "true" } }\nhttp: { addr: :1 }\n`, ['c.yml:2:45 storage.delete.enabled: must be true or false, not "true"']],
  ['a driver that is not built', 'version: 0.1\nstorage: { s3: { secretkey: canary } }\nhttp: { addr: :1 }\n', ['c.yml:2:12 storage.s3: is not built yet: storage.filesystem is the one driver so far']],
  ['two drivers', 'version: 0.1\nstorage: { filesystem: , s3: canary }\nhttp: { addr: :1 }\n', ['c.yml:2:12 storage.filesystem: is one of 2 storage drivers, filesystem and s3; leave one', 'c.yml:2:26 storage.s3: is one of 2 storage drivers, filesystem and s3; leave one']],
  ['a driver as a word', 'version: 0.1\nstorage: filesystem\nhttp: { addr: :1 }\n', []],
  ['nobody to sign in, as a word', `${LEAST}auth: none\n`, []],
  ['a socket without its net', `version: 0.1\nstorage: { filesystem: }\nhttp: { addr: /run/a.sock }\n`, ['c.yml:3:15 http.addr: must be the path of a socket with http.net unix, and HOST:PORT or :PORT without it, not "/run/a.sock"']],
  ['a duration that is none', `${LEAST}health: { storagedriver: { interval: soon } }\n`, ['c.yml:4:38 health.storagedriver.interval: must be a duration, like 10s or 1h30m, not "soon"']],
  ['an address with a password that is wrong otherwise', `${LEAST}proxy: { remoteurl: "htp://u:canary@a" }\n`, ['c.yml:4:21 proxy.remoteurl: must be a URL, like https://registry.example, not "htp://***@a"']],
  ['a tag that means nothing', `${LEAST}proxy: { remoteurl: https://a, password: !vault canary }\n`, ['c.yml:4:42 Unresolved tag']],
  ['an alias to nothing', `${LEAST}log: *log\n`, ['c.yml:4:6 there is no such anchor: a text that begins with * needs quotes']],
  ['a way to sign in that is not built, empty', `${LEAST}auth: { htpasswd: { path: a }, silly: }\n`, ['c.yml:4:32 auth.silly: is not built yet: auth.htpasswd is the one way to sign in so far']],
  ['a misspelt key', `${LEAST}log: { levle: info }\n`, ['c.yml:4:8 log.levle: is not a setting; did you mean log.level?']],
  ['a key at the wrong place', `${LEAST}sparse: true\n`, ['c.yml:4:1 sparse: is not a setting; did you mean validation.manifests.sparse?']],
  ['the beginning of a key', `version: 0.1\nstorage: { filesystem: { rootdir: /a } }\nhttp: { addr: :1 }\n`, ['c.yml:2:26 storage.filesystem.rootdir: is not a setting; did you mean storage.filesystem.rootdirectory?']],
  ['a key unlike any', `${LEAST}quux: 1\n`, ['c.yml:4:1 quux: is not a setting']],
  ['a key of a prototype', `${LEAST}log: { __proto__: 1, constructor: 2 }\n`, ['c.yml:4:8 log.__proto__: is not a setting', 'c.yml:4:22 log.constructor: is not a setting']],
  ['a misspelt key in a list', `${LEAST}validation: { manifests: { indexes: { platformlist: [{ os: linux, arch: arm }] } } }\n`, ['c.yml:4:54 validation.manifests.indexes.platformlist[0].architecture: is missing', 'c.yml:4:67 validation.manifests.indexes.platformlist[0].arch: is not a setting; did you mean validation.manifests.indexes.platformlist[].architecture?']],
  ['fields of the log that are no text', `${LEAST}log: { fields: { a: { b: 1 }, c: 1, d: [e] } }\n`, ['c.yml:4:18 log.fields.a: must be text', 'c.yml:4:37 log.fields.d: must be text']],
  ['a realm with a line break', `${LEAST}auth: { htpasswd: { path: a, realm: "a\\nb" } }\n`, ['c.yml:4:37 auth.htpasswd.realm: must be printable ASCII, not "a\\nb"']],
]

describe('a configuration with', () => {
  for (const [name, text, expected] of cases) {
    test(`${name} has ${expected.length} problems`, () => assert.deepEqual(problems(text), expected))
  }
})

describe('leniently', () => {
  test('keys that are no settings are warnings, and other problems stay problems', () => {
    const text = `${LEAST}log: { levle: info }\nquux: 1\n`
    const { warnings, config } = loadConfig({ text, name: 'c.yml' }, { lenient: true })
    assert.equal(config.log.level, 'info')
    assert.deepEqual(
      warnings.filter(({ place }) => place !== 'auth').map(({ place, message }) => `${place} ${message}`),
      ['c.yml:4:8 log.levle: is not a setting; did you mean log.level?', 'c.yml:5:1 quux: is not a setting'],
    )
    assert.equal(problems(`${text}catalog: { maxentries: x }\n`, { lenient: true }).length, 1)
  })
})
