import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatConfig, loadConfig, QUICKSTART } from '../../../src/config/load.ts'
import { notedParts } from '../../../src/config/schema-walk.ts'
import { type Config, SETTINGS } from '../../../src/config/settings.ts'
import { isOfOthers } from '../../../src/config/variables.ts'

type Variables = Readonly<Record<string, string>>

const TEXT = `version: 0.1
log: { fields: { Service: registry } }
storage: { filesystem: { rootdirectory: /srv } }
auth: { htpasswd: { realm: r, path: /p } }
http: { addr: 127.0.0.1:5000, headers: { X-One: [a] } }
health: { file: [{ file: /a }] }
`

function load(environment: Variables, text = TEXT) {
  return loadConfig({ text, name: 'c.yml' }, { environment })
}

// biome-ignore format: one case a line
const cases: [name: string, variables: Variables, what: (config: Config) => unknown, expected: unknown][] = [
  ['a text', { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/data' }, (c) => c.storage.filesystem.rootdirectory, '/data'],
  ['a switch', { REGISTRY_STORAGE_DELETE_ENABLED: 'true' }, (c) => c.storage.delete.enabled, true],
  ['a number', { REGISTRY_CATALOG_MAXENTRIES: '7' }, (c) => c.catalog.maxentries, 7],
  ['a duration', { REGISTRY_HTTP_DRAINTIMEOUT: '5s' }, (c) => c.http.draintimeout, 5000],
  ['an address', { REGISTRY_HTTP_ADDR: ':443' }, (c) => c.http.addr, { host: undefined, port: 443 }],
  ['a password of digits, as it is written', { REGISTRY_PROXY_REMOTEURL: 'https://a', REGISTRY_PROXY_USERNAME: 'u', REGISTRY_PROXY_PASSWORD: '0123' }, (c) => c.proxy?.password?.reveal(), '0123'],
  ['a password that is no YAML', { REGISTRY_PROXY_REMOTEURL: 'https://a', REGISTRY_PROXY_USERNAME: 'u', REGISTRY_PROXY_PASSWORD: '{[@' }, (c) => c.proxy?.password?.reveal(), '{[@'],
  ['a map as YAML', { REGISTRY_HTTP_HEADERS: '{"Access-Control-Allow-Origin": ["*"]}' }, (c) => c.http.headers, { 'Access-Control-Allow-Origin': ['*'] }],
  ['a new name of a map, in lower case', { REGISTRY_LOG_FIELDS_ENVIRONMENT: 'lab' }, (c) => c.log.fields, { Service: 'registry', environment: 'lab' }],
  ['a name of a map that is there, in its own case', { REGISTRY_LOG_FIELDS_SERVICE: 'mine' }, (c) => c.log.fields, { Service: 'mine' }],
  ['a section as YAML', { REGISTRY_STORAGE_MAINTENANCE_READONLY: '{enabled: true}' }, (c) => c.storage.maintenance.readonly.enabled, true],
  ['a section that the file lacks', { REGISTRY_HTTP_DEBUG_ADDR: 'localhost:5001' }, (c) => c.http.debug.addr, { host: 'localhost', port: 5001 }],
  ['a section as a word', { REGISTRY_AUTH: 'none' }, (c) => c.auth, { none: {} }],
  ['a section as a word, and then more of it', { REGISTRY_AUTH: 'htpasswd', REGISTRY_AUTH_HTPASSWD_PATH: '/q' }, (c) => c.auth, { htpasswd: { realm: 'homeport', path: '/q' } }],
  ['a list as YAML', { REGISTRY_HTTP_TRUSTEDPROXIES: '[127.0.0.1, 10.0.0.0/8]' }, (c) => c.http.trustedproxies, ['127.0.0.1', '10.0.0.0/8']],
  ['a place of a list', { REGISTRY_HEALTH_FILE_0_FILE: '/b' }, (c) => c.health.file.map(({ file }) => file), ['/b']],
  ['the place after the last', { REGISTRY_HEALTH_FILE_1_FILE: '/b' }, (c) => c.health.file.map(({ file }) => file), ['/a', '/b']],
  ["registry:2's own name for a section", { REGISTRY_HEALTH_FILECHECKERS_0_FILE: '/c' }, (c) => c.health.file.map(({ file }) => file), ['/c']],
  ['a link that an editor made', { REGISTRY_HTTP_HOST: '[https://a](https://a)' }, (c) => c.http.host, 'https://a'],
  ['a name with an underscore', { REGISTRY_LOG_FIELDS_MY_TEAM: 'a' }, (c) => c.log.fields, { Service: 'registry', my_team: 'a' }],
  ['a switch as YAML 1.1 writes it', { REGISTRY_STORAGE_DELETE_ENABLED: 'yes' }, (c) => c.storage.delete.enabled, true],
  ['nothing, where it is empty, as compose files make them', { REGISTRY_PROXY_REMOTEURL: '', REGISTRY_HTTP_TLS_KEY: '' }, (c) => [c.proxy, c.http.tls], [undefined, undefined]],
  ['the default, where it is empty and the file sets something', { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '' }, (c) => c.storage.filesystem.rootdirectory, '/var/lib/registry'],
  ['the older place of the level', { REGISTRY_LOGLEVEL: 'debug' }, (c) => c.log.level, 'debug'],
]

describe('a variable', () => {
  for (const [name, variables, what, expected] of cases) {
    test(`sets ${name}`, () => assert.deepEqual(what(load(variables).config), expected))
  }

  test('comes in the order of the names, so that a section is reset before it is refined', () => {
    const environment = { REGISTRY_AUTH_HTPASSWD_PATH: '/q', REGISTRY_AUTH: '{htpasswd: {realm: other, path: /x}}' }
    assert.deepEqual(load(environment).config.auth, { htpasswd: { realm: 'other', path: '/q' } })
  })

  test('that is no setting is a warning, and no error', () => {
    const { warnings } = load({ REGISTRY_NONSENSE: 'x', REGISTRY_LOG_LEVLE: 'debug', REGISTRY_VERSION: '0.2' })
    assert.deepEqual(
      warnings.map(({ place }) => place),
      ['REGISTRY_LOG_LEVLE', 'REGISTRY_NONSENSE', 'REGISTRY_VERSION'],
    )
  })

  test('of Kubernetes for a service called registry is passed over, and so is the one that names the file', () => {
    const environment = {
      REGISTRY_PORT: 'tcp://10.0.0.1:5000',
      REGISTRY_PORT_5000_TCP_ADDR: '10.0.0.1',
      REGISTRY_SERVICE_HOST: '10.0.0.1',
      REGISTRY_SERVICE_PORT_HTTP: '5000',
      REGISTRY_AUTH_FILE: '/run/containers/0/auth.json',
      REGISTRY_AUTH_PORT: 'tcp://10.0.0.2:443',
      REGISTRY_AUTH_PORT_443_TCP_ADDR: '10.0.0.2',
      REGISTRY_UI_SERVICE_HOST: '10.0.0.3',
    }
    const { warnings, ignored } = load({ ...environment, REGISTRY_CONFIGURATION_PATH: '/x' })
    assert.deepEqual(warnings, [])
    assert.deepEqual(ignored, Object.keys(environment).toSorted())
  })

  test('of others is called as no setting is', () => {
    const names = notedParts(SETTINGS).map(({ path }) => `REGISTRY_${path.replaceAll(/[.[\]*]+/g, '_').toUpperCase()}`)
    assert.deepEqual(names.filter(isOfOthers), [])
  })

  test('that brings a section which lacks something is its place; empty, it never opens a registry to all', () => {
    const open = TEXT.replace(/^auth.*\n/m, '')
    const missing = { REGISTRY_AUTH_HTPASSWD_REALM: 'a' }
    assert.throws(() => load(missing, open), /REGISTRY_AUTH_HTPASSWD_REALM auth\.htpasswd\.path: is missing/)
    assert.throws(() => load({ REGISTRY_AUTH: '' }), /REGISTRY_AUTH auth: must have one of htpasswd and none/)
    assert.throws(() => load({ REGISTRY_AUTH_HTPASSWD_PATH: '' }, open), /auth\.htpasswd\.path: is missing/)
  })

  test('never shows what a password may be', () => {
    const proxy = { REGISTRY_PROXY_REMOTEURL: 'https://a' }
    for (const variables of [
      { REGISTRY_PROXY: '{remoteurl: https://a, password: *canary}' },
      { REGISTRY_PROXY: '{remoteurl: https://a, password: "\\canary"}' },
      { REGISTRY_PROXY: '{remoteurl: https://a, password: "a" canary}' },
      { REGISTRY_PROXY: '{remoteurl: https://a, password: !canary x}' },
      { REGISTRY_PROXY: '{remoteurl: "ftp://u:canary@a"}' },
      { ...proxy, REGISTRY_PROXY_PASSWORD: '{canary: [' },
      { ...proxy, REGISTRY_PROXY_PASSWORD: '*canary' },
      { ...proxy, REGISTRY_PROXY_PASSWORD: '[canary]', REGISTRY_LOG_LEVEL: 'loud' },
      { REGISTRY_HTTP_SECRET: 'canary', REGISTRY_REDIS_PASSWORD: 'canary' },
    ]) {
      let said: string
      try {
        const { config, warnings } = load(variables)
        said = formatConfig(config) + JSON.stringify(warnings)
      } catch (error) {
        said = String(error)
      }
      assert.doesNotMatch(said, /canary/, JSON.stringify(variables))
    }
  })

  test('that holds what it must not is a problem under its own name', () => {
    const environment = {
      REGISTRY_LOG_LEVEL: 'loud',
      REGISTRY_HTTP_HEADERS: '{a',
      REGISTRY_HEALTH_FILE_5_FILE: '/x',
      REGISTRY_AUTH_TOKEN_REALM: 'https://a',
    }
    assert.throws(
      () => load(environment),
      ({ message }: Error) => {
        const lines = message.split('\n').slice(1)
        assert.deepEqual(
          lines.map((line) => line.split(' ')[0] ?? '').toSorted(),
          Object.keys(environment).toSorted(),
          message,
        )
        assert.match(message, /REGISTRY_LOG_LEVEL log\.level: must be one of error, warn, info, debug, not "loud"/)
        assert.match(message, /REGISTRY_HEALTH_FILE_5_FILE is place 5 of a list of 1/)
        return true
      },
    )
  })

  test('with a second driver is refused, but where the first came with the program', () => {
    const environment = { REGISTRY_STORAGE_S3_BUCKET: 'b' }
    assert.throws(
      () => load(environment),
      /storage\.filesystem: is one of 2 storage drivers.*\n.*storage\.s3: is one of 2/,
    )
    const embedded = () => loadConfig(QUICKSTART, { environment })
    assert.throws(embedded, /a problem:\nREGISTRY_STORAGE_S3_BUCKET storage\.s3: is not built yet/)
    const two = { ...environment, REGISTRY_STORAGE_GCS_BUCKET: 'b' }
    assert.throws(() => loadConfig(QUICKSTART, { environment: two }), /2 problems:\n.*s3 and gcs.*\n.*s3 and gcs/)
  })
})
