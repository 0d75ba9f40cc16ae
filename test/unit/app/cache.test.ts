import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wayInWords } from '../../../src/app/cache.ts'

const HUB = { name: 'docker.io', url: new URL('https://registry-1.docker.io') }
const GHCR = { name: 'ghcr.io', url: new URL('https://ghcr.io') }

for (const [upstream, routes, words] of [
  [GHCR, ['direct'], 'ghcr.io is asked directly'],
  [HUB, ['http://proxy.lan:8080'], 'docker.io is asked at registry-1.docker.io through http://proxy.lan:8080'],
  [GHCR, ['socks5h://10.0.0.7:1080', 'direct'], 'ghcr.io is asked through socks5h://10.0.0.7:1080, then directly'],
  [{ ...HUB, cacheOnly: 'offline' }, ['direct'], 'docker.io is not asked (offline): what is cached is served'],
] as const) {
  test(`at the start the log says: ${words}`, () => {
    assert.equal(wayInWords(upstream, routes), words)
  })
}
