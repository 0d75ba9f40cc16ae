import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type LoadOptions, loadConfig, QUICKSTART } from '../../../src/config/load.ts'
import { runbookConfig } from '../../helpers/runbook.ts'

const LEAST = 'version: 0.1\nstorage: { filesystem: }\nhttp: { addr: 127.0.0.1:5000 }\n'

function told(text: string, options?: LoadOptions): string[] {
  return loadConfig({ text, name: 'c.yml' }, options).warnings.map(({ place, message }) => `${place} ${message}`)
}

describe('what a configuration is warned of', () => {
  test('the one of the runbook, as it stands there: its damage, and a key at another place', () => {
    const { config } = loadConfig({ text: runbookConfig(), name: 'c.yml' })
    assert.equal(config.http.host, 'https://registry.tirro.ir')
    assert.equal(config.proxy?.remoteurl, 'https://registry-1.docker.io')
    assert.deepEqual(told(runbookConfig()), [
      "c.yml:29:9 an editor made a link of an address: '[https://registry.tirro.ir](https://registry.tirro.ir)' is read as 'https://registry.tirro.ir'",
      "c.yml:40:14 an editor made a link of an address: '[https://registry-1.docker.io](https://registry-1.docker.io)' is read as 'https://registry-1.docker.io'",
      'c.yml:33:3 http.accesslog is read as log.accesslog',
    ])
  })

  test('nothing, where nothing is wrong: the quickstart', () => {
    assert.deepEqual(loadConfig(QUICKSTART).warnings, [])
  })

  test('what does nothing here, whatever it holds', () => {
    const text = `${LEAST}redis: { addr: "x", password: canary }\nnotifications: { endpoints: [] }\nlog: { hooks: [] }\n`
    assert.deepEqual(told(text), [
      'c.yml:4:1 redis changes nothing here: the catalog answers without a cache',
      'c.yml:5:1 notifications changes nothing here: nobody is told yet',
      'c.yml:6:8 log.hooks changes nothing here: nothing is mailed',
    ])
  })

  test('older names and values, each with the one of today', () => {
    const text = `${LEAST.replace(/^http.*\n/m, '')}loglevel: debug
http:
  addr: 127.0.0.1:1
  tls: { certificate: /c, key: /k, minimumtls: tls1.0 }
validation: { enabled: true, disabled: true }
`
    const { config } = loadConfig({ text, name: 'c.yml' })
    assert.deepEqual(
      [config.log.level, config.http.tls?.minimumtls, config.validation.disabled],
      ['debug', 'tls1.2', false],
    )
    assert.deepEqual(told(text), [
      'c.yml:3:1 loglevel is read as log.level',
      'c.yml:6:36 http.tls.minimumtls: tls1.0 is read as tls1.2',
    ])
  })

  test('a fault in what is read at another place is told where it is written', () => {
    const text = LEAST.replace('5000 }', '5000, accesslog: { disabled: never } }')
    assert.throws(() => told(text), /c\.yml:3:54 log\.accesslog\.disabled: must be true or false, not "never"/)
  })

  test('what is built later, once, and its content is checked', () => {
    const text = `${LEAST}proxy: { remoteurl: https://a, ttl: 168h }
cache: { maxsize: 200GiB, reserve: 5GiB }
retention: [{ repositories: [a], keep: { last: 1, pulledwithin: 30d } }]
ui: { enabled: true }
lab: { name: tirro, nodes: [] }
`
    assert.deepEqual(
      told(text).map((line) => line.split(' ')[1]),
      ['proxy.ttl', 'cache.maxsize', 'cache.reserve', 'retention', 'ui', 'lab'],
    )
    assert.throws(() => told(`${LEAST}cache: { maxsize: much }\n`), /cache\.maxsize: must be a size/)
  })

  test('absolute addresses, which are never sent', () => {
    const text = LEAST.replace('addr:', 'relativeurls: false, addr:')
    assert.deepEqual(told(text), [
      'c.yml:3:9 http.relativeurls: false changes nothing: a Location is a path in any case',
    ])
    assert.deepEqual(told(text.replace('false', 'true')), [])
  })

  test('metrics that are told nowhere', () => {
    const debug = (more: string) => LEAST.replace('addr:', `debug: { prometheus: { enabled: true }${more} }, addr:`)
    assert.deepEqual(
      told(debug('')).map((line) => line.split(' ')[1]),
      ['http.debug.prometheus'],
    )
    assert.deepEqual(told(debug(', addr: "127.0.0.1:5001"')), [])
  })

  test('that anybody on the machine may do anything by a socket', () => {
    const text = LEAST.replace('127.0.0.1:5000', '/run/a.sock, net: unix')
    assert.match(told(text).join(), /ANYBODY who may enter the folder of \/run\/a\.sock/)
  })

  test('that dockerd cannot sign in to the listener of an upstream, unless anybody may pull from it', () => {
    const text = `${LEAST}auth: { htpasswd: { path: /h } }
upstreams: { docker.io: { listen: ":5001" }, quay.io: {}, ghcr.io: { listen: ":5002" } }
`
    const hinted = (access: string) =>
      loadConfig({ text: `${text}${access}\n`, name: 'c.yml' }).warnings.map(({ place, hint }) => [place, hint])
    const rule = (name: string) => `{ who: anonymous, may: [pull], repositories: ["${name}/**"] }`
    const users = 'a rule for your users: { who: [NAMES], may: [pull, push, delete] }'
    assert.deepEqual(hinted(''), [
      ['upstreams.docker.io.listen', `add access, with ${rule('docker.io')} and ${users}`],
      ['upstreams.ghcr.io.listen', `add access, with ${rule('ghcr.io')} and ${users}`],
    ])
    const ghcr = ['upstreams.ghcr.io.listen', `add to access: ${rule('ghcr.io')}, with from: and your networks`]
    for (const [access, expected] of [
      [`[${rule('docker.io')}]`, [ghcr]],
      ['[{ who: [ann, anonymous], may: [pull, push], repositories: ["docker.io/library/*"] }]', [ghcr]],
      ['[{ who: anonymous, may: [pull], repositories: ["*.io/**"] }]', []],
      ['[{ who: anonymous, may: [pull], from: [10.0.0.0/8] }]', []],
    ] as const) {
      assert.deepEqual(hinted(`access: ${access}`), expected, access)
    }
    assert.equal(hinted('access: [{ who: ann, may: [pull] }, { who: anonymous, may: [push] }]').length, 2)
    assert.deepEqual(told(text.replace(/auth.*\n/, '')), [])
  })

  test('that anybody may do anything, where others reach it', () => {
    for (const [addr, warned] of [
      [':5000', true],
      ['0.0.0.0:5000', true],
      ['10.0.0.1:5000', true],
      ['127.0.0.1:5000', false],
      ['localhost:5000', false],
      ['"[::1]:5000"', false],
    ] as const) {
      const text = LEAST.replace('127.0.0.1:5000', addr)
      assert.equal(
        told(text).some((line) => /ANYBODY/.test(line)),
        warned,
        addr,
      )
      assert.deepEqual(told(`${text}auth: { htpasswd: { path: /h } }\n`), [])
    }
  })

  test('outbound proxies of the environment that an editor mangled, without their passwords', () => {
    const proxy = 'http://u:canary@proxy.lan:8080'
    const bare = 'u:canary@proxy.lan:8080'
    const environment = {
      HTTP_PROXY: `[${proxy}](${proxy})`,
      https_proxy: `[${bare}](http://${bare})`,
      no_proxy: 'lan',
    }
    const loaded = loadConfig({ text: LEAST, name: 'c.yml' }, { environment })
    assert.deepEqual(loaded.proxies, { http_proxy: proxy, https_proxy: bare, no_proxy: 'lan' })
    assert.equal(loaded.warnings.length, 2)
    assert.match(JSON.stringify(loaded.warnings), /HTTP_PROXY/)
    assert.doesNotMatch(JSON.stringify(loaded.warnings), /canary/)
  })
})
