import assert from 'node:assert/strict'
import { makeImage } from '../helpers/images.ts'
import type { TestRegistry } from '../helpers/test-registry.ts'
import { assertAnswer, script, table } from './case.ts'

const IMAGE = makeImage('listed')
const TAGS = '/v2/team/app/tags/list'
const CATALOG = '/v2/_catalog'

const badPage = { status: 400, code: 'PAGINATION_NUMBER_INVALID' }

/** Tags in an order that is not theirs; `ASCII`: capitals come first. */
async function prepare({ push, request, rules }: TestRegistry): Promise<void> {
  await push('team/app', IMAGE, 'c')
  const query = ['a', 'B', 'b.1', 'b-1', 'sha256-x.sig'].map((tag) => `tag=${tag}`).join('&')
  const headers = { 'content-type': IMAGE.manifest.mediaType }
  await request(`PUT /v2/team/app/manifests/${IMAGE.manifest.digest}?${query}`, { headers, body: IMAGE.manifest.bytes })
  await rules.push('team/emptied', 'a blob')
  await rules.push('alone', 'a blob')
}

function tags(list: readonly string[], link?: string) {
  const has = { 'content-type': 'application/json', link: link && `<${link}>; rel="next"` }
  return { status: 200, text: JSON.stringify({ name: 'team/app', tags: list }), has }
}

function repositories(list: readonly string[], link?: string) {
  return { status: 200, text: JSON.stringify({ repositories: list }), has: { link: link && `<${link}>; rel="next"` } }
}

const ALL = ['B', 'a', 'b-1', 'b.1', 'c', 'sha256-x.sig']

// biome-ignore format: one case a line
table('tags', { options: { own: ['reg.home'] }, prepare }, [
  { of: '61', name: 'all of them, in order', send: `GET ${TAGS}`, ...tags(ALL) },
  { of: '61', name: 'the first', send: `GET ${TAGS}?n=2`, ...tags(['B', 'a'], `${TAGS}?last=a&n=2`) },
  { of: '61', name: 'the next', send: `GET ${TAGS}?last=a&n=2`, ...tags(['b-1', 'b.1'], `${TAGS}?last=b.1&n=2`) },
  { of: '61', name: 'the last, without a link to nothing', send: `GET ${TAGS}?last=b.1&n=2`, ...tags(['c', 'sha256-x.sig']) },
  { of: '61', name: 'after the last', send: `GET ${TAGS}?last=z&n=2`, ...tags([]) },
  { of: '61', name: 'after one that is not there', send: `GET ${TAGS}?last=az`, ...tags(ALL.slice(2)) },
  { of: '61', name: 'none', send: `GET ${TAGS}?n=0`, ...tags([]) },
  { of: '61', name: 'more than there are', send: `GET ${TAGS}?n=10000`, ...tags(ALL) },
  { of: '61', name: 'the address of the client is kept', send: `GET ${TAGS}?n=1&ns=reg.home`, ...tags(['B'], `${TAGS}?last=B&n=1&ns=reg.home`) },
  { of: '61', name: 'by HEAD', send: `HEAD ${TAGS}`, status: 200, has: { 'content-length': String(JSON.stringify({ name: 'team/app', tags: ALL }).length) } },
  { of: '61', name: 'a repository that has none', send: 'GET /v2/team/emptied/tags/list', status: 200, text: '{"name":"team/emptied","tags":[]}' },
  { of: '61', name: 'a repository that is not there', send: 'GET /v2/nobody/knows/tags/list', status: 404, code: 'NAME_UNKNOWN' },
  { of: '61', name: 'none of a repository that is not there', send: 'GET /v2/nobody/knows/tags/list?n=0', status: 404, code: 'NAME_UNKNOWN' },
  { of: 'T3', name: 'a negative number', send: `GET ${TAGS}?n=-1`, ...badPage },
  { of: 'T3', name: 'no number', send: `GET ${TAGS}?n=abc`, ...badPage },
  { of: 'T3', name: 'nothing', send: `GET ${TAGS}?n=`, ...badPage },
  { of: 'T3', name: 'a fraction', send: `GET ${TAGS}?n=1.5`, ...badPage },
  { of: 'T3', name: 'a thousand million', send: `GET ${TAGS}?n=1000000000`, ...tags(ALL) },
  { of: 'T3', name: 'two to the 63rd', send: `GET ${TAGS}?n=9223372036854775808`, ...tags(ALL) },
])

