import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OperatorError } from '../../../src/base/operator-error.ts'
import { formatConfig, loadConfig, quickstartConfig, readConfig } from '../../../src/config/load.ts'

const LEAST = 'version: 0.1\nstorage: { filesystem: }\nhttp: { addr: :5000 }\n'

function problems(text: string): string[] {
  try {
    loadConfig(text, 'c.yml')
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
    assert.deepEqual(loadConfig(LEAST, 'c.yml'), {
      version: '0.1',
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: '/var/lib/registry', mustexist: false }, delete: { enabled: false } },
      http: { addr: { host: undefined, port: 5000 } },
      validation: { manifests: { sparse: false, indexes: { platforms: 'none', platformlist: [] } } },
    })
  })

  test('has what it sets', () => {
    const text = `version: "0.1"
log: { level: debug }
storage:
  filesystem: { rootdirectory: /srv, mustexist: true }
  delete: { enabled: true }
auth:
  htpasswd: { realm: "Bob's registry", path: /etc/htpasswd }
http:
  addr: "[::1]:0"
  tls: { certificate: /c.pem, key: /k.pem }
validation:
  manifests:
    sparse: true
    indexes: { platforms: list, platformlist: [{ os: linux, architecture: arm64 }] }
`
    assert.deepEqual(loadConfig(text, 'c.yml'), {
      version: '0.1',
      log: { level: 'debug' },
      storage: { filesystem: { rootdirectory: '/srv', mustexist: true }, delete: { enabled: true } },
      auth: { htpasswd: { realm: "Bob's registry", path: '/etc/htpasswd' } },
      http: { addr: { host: '::1', port: 0 }, tls: { certificate: '/c.pem', key: '/k.pem' } },
      validation: {
        manifests: {
          sparse: true,
          indexes: { platforms: 'list', platformlist: [{ os: 'linux', architecture: 'arm64' }] },
        },
      },
    })
  })

  test('printed and loaded again is the same', () => {
    for (const config of [quickstartConfig(), loadConfig(LEAST.replace(':5000', '"[::1]:5000"'), 'c.yml')]) {
      assert.deepEqual(loadConfig(formatConfig(config), 'printed'), config)
    }
  })

  test('of the quickstart listens on this machine only, and keeps its data beside the current folder', () => {
    const { http, storage, auth } = quickstartConfig()
    assert.deepEqual(http, { addr: { host: '127.0.0.1', port: 5000 } })
    assert.equal(storage.filesystem.rootdirectory, './data')
    assert.equal(storage.delete.enabled, true)
    assert.equal(auth, undefined)
  })

  test('that cannot be read says so and what to do', () => {
    assert.throws(
      () => readConfig('/nonexistent/c.yml'),
      (error) => {
        assert.ok(error instanceof OperatorError)
        assert.match(error.message, /ENOENT.*\/nonexistent\/c\.yml/)
        assert.ok(error.hint)
        return true
      },
    )
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
      'c.yml:5:9 http.addr: must be text, not 5000',
      'c.yml:6:3 http.tls.key: is missing',
      'c.yml:8:1 sotrage: is not a setting; did you mean storage?',
    ])
  })
})

const rest = 'storage: { filesystem: }\nhttp: { addr: :5000 }\n'

