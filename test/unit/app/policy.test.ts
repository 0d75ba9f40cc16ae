import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyOf } from '../../../src/app/policy.ts'
import { loadConfig } from '../../../src/config/load.ts'

const PLATFORMS = 'indexes: { platforms: list, platformlist: [{ os: linux, architecture: arm64 }] }'

function policy(validation: string) {
  const text = `version: 0.1\nstorage: { filesystem: }\nhttp: { addr: :5000 }\nvalidation: ${validation}\n`
  return policyOf(loadConfig({ text, name: 'c.yml' }).config)
}

test('policy: as it is configured', () => {
  assert.deepEqual(policy('{}'), { deletes: false, sparse: false, children: 'none' })
  assert.deepEqual(policy(`{ manifests: { ${PLATFORMS} } }`).children, [{ os: 'linux', architecture: 'arm64' }])
  assert.deepEqual(policy("{ manifests: { urls: { allow: ['^https://a/'] } } }").urls, {
    allow: [/^https:\/\/a\//u],
    deny: [],
  })
  assert.deepEqual(policy('{ manifests: { urls: { deny: [x] } } }').urls, { allow: [], deny: [/x/u] })
})

test('policy: where validation is turned off, addresses and images of an index are not looked at', () => {
  const manifests = `{ urls: { allow: [x] }, ${PLATFORMS} }`
  assert.deepEqual(policy(`{ disabled: true, manifests: ${manifests} }`), {
    deletes: false,
    sparse: false,
    children: 'none',
  })
})
