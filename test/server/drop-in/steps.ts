import { digestOf } from '../../helpers/digest-of.ts'
import { descriptorOf, type Image, jsonContent, makeArtifact, makeImage, makeIndex } from '../../helpers/images.ts'
import { seededBytes } from '../../helpers/seeded-bytes.ts'
import type { Step } from './step.ts'

const AMD64 = { os: 'linux', architecture: 'amd64' }
const OCI = makeImage('drop-in oci', { platform: AMD64 })
const DOCKER = makeImage('drop-in docker', { platform: AMD64, format: 'docker' })
const INDEX = makeIndex([makeImage('drop-in child', { platform: AMD64 })])
const LIST = makeIndex([makeImage('drop-in listed', { platform: AMD64, format: 'docker' })], { format: 'docker' })
const SIGNATURE = makeArtifact('drop-in signature', { subject: OCI })
const BYTES = seededBytes('drop-in blob', 4096)
const BLOB = digestOf(BYTES)
const EMPTY = digestOf(Buffer.alloc(0))
const SHA512 = digestOf(BYTES, 'sha512')
const ABSENT = `sha256:${'0'.repeat(64)}`
const OCTETS = { 'content-type': 'application/octet-stream' }
const ACCEPT_ALL = {
  accept: [
    ...['manifest.v1', 'index.v1'].map((kind) => `application/vnd.oci.image.${kind}+json`),
    ...['manifest.v2', 'manifest.list.v2'].map((kind) => `application/vnd.docker.distribution.${kind}+json`),
  ].join(', '),
}

/** THE table: what is sent to both, in this order. Later steps stand on what earlier ones left. */
export const STEPS: readonly Step[] = [
  ...pings(),
  ...uploads(),
  ...blobs(),
  ...mounts(),
  ...manifests(),
  ...listings(),
  ...deletions(),
  ...elsewhere(),
]

/** The same for a server whose `storage.delete.enabled` is off. */
export const STEPS_WITHOUT_DELETES: readonly Step[] = [
  { name: 'deletes off: begin an upload', method: 'POST', path: '/v2/a/b/blobs/uploads/', keep: 'off' },
  {
    name: 'deletes off: finish it',
    method: 'PUT',
    path: ({ at }) => at('off', { digest: BLOB }),
    body: BYTES,
    headers: OCTETS,
  },
  { name: 'deletes off: a blob', method: 'DELETE', path: `/v2/a/b/blobs/${BLOB}` },
  { name: 'deletes off: a manifest', method: 'DELETE', path: `/v2/a/b/manifests/${OCI.manifest.digest}` },
  { name: 'deletes off: a tag', method: 'DELETE', path: '/v2/a/b/manifests/v1' },
  { name: 'deletes off: begin another upload', method: 'POST', path: '/v2/a/b/blobs/uploads/', keep: 'other' },
  { name: 'deletes off: cancel an upload', method: 'DELETE', path: ({ at }) => at('other') },
]

function pings(): Step[] {
  return [
    { name: 'ping: GET', method: 'GET', path: '/v2/' },
    { name: 'ping: HEAD', method: 'HEAD', path: '/v2/' },
    { name: 'ping: without its slash', method: 'GET', path: '/v2' },
    { name: 'ping: without a password', method: 'GET', path: '/v2/', as: 'nobody' },
    { name: 'ping: with a wrong password', method: 'GET', path: '/v2/', as: 'wrong' },
    { name: 'ping: with an unknown user', method: 'GET', path: '/v2/', as: 'unknown' },
    { name: 'ping: with another scheme', method: 'GET', path: '/v2/', headers: { authorization: 'Bearer x' } },
    { name: 'ping: with half a Basic', method: 'GET', path: '/v2/', headers: { authorization: 'Basic !' } },
    { name: 'ping: POST', method: 'POST', path: '/v2/' },
    { name: 'ping: OPTIONS', method: 'OPTIONS', path: '/v2/' },
    { name: 'ping: OPTIONS without a password', method: 'OPTIONS', path: '/v2/', as: 'nobody' },
    { name: 'ping: OPTIONS of the catalog without a password', method: 'OPTIONS', path: '/v2/_catalog', as: 'nobody' },
    { name: 'root: GET', method: 'GET', path: '/', as: 'nobody' },
    { name: 'root: HEAD', method: 'HEAD', path: '/', as: 'nobody' },
  ]
}