// biome-ignore format: one case a line
table('pages that the operator made smaller', { options: { limits: { tags: 3, repositories: 2 } }, prepare }, [
  { of: '1.8', name: 'tags: whoever asks for more gets so many, and where to go on', send: `GET ${TAGS}?n=1000`, ...tags(ALL.slice(0, 3), `${TAGS}?last=b-1&n=3`) },
  { of: '1.8', name: 'tags: whoever asks for fewer gets those', send: `GET ${TAGS}?n=1`, ...tags(['B'], `${TAGS}?last=B&n=1`) },
  { of: '1.8', name: 'tags: whoever gives no number gets all of them', send: `GET ${TAGS}`, ...tags(ALL) },
  { of: '1.9', name: 'catalog: whoever asks for more gets so many, and where to go on', send: `GET ${CATALOG}?n=1000`, ...repositories(['alone', 'team/app'], `${CATALOG}?last=team%2Fapp&n=2`) },
  { of: '1.9', name: 'catalog: whoever gives no number gets no more either', send: `GET ${CATALOG}`, ...repositories(['alone', 'team/app'], `${CATALOG}?last=team%2Fapp`) },
])

// biome-ignore format: one case a line
table('catalog', { prepare }, [
  { of: '1.9', name: 'all repositories, in order', send: `GET ${CATALOG}`, ...repositories(['alone', 'team/app', 'team/emptied']) },
  { of: '1.9', name: 'the first', send: `GET ${CATALOG}?n=2`, ...repositories(['alone', 'team/app'], `${CATALOG}?last=team%2Fapp&n=2`) },
  { of: '1.9', name: 'the rest', send: `GET ${CATALOG}?last=team%2Fapp&n=2`, ...repositories(['team/emptied']) },
  { of: '1.9', name: 'none', send: `GET ${CATALOG}?n=0`, ...repositories([]) },
  { of: 'T3', name: 'a negative number', send: `GET ${CATALOG}?n=-1`, ...badPage },
  { of: 'T3', name: 'no number', send: `GET ${CATALOG}?n=abc`, ...badPage },
  { of: 'T3', name: 'two to the 63rd', send: `GET ${CATALOG}?n=9223372036854775808`, ...repositories(['alone', 'team/app', 'team/emptied']) },
])

script(
  '61',
  'a page is never larger than a thousand tags, and the link leads to the rest',
  async ({ request, push, rules }) => {
    await push('team/app', IMAGE)
    const names = Array.from({ length: 1_005 }, (_, position) => `v${String(position).padStart(5, '0')}`)
    await rules.registry.putManifest('team/app', {
      ...{ reference: IMAGE.manifest.digest, tags: names, bytes: IMAGE.manifest.bytes },
      contentType: IMAGE.manifest.mediaType,
    })
    const first = await request(`GET ${TAGS}?n=10000`)
    const link = `${TAGS}?last=v00999&n=1000`
    assertAnswer(first, tags(names.slice(0, 1000), link))
    assertAnswer(await request(`GET ${link}`), tags(names.slice(1000)))
    assertAnswer(await request(`GET ${TAGS}`), tags(names))
  },
)

script(
  '1.9',
  'without a number the catalog comes by the hundred, and a page is full of what the caller may see',
  async ({ request, rules }) => {
    const { catalog } = rules
    const pushed = await rules.push('other/0', 'shared')
    const names = Array.from({ length: 150 }, (_, position) => `team/${String(position).padStart(3, '0')}`)
    await Promise.all(
      names.flatMap((name) =>
        [name, name.replace('team', 'hidden')].map((repository) =>
          catalog.write('commitBlob', { repository, digest: pushed, size: 6 }),
        ),
      ),
    )
    const first = await request(`GET ${CATALOG}`, { as: 'ann' })
    const link = `${CATALOG}?last=team%2F099`
    assertAnswer(first, repositories(names.slice(0, 100), link))
    assertAnswer(await request(`GET ${link}`, { as: 'ann' }), repositories(names.slice(100)))
    assert.equal((await request(`GET ${CATALOG}`)).status, 401)
  },
  { users: { ann: (_action, repository) => repository.startsWith('team/') } },
)
