import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { findConfig, PLACES } from '../../../src/config/find.ts'
import { loadConfig } from '../../../src/config/load.ts'

const [TWO, THREE] = PLACES
const OWN_PATH = join(import.meta.dirname, '../../../container/config.yml')
const OWN = readFileSync(OWN_PATH, 'utf8')

interface Case {
  readonly name: string
  readonly files?: Readonly<Record<string, string>>
  readonly argument?: string
  readonly variable?: string
  readonly finds?: string
  readonly because?: RegExp
  readonly refuses?: RegExp
}

// biome-ignore format: one case a line
const cases: readonly Case[] = [
  { name: 'the argument decides alone', argument: '/a', variable: '/b', files: { '/a': 'a', '/b': 'b', [TWO]: '2' }, finds: '/a' },
  { name: 'an argument that is not there is refused, whatever else is', argument: '/a', files: { [TWO]: '2' }, refuses: /no configuration at '\/a'/ },
  { name: 'the variable decides without an argument', variable: '/b', files: { '/b': 'b', [TWO]: '2', [THREE]: '3' }, finds: '/b' },
  { name: 'a variable that names nothing is refused', variable: '/b', files: { [TWO]: '2' }, refuses: /no configuration at '\/b'/ },
  { name: 'an empty variable is none', variable: '', files: { [TWO]: '2' }, finds: TWO },
  { name: "the place of registry:2", files: { [TWO]: '2' }, finds: TWO, because: /registry:2/ },
  { name: "the place of registry:3", files: { [THREE]: '3' }, finds: THREE, because: /registry 3/ },
  { name: 'both, and the same', files: { [TWO]: 'x', [THREE]: 'x' }, finds: TWO },
  { name: 'both, and unlike', files: { [TWO]: '2', [THREE]: '3' }, refuses: /'\/etc\/docker\/registry\/config\.yml' and '\/etc\/distribution\/config\.yml'/ },
  { name: 'none: both places are named, and the way without', files: {}, refuses: /neither '\/etc\/docker\/registry\/config\.yml' nor '\/etc\/distribution\/config\.yml'/ },
  { name: 'the own one of the image, where there is no other', files: { [TWO]: OWN }, finds: TWO },
  { name: 'the own one of the image counts for none beside another', files: { [TWO]: OWN, [THREE]: '3' }, finds: THREE },
  { name: 'the own one of the image, changed, counts', files: { [TWO]: `${OWN}# mine\n`, [THREE]: '3' }, refuses: /two configurations/ },
]

describe('the configuration that is taken', () => {
  for (const { name, files = {}, argument, variable, finds, because = /it is|names it/, refuses } of cases) {
    test(name, () => {
      const find = () =>
        findConfig({
          argument,
          environment: variable === undefined ? {} : { REGISTRY_CONFIGURATION_PATH: variable },
          readFile: (path) => (path === OWN_PATH ? OWN : files[path]),
        })
      if (refuses !== undefined) assert.throws(find, refuses)
      else assert.deepEqual([find().source.name, because.test(find().because)], [finds, true])
    })
  }

  test('one that is empty is called so, and not after what it lacks', () => {
    for (const text of ['', '\n', '# later\n']) {
      assert.throws(() => loadConfig({ text, name: '/c.yml' }), {
        message: "The configuration '/c.yml' is empty",
        hint: /write/,
      })
    }
  })

  test('the own one of the image is right, and says that anybody may come in', () => {
    const { warnings, config } = loadConfig({ text: OWN, name: 'own' })
    assert.deepEqual(
      warnings.map(({ place }) => place),
      ['auth'],
    )
    assert.deepEqual(config.http.addr, { host: undefined, port: 5000 })
    assert.deepEqual(config.http.headers, { 'X-Content-Type-Options': ['nosniff'] })
    assert.equal(config.health.storagedriver.enabled, true)
  })
})