function uploads(): Step[] {
  const begin = (name: string, keep: string): Step => {
    return { name: `upload: ${name}`, method: 'POST', path: '/v2/a/b/blobs/uploads/', keep }
  }
  const half = BYTES.subarray(0, 2048)
  const rest = BYTES.subarray(2048)
  const [chunks, bad] = [digestOf(seededBytes('other', 9)), 'sha256:zz']
  return [
    { name: 'upload: begin without a password', method: 'POST', path: '/v2/a/b/blobs/uploads/', as: 'nobody' },
    { name: 'upload: begin with a wrong one', method: 'POST', path: '/v2/a/b/blobs/uploads/', as: 'wrong' },
    { name: 'upload: begin without the slash', method: 'POST', path: '/v2/a/b/blobs/uploads' },
    { name: 'upload: begin by GET', method: 'GET', path: '/v2/a/b/blobs/uploads/' },
    { name: 'upload: begin by PUT', method: 'PUT', path: '/v2/a/b/blobs/uploads/', body: BYTES, headers: OCTETS },
    { name: 'upload: begin in a name that is none', method: 'POST', path: '/v2/A/b/blobs/uploads/' },
    begin('begin', 'one'),
    { name: 'upload: ask a new one', method: 'GET', path: ({ at }) => at('one') },
    { name: 'upload: ask by HEAD', method: 'HEAD', path: ({ at }) => at('one') },
    { name: 'upload: ask without a password', method: 'GET', path: ({ at }) => at('one'), as: 'nobody' },
    { ...patch('stream half', 'one', half), chunked: true, keep: 'one' },
    { name: 'upload: ask how far it is', method: 'GET', path: ({ at }) => at('one'), keep: 'one' },
    { ...patch('stream the rest', 'one', rest), chunked: true, keep: 'one' },
    { name: 'upload: finish what was streamed', method: 'PUT', path: ({ at }) => at('one', { digest: BLOB }) },
    { name: 'upload: ask one that is over', method: 'GET', path: ({ at }) => at('one') },
    { name: 'upload: finish one that is over', method: 'PUT', path: ({ at }) => at('one', { digest: BLOB }) },
    begin('begin one of chunks', 'chunks'),
    { ...patch('first chunk', 'chunks', half, '0-2047'), keep: 'chunks' },
    patch('a chunk out of order', 'chunks', half, '4096-6143'),
    { ...patch('last chunk', 'chunks', rest, '2048-4095'), keep: 'chunks' },
    { name: 'upload: finish the chunks', method: 'PUT', path: ({ at }) => at('chunks', { digest: BLOB }) },
    begin('begin a monolithic one', 'mono'),
    {
      name: 'upload: finish in one',
      method: 'PUT',
      path: ({ at }) => at('mono', { digest: BLOB }),
      body: BYTES,
      headers: OCTETS,
    },
    {
      name: 'upload: in one POST',
      method: 'POST',
      path: `/v2/a/b/blobs/uploads/?digest=${BLOB}`,
      body: BYTES,
      headers: OCTETS,
    },
    begin('begin one of no bytes', 'empty'),
    {
      name: 'upload: finish with no bytes',
      method: 'PUT',
      path: ({ at }) => at('empty', { digest: EMPTY }),
      body: '',
      headers: OCTETS,
    },
    begin('begin one with another digest', 'other'),
    {
      name: 'upload: finish with the digest of others',
      method: 'PUT',
      path: ({ at }) => at('other', { digest: chunks }),
      body: BYTES,
      headers: OCTETS,
    },
    { name: 'upload: ask after that', method: 'GET', path: ({ at }) => at('other') },
    begin('begin one for a digest that is none', 'none'),
    {
      name: 'upload: finish with a digest that is none',
      method: 'PUT',
      path: ({ at }) => at('none', { digest: bad }),
      body: BYTES,
      headers: OCTETS,
    },
    {
      name: 'upload: finish without a digest',
      method: 'PUT',
      path: ({ at }) => at('none'),
      body: BYTES,
      headers: OCTETS,
    },
    begin('begin one of sha512', 'long'),
    {
      name: 'upload: finish with sha512',
      method: 'PUT',
      path: ({ at }) => at('long', { digest: SHA512 }),
      body: BYTES,
      headers: OCTETS,
    },
    begin('begin one with another type', 'typed'),
    {
      name: 'upload: send with another type',
      method: 'PATCH',
      path: ({ at }) => at('typed'),
      body: half,
      headers: { 'content-type': 'text/plain' },
      keep: 'typed',
    },
    {
      name: 'upload: send without a password',
      method: 'PATCH',
      path: ({ at }) => at('typed'),
      body: half,
      headers: OCTETS,
      as: 'nobody',
    },
    { name: 'upload: cancel', method: 'DELETE', path: ({ at }) => at('typed') },
    { name: 'upload: ask what was cancelled', method: 'GET', path: ({ at }) => at('typed') },
    { name: 'upload: cancel what was cancelled', method: 'DELETE', path: ({ at }) => at('typed') },
    {
      name: 'upload: ask one that never was',
      method: 'GET',
      path: '/v2/a/b/blobs/uploads/8f6a6a52-9f4e-4f0b-8b5e-2f7d0a1c3b4d',
    },
    {
      name: 'upload: send to one that never was',
      method: 'PATCH',
      path: '/v2/a/b/blobs/uploads/8f6a6a52-9f4e-4f0b-8b5e-2f7d0a1c3b4d',
      body: half,
      headers: OCTETS,
    },
    {
      name: 'upload: finish one that never was',
      method: 'PUT',
      path: `/v2/a/b/blobs/uploads/8f6a6a52-9f4e-4f0b-8b5e-2f7d0a1c3b4d?digest=${BLOB}`,
      body: half,
      headers: OCTETS,
    },
    {
      name: 'upload: cancel one that never was',
      method: 'DELETE',
      path: '/v2/a/b/blobs/uploads/8f6a6a52-9f4e-4f0b-8b5e-2f7d0a1c3b4d',
    },
    {
      name: 'upload: POST to a session',
      method: 'POST',
      path: '/v2/a/b/blobs/uploads/8f6a6a52-9f4e-4f0b-8b5e-2f7d0a1c3b4d',
    },
  ]
}

