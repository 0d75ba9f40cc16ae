import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { formatConfig, loadConfig } from '../../../src/config/load.ts'

const LEAST = 'version: 0.1\nhttp: { addr: :5000 }\nstorage: { filesystem: { rootdirectory: /data } }\n'
const GROUPS = 'groups: { dev: [ann, bob] }\n'

const load = (text: string) => loadConfig({ text: LEAST + text, name: 'c.yml' })

function problemsOf(text: string): string[] {
  try {
    load(text)
    return []
  } catch (error) {
    return (error as Error).message.split('\n').slice(1)
  }
}

test('rules and groups are read as they are written, and printed so that they load to the same', () => {
  const text = `${GROUPS}access:
  - { who: anonymous, from: [192.168.0.0/16, "fd00::/8", 10.0.0.1], may: [pull] }
  - { who: [ci-user, group:dev], may: [pull, push, delete, admin], repositories: ["apps/**", "docker.io/library/*", "*/web-*"] }
`
  const { config } = load(text)
  assert.deepEqual(config.groups, { dev: ['ann', 'bob'] })
  assert.equal(config.access?.[0]?.who, 'anonymous')
  assert.deepEqual(config.access?.[1]?.who, ['ci-user', 'group:dev'])
  const again = loadConfig({ text: formatConfig(config), name: 'again.yml' }).config
  assert.deepEqual(again, config)
})

test('no rules are not the same as no section: nobody may do anything then', () => {
  assert.deepEqual(load('access: []\n').config.access, [])
  assert.equal(load('').config.access, undefined)
})

suite('rules', () => {
  // biome-ignore format: one case a line
  const CASES: readonly (readonly [name: string, text: string, problems: readonly string[]])[] = [
    ['without content', 'access:\n', ['c.yml:4:1 access: must be a list of rules']],
    ['that are no list', 'access: { who: ann, may: [pull] }\n', ['c.yml:4:1 access: must be a list of rules']],
    ['for a group that there is not', `${GROUPS}access: [{ who: group:ops, may: [pull] }]\n`, ['c.yml:5:17 access[0].who: must be a group that groups has (dev), not "group:ops"']],
    ['for such a group in a list', `access: [{ who: [ann, group:ops], may: [pull] }]\n`, ['c.yml:4:23 access[0].who[1]: must be a group that groups has (it has none), not "group:ops"']],
    ['for nobody', 'access: [{ who: [], may: [pull] }]\n', ['c.yml:4:12 access[0].who: must name somebody']],
    ['without who', 'access: [{ may: [pull] }]\n', ['c.yml:4:10 access[0].who: is missing']],
    ['without may', 'access: [{ who: ann }]\n', ['c.yml:4:10 access[0].may: is missing']],
    ['with an unknown action', 'access: [{ who: ann, may: [pull, write] }]\n', ['c.yml:4:34 access[0].may[1]: must be one of pull, push, delete, admin, not "write"']],
    ['with no action', 'access: [{ who: ann, may: [] }]\n', ['c.yml:4:22 access[0].may: must name an action']],
    ['from what is no network', 'access: [{ who: ann, from: [192.168.0.0/33], may: [pull] }]\n', ['c.yml:4:29 access[0].from[0]: must be an IP address, or a network like 192.168.0.0/16, not "192.168.0.0/33"']],
    ['from no network at all', 'access: [{ who: ann, from: [], may: [pull] }]\n', ['c.yml:4:22 access[0].from: must name a network']],
    ['for a pattern in capitals', 'access: [{ who: ann, may: [pull], repositories: [Apps/**] }]\n', ['c.yml:4:50 access[0].repositories[0]: must be a pattern of repositories, like apps/**: it has capital letters, which no name of a repository has, not "Apps/**"']],
    ['for a pattern with a slash before it', 'access: [{ who: ann, may: [pull], repositories: [/apps] }]\n', ['c.yml:4:50 access[0].repositories[0]: must be a pattern of repositories, like apps/**: it has a component without a name, not "/apps"']],
    ['for a pattern that mixes', 'access: [{ who: ann, may: [pull], repositories: ["app**"] }]\n', ['c.yml:4:50 access[0].repositories[0]: must be a pattern of repositories, like apps/**: it has ** beside other text: it is a component of its own, not "app**"']],
    ['with a misspelt key', 'access: [{ who: ann, may: [pull], repository: [a] }]\n', ['c.yml:4:35 access[0].repository: is not a setting; did you mean access[].repositories?']],
    ['and a group of none', 'groups: { dev: ann }\n', ['c.yml:4:16 groups.dev: must be a list of users, not "ann"']],
    ['and a group with a colon', 'groups: { "a:b": [ann] }\n', ['c.yml:4:11 groups.a:b: must be the name of a user, without a colon']],
  ]
  for (const [name, text, problems] of CASES) {
    test(`${name}: ${problems.length} problem`, () => assert.deepEqual(problemsOf(text), problems))
  }
})

suite('warnings', () => {
  const USERS = 'auth: { htpasswd: { path: /users } }\n'
  const ANYBODY = 'access: [{ who: [anonymous], may: [pull] }]\n'
  const http = (more: string) =>
    `version: 0.1\nstorage: { filesystem: { rootdirectory: /data } }\nhttp: { addr: :5000, ${more} }\n`
  const told = (text: string) => loadConfig({ text, name: 'c.yml' }).warnings.map(({ message }) => message)

  test('with rules it is not said that anybody may do everything', () => {
    assert.match(told(LEAST).join(), /ANYBODY/)
    assert.deepEqual(told(LEAST + ANYBODY), [])
  })

  // biome-ignore format: one case a line
  const CASES: readonly (readonly [name: string, text: string, warned: boolean])[] = [
    ['a proxy that ends TLS and is not believed', http('host: "https://reg.lan"') + USERS + ANYBODY, true],
    ['one that is believed', http('host: "https://reg.lan", trustedproxies: [127.0.0.1]') + USERS + ANYBODY, false],
    ['TLS of its own', http('host: "https://reg.lan", tls: { certificate: /c, key: /k }') + USERS + ANYBODY, false],
    ['plain http', http('host: "http://reg.lan"') + USERS + ANYBODY, false],
    ['no tokens', `${http('host: "https://reg.lan"')}${USERS}access: [{ who: ann, may: [pull] }]\n`, false],
    ['no users', http('host: "https://reg.lan"') + ANYBODY, false],
  ]
  for (const [name, text, warned] of CASES) {
    test(`${name}: ${warned ? 'it is said where clients are sent for tokens' : 'nothing is said'} (S25)`, () => {
      assert.deepEqual(
        told(text).some((line) => /http:\/\/ for tokens/.test(line)),
        warned,
      )
    })
  }
})
