import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration } from '../../src/base/duration.ts'
import { formatSize, parseSize } from '../../src/base/size.ts'
import { formatConfig, loadConfig } from '../../src/config/load.ts'
import { repairText, repairValue } from '../../src/config/repair.ts'
import type { Config } from '../../src/config/settings.ts'
import { unlessRefused } from './total.ts'

function load(text: string, name: string): Config {
  return loadConfig({ text, name }).config
}

const values = fc.oneof(
  fc.constantFrom(
    0,
    1,
    -1,
    1.5,
    5000,
    true,
    false,
    null,
    '',
    'info',
    'json',
    'text',
    ':5000',
    '127.0.0.1:0',
    'unix',
    '/data',
    '10s',
    '1h30m',
    '200GiB',
    '-5s',
    'no',
    {},
    [],
  ),
  fc.jsonValue({ maxDepth: 2 }),
)
/** A section with some of its keys, most of them well spelt. */
const section = (keys: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.oneof({ weight: 8, arbitrary: fc.record(keys, { requiredKeys: [] }) }, { weight: 1, arbitrary: values })

const configs = section({
  version: fc.oneof({ weight: 8, arbitrary: fc.constant(0.1) }, values),
  log: section({
    level: fc.constantFrom('info', 'debug', 'warn', 'error', 'loud'),
    formatter: fc.constantFrom('json', 'text', 'logstash', 'xml'),
    fields: fc.dictionary(fc.string(), values, { maxKeys: 3, noNullPrototype: true }),
    accesslog: section({ disabled: values }),
  }),
  storage: section({
    filesystem: section({ rootdirectory: fc.constantFrom('/data', '', 'data', 5), mustexist: values }),
    delete: section({ enabled: values }),
    maintenance: values,
    inmemory: values,
  }),
  auth: section({
    htpasswd: section({ realm: fc.oneof(fc.string(), values), path: fc.constantFrom('/etc/htpasswd', '', null) }),
    none: values,
  }),
  http: section({
    addr: fc.constantFrom(':5000', '127.0.0.1:0', '[::1]:5000', 'x', ':99999', 5000),
    host: values,
    prefix: values,
    headers: values,
    draintimeout: values,
    tls: section({ certificate: values, key: values }),
  }),
  health: values,
  proxy: values,
  upstreams: values,
  access: values,
  'x-anything': values,
  htpp: values,
})

/** Configurations, texts that are nearly one, and texts that are none. */
const texts = fc.oneof(
  configs.map((config) => JSON.stringify(config, null, 1)),
  fc
    .tuple(
      configs,
      fc.nat(),
      fc.constantFrom('"', '{', '}', ':', '\t', '\n', '#', '&a', '*a', '!!', '<<:', '|', '- ', '\0', ''),
    )
    .map(([config, at, piece]) => {
      const text = JSON.stringify(config, null, 1)
      const place = at % (text.length + 1)
      return text.slice(0, place) + piece + text.slice(place + 1)
    }),
  fc.string({ unit: 'binary' }),
)

const NAMES = [
  'LOG_LEVEL',
  'HTTP_ADDR',
  'HTTP_HEADERS',
  'STORAGE',
  'STORAGE_FILESYSTEM_ROOTDIRECTORY',
  'AUTH_HTPASSWD',
  'PORT',
  'PORT_5000_TCP',
  'PROXY_REMOTEURL',
  'HEALTH_FILE_0_FILE',
  'HTTP_DEBUG_ADDR',
  '',
  '_',
  'X',
]
const environments = fc.dictionary(
  fc.oneof(fc.constantFrom(...NAMES), fc.string()).map((name) => `REGISTRY_${name}`),
  fc.oneof(
    values.map((value) => JSON.stringify(value)),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('[https://a](https://a)', '{', '&a', '*a', 'tcp://10.0.0.1:5000'),
  ),
  { maxKeys: 4, noNullPrototype: true },
)

function read(text: string, environment: Readonly<Record<string, string>> = {}, lenient = false) {
  return unlessRefused(() => loadConfig({ text, name: 'config.yml' }, { environment, lenient }), 'OperatorError')
}

test('configuration: whatever the text and the variables, they are read, or refused with what to put right', () => {
  fc.assert(
    fc.property(fc.oneof(texts, sound()), environments, fc.boolean(), (text, environment, lenient) => {
      for (const { place, message } of read(text, environment, lenient)?.warnings ?? []) {
        assert.ok(place !== '' && message !== '')
      }
    }),
    { numRuns: 150 },
  )
})

test('configuration: the effective one loads back to the same, and then stays as it is', () => {
  fc.assert(
    fc.property(fc.oneof(texts, sound()), (text) => {
      const config = read(text)?.config
      if (config === undefined) return
      const printed = formatConfig(config)
      // Of a secret only that it is there is printed.
      if (printed.includes('***')) return
      assert.deepEqual(read(printed)?.config, config)
      assert.equal(formatConfig(read(printed)?.config ?? config), printed)
    }),
    { numRuns: 150 },
  )
})

test('configuration: what is right is read, and loads back to the same', () => {
  fc.assert(
    fc.property(sound(), (text) => {
      const loaded = read(text)
      assert.ok(loaded !== undefined)
      assert.deepEqual(read(formatConfig(loaded.config))?.config, loaded.config)
    }),
    { numRuns: 50 },
  )
})

test('configuration: a repair moves nothing, is done once, and touches nothing but links', () => {
  const pieces = fc.constantFrom(
    '[',
    ']',
    '(',
    ')',
    'https://a',
    '[https://a](https://a)',
    '[a](http://b/)',
    ': ',
    '\n',
    '- ',
    'key',
    ' # x',
    '"',
    ' ',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces, { maxLength: 20 }).map((list) => list.join('')),
      ),
      (text) => {
        const { text: repaired, repairs } = repairText(text)
        assert.equal(repaired.length, text.length)
        assert.deepEqual(repairText(repaired), { text: repaired, repairs: [] })
        if (!text.includes('](')) assert.equal(repaired, text)
        for (const { offset, was } of repairs) assert.equal(text.slice(offset, offset + was.length), was)
        const value = repairValue(text)
        if (value !== undefined) assert.equal(repairValue(value), undefined)
      },
    ),
    { numRuns: 500 },
  )
})