function patch(name: string, session: string, body: Uint8Array, range?: string): Step {
  const headers = { ...OCTETS, ...(range !== undefined && { 'content-range': range }) }
  return { name: `upload: ${name}`, method: 'PATCH', path: ({ at }) => at(session), body, headers }
}

function blobs(): Step[] {
  const path = `/v2/a/b/blobs/${BLOB}`
  const get = (name: string, headers: Readonly<Record<string, string>>): Step => {
    return { name: `blob: ${name}`, method: 'GET', path, headers }
  }
  return [
    { name: 'blob: GET', method: 'GET', path },
    { name: 'blob: HEAD', method: 'HEAD', path },
    { name: 'blob: without a password', method: 'GET', path, as: 'nobody' },
    { name: 'blob: HEAD without a password', method: 'HEAD', path, as: 'nobody' },
    get('first bytes', { range: 'bytes=0-9' }),
    get('last bytes', { range: 'bytes=-10' }),
    get('from the middle on', { range: 'bytes=4000-' }),
    get('a range past the end', { range: 'bytes=9000-9001' }),
    get('a range that is none', { range: 'bytes=x' }),
    get('a range of another unit', { range: 'lines=0-1' }),
    get('that it has, quoted', { 'if-none-match': `"${BLOB}"` }),
    get('that it has, not quoted', { 'if-none-match': BLOB }),
    get('that it has not', { 'if-none-match': `"${ABSENT}"` }),
    { name: 'blob: with the colon encoded', method: 'GET', path: path.replace('sha256:', 'sha256%3A') },
    { name: 'blob: of no bytes', method: 'GET', path: `/v2/a/b/blobs/${EMPTY}` },
    { name: 'blob: by its sha512', method: 'GET', path: `/v2/a/b/blobs/${SHA512}` },
    { name: 'blob: that is not there', method: 'GET', path: `/v2/a/b/blobs/${ABSENT}` },
    { name: 'blob: HEAD of what is not there', method: 'HEAD', path: `/v2/a/b/blobs/${ABSENT}` },
    { name: 'blob: of another repository', method: 'GET', path: `/v2/c/d/blobs/${BLOB}` },
    { name: 'blob: in a name that is none', method: 'GET', path: `/v2/A/blobs/${BLOB}` },
    { name: 'blob: by a digest that is none', method: 'GET', path: '/v2/a/b/blobs/sha256:abc' },
    {
      name: 'blob: by upper case',
      method: 'GET',
      path: `/v2/a/b/blobs/${BLOB.replace(/:.*/, (hex) => hex.toUpperCase())}`,
    },
    { name: 'blob: by an unknown algorithm', method: 'GET', path: `/v2/a/b/blobs/sha384:${'0'.repeat(96)}` },
    { name: 'blob: PUT', method: 'PUT', path, body: BYTES, headers: OCTETS },
    { name: 'blob: POST', method: 'POST', path },
    { name: 'blob: OPTIONS', method: 'OPTIONS', path },
  ]
}

