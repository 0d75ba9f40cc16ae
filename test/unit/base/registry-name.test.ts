import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registryName } from '../../../src/base/registry-name.ts'

test('a registry has one name, whatever it is called', () => {
  for (const [host, name] of [
    ['docker.io', 'docker.io'],
    ['INDEX.docker.io:443', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['auth.docker.io', 'auth.docker.io'],
    ['Quay.io', 'quay.io'],
    ['quay.io:443', 'quay.io'],
    ['quay.io:4443', 'quay.io:4443'],
    ['docker.io.evil.example', 'docker.io.evil.example'],
    ['', ''],
  ] as const) {
    assert.equal(registryName(host), name, host)
  }
})
