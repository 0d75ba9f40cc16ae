import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuseVariables } from '../../../src/config/environment.ts'

// biome-ignore format: one case a line
const cases: [names: string[], refused: RegExp | undefined][] = [
  [['REGISTRY_AUTH_HTPASSWD_PATH'], /and REGISTRY_AUTH_HTPASSWD_PATH is set/],
  [['REGISTRY_STORAGE', 'REGISTRY_AUTH'], /and REGISTRY_AUTH, REGISTRY_STORAGE are set/],
  [['REGISTRY_HTTP_ADDR'], /REGISTRY_HTTP_ADDR/],
  [['REGISTRY_PROXY_REMOTEURL'], /REGISTRY_PROXY_REMOTEURL/],
  [['REGISTRY_PORT', 'REGISTRY_PORT_5000_TCP', 'REGISTRY_SERVICE_HOST', 'REGISTRY_LOG_LEVEL', 'HTTP_PROXY', 'MY_REGISTRY_AUTH'], undefined],
]

for (const [names, refused] of cases) {
  test(`with ${names.join(', ')} set, start is ${refused === undefined ? 'let be' : 'refused'}`, () => {
    const check = () => refuseVariables(Object.fromEntries(names.map((name) => [name, 'canary'])))
    if (refused === undefined) return check()
    assert.throws(check, (error: Error) => refused.test(error.message) && !error.message.includes('canary'))
  })
}