function mounts(): Step[] {
  const mount = (name: string, query: string, keep?: string): Step => {
    const path = `/v2/c/d/blobs/uploads/?${query}`
    return { name: `mount: ${name}`, method: 'POST', path, ...(keep !== undefined && { keep }) }
  }
  return [
    mount('from where it is', `mount=${BLOB}&from=a/b`),
    { name: 'mount: it is there now', method: 'HEAD', path: `/v2/c/d/blobs/${BLOB}` },
    mount('of what is there already', `mount=${BLOB}&from=a/b`),
    mount('from where it is not', `mount=${ABSENT}&from=a/b`, 'declined'),
    { name: 'mount: cancel the upload instead', method: 'DELETE', path: ({ at }) => at('declined') },
    mount('from a repository that is not', `mount=${BLOB}&from=no/body`),
    mount('without saying from where', `mount=${BLOB}`),
    mount('of a digest that is none', 'mount=sha256:abc&from=a/b'),
    mount('from a name that is none', `mount=${BLOB}&from=A`),
  ]
}

function manifests(): Step[] {
  const PATH = '/v2/a/b/manifests'
  const put = (name: string, reference: string, image: Image, headers: Record<string, string> = {}): Step => {
    const { bytes, mediaType } = image.manifest
    return {
      name: `manifest: ${name}`,
      method: 'PUT',
      path: `${PATH}/${reference}`,
      body: bytes,
      headers: { 'content-type': mediaType, ...headers },
    }
  }
  const get = (name: string, reference: string, headers: Record<string, string> = ACCEPT_ALL): Step => {
    return { name: `manifest: ${name}`, method: 'GET', path: `${PATH}/${reference}`, headers }
  }
  const text = (name: string, body: string, type = OCI.manifest.mediaType, reference = 'bad'): Step => {
    return {
      name: `manifest: ${name}`,
      method: 'PUT',
      path: `${PATH}/${reference}`,
      body,
      headers: { 'content-type': type },
    }
  }
  const { digest } = OCI.manifest
  const foreign = {
    ...JSON.parse(OCI.manifest.bytes.toString()),
    layers: [
      {
        mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
        digest: ABSENT,
        size: 9,
        urls: ['https://layers.example/x'],
      },
    ],
  }
  return [
    put('whose blobs are missing', 'v0', OCI),
    ...[OCI, DOCKER, ...INDEX.children, ...LIST.children, SIGNATURE].flatMap((image) => contents(image)),
    text(
      'of an unknown type',
      '{ "mediaType": "application/vnd.example.thing+json" }',
      'application/vnd.example.thing+json',
      'v1',
    ),
    put('OCI image, by tag', 'v1', OCI),
    put('OCI image, again', 'v1', OCI),
    put('OCI image, by digest', digest, OCI),
    put('by the digest of another', ABSENT, OCI),
    put('Docker image', 'docker', DOCKER),
    put('index whose image is missing', 'index', INDEX),
    put('child of the index', INDEX.children[0]?.manifest.digest ?? '', INDEX.children[0] ?? INDEX),
    put('index', 'index', INDEX),
    put('child of the list', LIST.children[0]?.manifest.digest ?? '', LIST.children[0] ?? LIST),
    put('list', 'list', LIST),
    put('signature of another', SIGNATURE.manifest.digest, SIGNATURE),
    put('without a type', 'v1', OCI, { 'content-type': '' }),
    put('with a type that it denies', 'v1', OCI, { 'content-type': DOCKER.manifest.mediaType }),
    put('with a type with a parameter', 'v1', OCI, { 'content-type': `${OCI.manifest.mediaType}; charset=utf-8` }),
    put('to a tag that is none', '-bad', OCI),
    put('to a tag that is too long', 'x'.repeat(129), OCI),
    put('to a digest that is none', 'sha256:abc', OCI),
    { ...put('PUT without a password', 'v1', OCI), as: 'nobody' },
    { ...put('PUT with a wrong password', 'v1', OCI), as: 'wrong' },
    { ...put('in a name that is none', 'v1', OCI), path: '/v2/A/manifests/v1' },
    text('that is no JSON', 'no json'),
    text('of nothing', ''),
    text('that is a list', '[]'),
    text(
      'of schema 1',
      JSON.stringify({ schemaVersion: 1, name: 'a/b', tag: 'bad', fsLayers: [], history: [] }),
      'application/vnd.docker.distribution.manifest.v1+json',
    ),
    text(
      'of more than 4 MiB',
      JSON.stringify({ ...JSON.parse(OCI.manifest.bytes.toString()), annotations: { much: 'x'.repeat(4 << 20) } }),
    ),
    text('whose layer is elsewhere', jsonContent(foreign).bytes.toString(), OCI.manifest.mediaType, 'foreign'),
    get('GET by tag', 'v1'),
    { ...get('HEAD by tag', 'v1'), method: 'HEAD' },
    get('GET by digest', digest),
    { ...get('HEAD by digest', digest), method: 'HEAD' },
    get('GET by tag, anything will do', 'v1', { accept: '*/*' }),
    get('GET by tag, nothing asked for', 'v1', {}),
    get('GET of an OCI image for one who knows Docker only', 'v1', { accept: DOCKER.manifest.mediaType }),
    get('GET of a Docker image for one who knows OCI only', 'docker', { accept: OCI.manifest.mediaType }),
    get('GET of a list for one who knows images only', 'list', { accept: DOCKER.manifest.mediaType }),
    get('GET of an index for one who knows images only', 'index', { accept: OCI.manifest.mediaType }),
    get('GET of a Docker image', 'docker'),
    get('GET of an index', 'index'),
    get('GET of a list', 'list'),
    get('that it has', 'v1', { ...ACCEPT_ALL, 'if-none-match': `"${digest}"` }),
    get('that it has, not quoted', 'v1', { ...ACCEPT_ALL, 'if-none-match': digest }),
    get('that it has, by a weak tag', 'v1', { ...ACCEPT_ALL, 'if-none-match': `W/"${digest}"` }),
    get('a range of it', 'v1', { ...ACCEPT_ALL, range: 'bytes=0-9' }),
    get('by a tag that is not there', 'no-such-tag'),
    { ...get('HEAD of a tag that is not there', 'no-such-tag'), method: 'HEAD' },
    get('by a digest that is not there', ABSENT),
    get('by a digest that is none', 'sha256:abc'),
    get('by a tag that is none', '-bad'),
    get('by the digest of a blob', BLOB),
    { ...get('of a repository that is not there', 'v1'), path: '/v2/no/body/manifests/v1' },
    { ...get('without a password', 'v1'), as: 'nobody' },
    { ...get('POST', 'v1'), method: 'POST' },
    { ...get('as a blob', 'v1'), name: 'manifest: as a blob', path: `/v2/a/b/blobs/${digest}` },
  ]
}