// biome-ignore format: one case a line
const cases: [name: string, text: string, problems: string[]][] = [
  ['an empty file', '', ['c.yml:1:1 version: is missing', 'c.yml:1:1 storage: is missing', 'c.yml:1:1 http: is missing']],
  ['a list', '- a\n', ['c.yml:1:1 The file: must be a section of settings']],
  ['no YAML', 'version: 0.1\nlog: [a, b\nhttp: 1\n', ['c.yml:3:1 Flow sequence in block collection must be sufficiently indented and end with a ]']],
  ['a key given twice', `${LEAST}version: 0.1\n`, ['c.yml:4:1 Map keys must be unique']],
  ['a free key anywhere', `${LEAST}x-mine: { any: 1 }\nlog: { x-note: null }\n`, []],
  ['a byte order mark and CRLF', `\ufeff${LEAST.replaceAll('\n', '\r\n')}`, []],
  ['an anchor and a merge', `x-log: &log { level: debug }\nlog: { <<: *log }\n${LEAST}`, []],
  ['sections without content', `${LEAST}log:\nvalidation:\n  manifests:\n`, []],
  ['a setting without a value', `${LEAST}log:\n  level:\n`, []],
  ['auth without a way to sign in', `${LEAST}auth:\n`, ['c.yml:4:1 auth.htpasswd: is missing']],
  ['htpasswd without a file', `${LEAST}auth:\n  htpasswd:\n`, ['c.yml:5:3 auth.htpasswd.path: is missing']],
  ['htpasswd with an empty file name', `${LEAST}auth: { htpasswd: { path: "" } }\n`, ['c.yml:4:27 auth.htpasswd.path: must not be empty, not ""']],
  ['tls without content', `version: 0.1\nstorage: { filesystem: }\nhttp:\n  addr: :1\n  tls:\n`, ['c.yml:5:3 http.tls.certificate: is missing', 'c.yml:5:3 http.tls.key: is missing']],
  ['a section that is a value', `version: 0.1\nlog: debug\n${rest}`, ['c.yml:2:6 log: must be a section of settings, not "debug"']],
  ['a value that is a section', `version: 0.1\nlog: { level: { a: 1 } }\n${rest}`, ['c.yml:2:8 log.level: must be one of error, warn, info, debug']],
  ['a switch in quotes', `version: 0.1\nstorage: { filesystem: , delete: { enabled: "true" } }\nhttp: { addr: :1 }\n`, ['c.yml:2:45 storage.delete.enabled: must be true or false, not "true"']],
  ['a driver that is not built', 'version: 0.1\nstorage: { filesystem: , s3: { secretkey: canary } }\nhttp: { addr: :1 }\n', ['c.yml:2:26 storage.s3: is not built yet: storage.filesystem is the one driver so far']],
  ['a driver that is not built, as a word', 'version: 0.1\nstorage: { filesystem: , s3: canary }\nhttp: { addr: :1 }\n', ['c.yml:2:26 storage.s3: is not built yet: storage.filesystem is the one driver so far']],
  ['an alias to nothing', `${LEAST}log: *log\n`, ['c.yml:1:1 Unresolved alias (the anchor must be set before the alias): log']],
  ['a way to sign in that is not built, empty', `${LEAST}auth: { htpasswd: { path: a }, silly: }\n`, ['c.yml:4:32 auth.silly: is not built yet: auth.htpasswd is the one way to sign in so far']],
  ['a misspelt key', `${LEAST}log: { levle: info }\n`, ['c.yml:4:8 log.levle: is not a setting; did you mean log.level?']],
  ['a key at the wrong place', `${LEAST}sparse: true\n`, ['c.yml:4:1 sparse: is not a setting; did you mean validation.manifests.sparse?']],
  ['the beginning of a key', `version: 0.1\nstorage: { filesystem: { rootdir: /a } }\nhttp: { addr: :1 }\n`, ['c.yml:2:26 storage.filesystem.rootdir: is not a setting; did you mean storage.filesystem.rootdirectory?']],
  ['a key unlike any', `${LEAST}quux: 1\n`, ['c.yml:4:1 quux: is not a setting']],
  ['a key of a prototype', `${LEAST}log: { __proto__: 1, constructor: 2 }\n`, ['c.yml:4:8 log.__proto__: is not a setting', 'c.yml:4:22 log.constructor: is not a setting']],
  ['a misspelt key in a list', `${LEAST}validation: { manifests: { indexes: { platformlist: [{ os: linux, arch: arm }] } } }\n`, ['c.yml:4:54 validation.manifests.indexes.platformlist[0].architecture: is missing', 'c.yml:4:67 validation.manifests.indexes.platformlist[0].arch: is not a setting; did you mean validation.manifests.indexes.platformlist[].architecture?']],
  ['a realm with a line break', `${LEAST}auth: { htpasswd: { path: a, realm: "a\\nb" } }\n`, ['c.yml:4:37 auth.htpasswd.realm: must be printable ASCII, not "a\\nb"']],
]

describe('a configuration with', () => {
  for (const [name, text, expected] of cases) {
    test(`${name} has ${expected.length} problems`, () => assert.deepEqual(problems(text), expected))
  }
})
