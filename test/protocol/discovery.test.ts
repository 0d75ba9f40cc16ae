import assert from 'node:assert/strict'
import { digestOf } from '../helpers/digest-of.ts'
import {
  descriptorOf,
  type Image,
  jsonContent,
  MEDIA_TYPES,
  makeArtifact,
  makeImage,
  makeIndex,
} from '../helpers/images.ts'
import type { Answer, TestRegistry } from '../helpers/test-registry.ts'
import { assertAnswer, script, table } from './case.ts'

const SUBJECT = makeImage('subject')
const OF = SUBJECT.manifest.digest
const NOTE = makeArtifact('note', {
  subject: SUBJECT,
  artifactType: 'application/vnd.example.note+json',
  annotations: { a: 'b' },
})
const SIGNATURE = makeArtifact('signature', { subject: SUBJECT, artifactType: 'application/vnd.example.signature' })
const TYPED = makeIndex([NOTE], { subject: SUBJECT, artifactType: 'application/vnd.example.list' })
const UNTYPED = makeIndex([], { subject: SUBJECT })
const URL = '/v2/team/app/referrers'

const has = { 'content-type': MEDIA_TYPES.oci.index, 'oci-filters-applied': undefined, link: undefined }
const filtered = { ...has, 'oci-filters-applied': 'artifactType' }
const EMPTY = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
const nothing = { status: 200, has, text: EMPTY }

async function prepare({ push }: TestRegistry): Promise<void> {
  for (const image of [SUBJECT, NOTE, SIGNATURE, TYPED, UNTYPED]) await push('team/app', image)
}

function listed({ text }: Answer): { digest: string; [field: string]: unknown }[] {
  return JSON.parse(text).manifests
}

function entry({ manifest }: Image, fields: object = {}): object {
  return { ...descriptorOf(manifest), ...fields }
}

// biome-ignore format: one case a line
table('referrers', { prepare }, [
  { of: '57', name: 'of what nobody pushed', send: `GET ${URL}/${digestOf('absent')}`, ...nothing },
  { of: '57', name: 'of what nobody refers to', send: `GET ${URL}/${NOTE.manifest.digest}`, ...nothing },
  { of: '57', name: 'of the digest that oras asks with', send: `GET ${URL}/sha256:${'0'.repeat(64)}`, ...nothing },
  { of: '57', name: 'in a repository that is not there', send: `GET /v2/nobody/knows/referrers/${OF}`, ...nothing },
  { of: '57', name: 'of a sha512', send: `GET ${URL}/sha512:${'0'.repeat(128)}`, ...nothing },
  { of: '57', name: 'of a digest that is none', send: `GET ${URL}/sha256:nonsense`, status: 400, code: 'DIGEST_INVALID' },
  { of: '57', name: 'of a tag', send: `GET ${URL}/latest`, status: 400, code: 'DIGEST_INVALID' },
  { of: '57', name: 'by HEAD', send: `HEAD ${URL}/${digestOf('absent')}`, status: 200, has: { ...has, 'content-length': String(EMPTY.length) } },
  { of: '58', name: 'of a type nobody has', send: `GET ${URL}/${OF}?artifactType=application/x`, status: 200, has: filtered, text: EMPTY },
  { of: '58', name: 'of no type in particular', send: `GET ${URL}/${OF}?artifactType=`, status: 200, has },
  { of: 'T3', name: 'a size of page that nobody defined', send: `GET ${URL}/${OF}?n=9223372036854775808`, status: 200, has },
])

script('57', 'each entry says what its manifest is, and says of itself', async (registry) => {
  await prepare(registry)
  const expected = [
    entry(NOTE, { artifactType: 'application/vnd.example.note+json', annotations: { a: 'b' } }),
    entry(SIGNATURE, { artifactType: 'application/vnd.example.signature' }),
    entry(TYPED, { artifactType: 'application/vnd.example.list' }),
    entry(UNTYPED),
  ]
  const answer = await registry.request(`GET ${URL}/${OF}`)
  assertAnswer(answer, { status: 200, has })
  assert.deepEqual(new Set(listed(answer)), new Set(expected))
})