/** Pushes what an image is made of. */
function contents(image: Image): Step[] {
  return [...image.blobs].flatMap(([digest, body], index): Step[] => {
    const name = `upload: blob ${index} of ${image.manifest.digest.slice(7, 13)}`
    const keep = `contents ${digest}`
    return [
      { name: `${name}, begin`, method: 'POST', path: '/v2/a/b/blobs/uploads/', keep },
      { name, method: 'PUT', path: ({ at }) => at(keep, { digest }), body, headers: OCTETS },
    ]
  })
}

function listings(): Step[] {
  const get = (name: string, path: string): Step => ({ name: `list: ${name}`, method: 'GET', path })
  return [
    get('tags', '/v2/a/b/tags/list'),
    { ...get('tags by HEAD', '/v2/a/b/tags/list'), method: 'HEAD' },
    get('two tags', '/v2/a/b/tags/list?n=2'),
    get('two tags after one', '/v2/a/b/tags/list?n=2&last=docker'),
    get('tags after one', '/v2/a/b/tags/list?last=index'),
    get('no tags', '/v2/a/b/tags/list?n=0'),
    get('a thousand tags', '/v2/a/b/tags/list?n=1000'),
    get('too many tags', '/v2/a/b/tags/list?n=100000'),
    get('less than no tags', '/v2/a/b/tags/list?n=-1'),
    get('tags, how many is no number', '/v2/a/b/tags/list?n=x'),
    get('tags of a repository without', '/v2/c/d/tags/list'),
    get('tags of a repository that is not there', '/v2/no/body/tags/list'),
    get('tags in a name that is none', '/v2/A/tags/list'),
    { ...get('tags without a password', '/v2/a/b/tags/list'), as: 'nobody' },
    { ...get('tags by POST', '/v2/a/b/tags/list'), method: 'POST' },
    get('repositories', '/v2/_catalog'),
    { ...get('repositories by HEAD', '/v2/_catalog'), method: 'HEAD' },
    get('one repository', '/v2/_catalog?n=1'),
    get('one repository after another', '/v2/_catalog?n=1&last=a/b'),
    get('repositories after the last', '/v2/_catalog?last=zzz'),
    get('no repositories', '/v2/_catalog?n=0'),
    get('too many repositories', '/v2/_catalog?n=100000'),
    get('less than no repositories', '/v2/_catalog?n=-1'),
    get('repositories, how many is no number', '/v2/_catalog?n=x'),
    { ...get('repositories without a password', '/v2/_catalog'), as: 'nobody' },
    { ...get('repositories by DELETE', '/v2/_catalog'), method: 'DELETE' },
    get('referrers', `/v2/a/b/referrers/${OCI.manifest.digest}`),
    get('referrers of a digest that is none', '/v2/a/b/referrers/sha256:abc'),
  ]
}

