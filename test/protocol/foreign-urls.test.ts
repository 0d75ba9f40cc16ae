import assert from 'node:assert/strict'
import { parsePattern } from '../../src/base/pattern.ts'
import { digestOf } from '../helpers/digest-of.ts'
import type { TestRegistry } from '../helpers/test-registry.ts'
import { assertAnswer, script } from './case.ts'

const CONFIG = '{}'
const IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
const RULES = { allow: [parsePattern('^https://mcr\\.example/')], deny: [parsePattern('/secret/')] }

/** Pushes an image whose one layer is elsewhere. */
async function push({ request }: TestRegistry, urls: unknown): Promise<{ status: number; text: string }> {
  await request(`POST /v2/app/blobs/uploads/?digest=${digestOf(CONFIG)}`, { body: CONFIG })
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(CONFIG), size: 2 }
  const layers = [{ mediaType: FOREIGN, digest: digestOf('elsewhere'), size: 9, urls }]
  const body = JSON.stringify({ schemaVersion: 2, mediaType: IMAGE, config, layers })
  const answer = await request('PUT /v2/app/manifests/v1', { headers: { 'content-type': IMAGE }, body })
  const stored = await request('HEAD /v2/app/manifests/v1')
  assertAnswer(stored, { status: answer.status === 201 ? 200 : 404 })
  return answer
}

const taken = ['https://mcr.example/layer', 'https://mcr.example/other']
const refused: readonly [why: string, urls: unknown][] = [
  ['is not allowed', [...taken, 'https://evil.example/layer']],
  ['is denied', ['https://mcr.example/secret/layer']],
  ['is no address of the web', ['file:///etc/passwd']],
  ['has a fragment', ['https://mcr.example/layer#part']],
  ['is no text', [{ toString: 'https://mcr.example/' }]],
  ['is longer than any', [`https://mcr.example/${'x'.repeat(3000)}`]],
]

script(
  '5.2',
  'a layer may be where the operator allows it',
  async (registry) => {
    assert.equal((await push(registry, taken)).status, 201)
  },
  { policy: { urls: RULES } },
)

script('5.2', 'a layer may be anywhere where nothing is configured: nobody here goes there', async (registry) => {
  assert.equal((await push(registry, ['https://anywhere.example/#x'])).status, 201)
})

for (const [why, urls] of refused) {
  script(
    '5.2',
    `a layer whose address ${why} is refused, and nothing of its image is stored`,
    async (registry) => {
      const { status, text } = await push(registry, urls)
      assert.equal(status, 400, text)
      assert.match(text, /"MANIFEST_INVALID".*validation\.manifests\.urls/)
    },
    { policy: { urls: RULES } },
  )
}

script(
  '5.2',
  'addresses that take too long to compare are refused',
  async (registry) => {
    const { status, text } = await push(registry, [`https://${'a'.repeat(60)}!/`])
    assert.equal(status, 400, text)
    assert.match(text, /take too long to compare/)
  },
  { policy: { urls: { allow: [parsePattern('^https://(a+)+/')], deny: [] } } },
)