script('57', 'an image that has no artifactType is of its config’s type', async ({ request, push }) => {
  const image = makeImage('an old signature')
  await push('team/app', image)
  const old = { ...JSON.parse(image.manifest.bytes.toString()), subject: descriptorOf(SUBJECT.manifest) }
  const { bytes, digest, mediaType } = jsonContent(old)
  await request(`PUT /v2/team/app/manifests/${digest}`, { headers: { 'content-type': mediaType }, body: bytes })
  const [only] = listed(await request(`GET ${URL}/${OF}`))
  assert.equal(only?.['artifactType'], MEDIA_TYPES.oci.config)
})

for (const [name, query] of [
  ['encoded', 'application%2Fvnd.example.note%2Bjson'],
  ['with a bare plus', 'application/vnd.example.note+json'],
]) {
  script('58', `a filter ${name} finds its type, and says that it did`, async (registry) => {
    await prepare(registry)
    const answer = await registry.request(`GET ${URL}/${OF}?artifactType=${query}`)
    assertAnswer(answer, { status: 200, has: filtered })
    assert.deepEqual(
      listed(answer).map(({ digest }) => digest),
      [NOTE.manifest.digest],
    )
  })
}

script('57', 'a deleted referrer is gone at once; a deleted subject keeps its list', async (registry) => {
  await prepare(registry)
  await registry.request(`DELETE /v2/team/app/manifests/${NOTE.manifest.digest}`)
  await registry.request(`DELETE /v2/team/app/manifests/${OF}`)
  const digests = listed(await registry.request(`GET ${URL}/${OF}`)).map(({ digest }) => digest)
  assert.equal(digests.includes(NOTE.manifest.digest), false)
  assert.equal(digests.length, 3)
})

script(
  '57',
  'a list that fits in no manifest comes in pages, each an index with the filter kept',
  async ({ request, push }) => {
    const annotations = { filler: 'x'.repeat(1_500_000) }
    const many = ['a', 'b', 'c', 'd'].map((seed) =>
      makeArtifact(seed, { subject: SUBJECT, artifactType: 'application/x+y', annotations }),
    )
    for (const artifact of many) await push('team/app', artifact)
    const seen: string[] = []
    let path = `${URL}/${OF}?artifactType=application/x%2By&ns=reg.home`
    for (let pages = 1; ; pages += 1) {
      const answer = await request(`GET ${path}`)
      assertAnswer(answer, {
        status: 200,
        has: { 'content-type': MEDIA_TYPES.oci.index, 'oci-filters-applied': 'artifactType' },
      })
      assert.ok(answer.bytes.length <= 4 * 1024 * 1024)
      assert.equal(JSON.parse(answer.text).schemaVersion, 2)
      seen.push(...listed(answer).map(({ digest }) => digest))
      const [, next] = /^<(.*)>; rel="next"$/.exec(String(answer.headers['link'] ?? '')) ?? []
      if (next === undefined) {
        assert.equal(pages, 2)
        break
      }
      assert.ok(
        next.startsWith(`${URL}/${OF}?`) &&
          next.includes('artifactType=application%2Fx%2By') &&
          next.includes('ns=reg.home'),
      )
      path = next
    }
    assert.deepEqual(seen, many.map(({ manifest }) => manifest.digest).sort())
  },
  { own: ['reg.home'] },
)

script('60', 'what a fallback tag lists is found by the API, once, and the tag stays a tag', async (registry) => {
  await prepare(registry)
  const tag = OF.replace(':', '-')
  const fallback = makeIndex([NOTE, SIGNATURE])
  await registry.push('team/app', fallback, tag)
  const digests = listed(await registry.request(`GET ${URL}/${OF}`)).map(({ digest }) => digest)
  assert.equal(digests.filter((digest) => digest === NOTE.manifest.digest).length, 1)
  assertAnswer(await registry.request(`GET /v2/team/app/manifests/${tag}`), {
    status: 200,
    bytes: fallback.manifest.bytes,
  })
  assertAnswer(await registry.request('GET /v2/team/app/tags/list'), {
    status: 200,
    text: `{"name":"team/app","tags":["${tag}"]}`,
  })
})