function deletions(): Step[] {
  const remove = (name: string, path: string, as?: 'nobody'): Step => {
    return { name: `delete: ${name}`, method: 'DELETE', path, ...(as && { as }) }
  }
  const { digest } = DOCKER.manifest
  return [
    remove('a manifest without a password', `/v2/a/b/manifests/${digest}`, 'nobody'),
    remove('a manifest', `/v2/a/b/manifests/${digest}`),
    remove('a manifest again', `/v2/a/b/manifests/${digest}`),
    { name: 'delete: its tag is gone', method: 'GET', path: '/v2/a/b/manifests/docker', headers: ACCEPT_ALL },
    remove('a manifest that never was', `/v2/a/b/manifests/${ABSENT}`),
    remove('a manifest of a repository that is not there', `/v2/no/body/manifests/${digest}`),
    remove('a tag', '/v2/a/b/manifests/list'),
    { name: 'delete: the tag after that', method: 'GET', path: '/v2/a/b/manifests/list', headers: ACCEPT_ALL },
    remove('a tag that is not there', '/v2/a/b/manifests/no-such-tag'),
    remove('by a digest that is none', '/v2/a/b/manifests/sha256:abc'),
    remove('a blob without a password', `/v2/c/d/blobs/${BLOB}`, 'nobody'),
    remove('a blob', `/v2/c/d/blobs/${BLOB}`),
    { name: 'delete: the blob is gone', method: 'HEAD', path: `/v2/c/d/blobs/${BLOB}` },
    { name: 'delete: but not elsewhere', method: 'HEAD', path: `/v2/a/b/blobs/${BLOB}` },
    remove('a blob again', `/v2/c/d/blobs/${BLOB}`),
    remove('a blob that never was', `/v2/a/b/blobs/${ABSENT}`),
    remove('a blob by a digest that is none', '/v2/a/b/blobs/sha256:abc'),
    remove('all tags', '/v2/a/b/tags/list'),
  ]
}

function elsewhere(): Step[] {
  const get = (name: string, path: string): Step => ({ name: `elsewhere: ${name}`, method: 'GET', path })
  return [
    get('no route', '/v2/a/b'),
    get('no route, deeper', '/v2/a/b/what/is/this'),
    get('outside the API', '/hello'),
    get('version 1', '/v1/_ping'),
    get('two slashes', '/v2//a/b/tags/list'),
    get('a dot segment', '/v2/a/../a/b/tags/list'),
    get('an encoded slash', '/v2/a%2Fb/tags/list'),
    get('an encoded letter', '/v2/%61/b/tags/list'),
    get('a slash at the end', '/v2/a/b/tags/list/'),
    { ...get('no route, without a password', '/v2/a/b'), as: 'nobody' },
    get('extensions', '/v2/_oci/ext/discover'),
    get('a name that is too long', `/v2/${'a/'.repeat(130)}a/tags/list`),
    get('a name with a keyword in it', '/v2/blobs/manifests/tags/list'),
    get('a descriptor of nothing', `/v2/a/b/blobs/${descriptorOf(OCI.manifest).digest}x`),
  ]
}