test('durations and sizes: what is written is read again, and what is none is none', () => {
  fc.assert(
    fc.property(fc.nat(), fc.string(), (number, text) => {
      assert.equal(parseDuration(formatDuration(number)), number)
      assert.equal(parseSize(formatSize(number)), number)
      for (const found of [parseDuration(text), parseSize(text)]) assert.ok(found === undefined || found >= 0)
    }),
  )
})

test('configuration: a bomb of aliases is refused before it fills the memory', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
  for (const [one, other] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh'].map((pair) => [...pair])) {
    bomb.push(`${other}: &${other} [${Array.from({ length: 9 }, () => `*${one}`).join(', ')}]`)
  }
  assert.equal(
    unlessRefused(() => load(bomb.join('\n'), 'config.yml'), 'OperatorError'),
    undefined,
  )
})

test('configuration: depth alone breaks nothing', () => {
  for (const text of [
    '['.repeat(20_000),
    '{"a":'.repeat(20_000),
    '- '.repeat(20_000),
    `${'['.repeat(3000)}${']'.repeat(3000)}`,
  ]) {
    assert.equal(
      unlessRefused(() => load(text, 'config.yml'), 'OperatorError'),
      undefined,
    )
  }
})

/** Configurations that are right. */
function sound(): fc.Arbitrary<string> {
  return fc
    .record({
      level: fc.constantFrom('info', 'debug', 'warn', 'error'),
      addr: fc.constantFrom(':5000', '127.0.0.1:0', '[::1]:5000', 'localhost:80'),
      root: fc.constantFrom('/data', './data', '/var/lib/registry', '/a b/ü'),
      deletes: fc.boolean(),
      realm: fc.constantFrom('Homeport', 'basic-realm', 'a "b" \\ c'),
      users: fc.boolean(),
    })
    .map(({ level, addr, root, deletes, realm, users }) =>
      JSON.stringify({
        version: 0.1,
        log: { level },
        storage: { filesystem: { rootdirectory: root }, delete: { enabled: deletes } },
        http: { addr },
        ...(users && { auth: { htpasswd: { realm, path: '/etc/htpasswd' } } }),
      }),
    )
}
