import type { Digest } from '../../src/oci/digest.ts'
import type { FakeCdn } from './fake-cdn.ts'
import type { FakeTokenServer } from './fake-token-server.ts'
import type { Content, Image } from './images.ts'
import { type RangeLie, rangeReply } from './range-reply.ts'
import { type RequestHead, urlOf } from './request-head.ts'
import { jsonReply, type Reply, registryError } from './scripted-reply.ts'
import { type ScriptedOptions, ScriptedServer } from './scripted-server.ts'

export interface UpstreamOptions extends ScriptedOptions {
  /** By `repository:tag`. */
  readonly images?: Readonly<Record<string, Image>>
  /** Who may ask: who has a token of this server, or this user. Default: everybody. */
  readonly auth?: FakeTokenServer | { readonly user: string; readonly password: string }
  /** Where blobs are. Default: here. */
  readonly cdn?: FakeCdn
  /** `none`: 404 to every question, as registry:2 and ghcr.io. Default: `api`. */
  readonly referrers?: 'api' | 'none'
  /** Headers of every answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** Most tags of a page, and how its `Link` is written. */
  readonly tagsPerPage?: number
  readonly absoluteLinks?: boolean
}

/**
 * A registry that holds what the test puts there, and misbehaves as it is told (`ScriptedServer`). What it holds may be
 * asked for; a HEAD of a blob, a push, an `ns`, and what it does not hold may not, and fail the test.
 *
 *     await using upstream = await startFakeUpstream({ images: { 'library/a:1': makeImage('a') } })
 *     upstream.next('blob', { at: 400 }, FAULTS.badGateway)      // kinds: ping manifest blob tags referrers
 *     upstream.next('HEAD manifest', tooMany('60'))
 *     upstream.put('library/a:1', makeImage('b'))                // the tag moves
 *     upstream.remove('library/a:1')                             // and goes: 404 MANIFEST_UNKNOWN
 *     assert.equal(upstream.count('GET blob'), 1)
 */
export async function startFakeUpstream(options: UpstreamOptions = {}): Promise<FakeUpstream> {
  const upstream = new FakeUpstream(options)
  await upstream.open(options)
  return upstream
}

interface Repository {
  readonly tags: Map<string, Digest>
  readonly manifests: Map<Digest, Content>
  readonly blobs: Map<Digest, Uint8Array>
  /** Tags and digests that were here. */
  readonly gone: Set<string>
}

type Kind = 'ping' | 'manifest' | 'blob' | 'tags' | 'referrers'

interface Asked {
  readonly kind: Kind
  readonly name: string
  readonly reference: string
}

export class FakeUpstream extends ScriptedServer {
  rangeLie: RangeLie | undefined
  referrers: 'api' | 'none' = 'api'
  readonly #repositories = new Map<string, Repository>()
  #options: UpstreamOptions = {}

  constructor(options: UpstreamOptions = {}) {
    super()
    this.become(options)
  }

  /** Holds and does from now on what these say, beside what it holds. How it listens stays as it was. */
  become(options: UpstreamOptions): void {
    this.#options = options
    this.referrers = options.referrers ?? 'api'
    for (const [name, image] of Object.entries(options.images ?? {})) this.put(name, image)
  }

  /** `repository:tag`, or a repository alone for what has no tag. A tag that was there moves. */
  put(name: string, image: Image): void {
    const [, repository = '', tag] = /^(.+?)(?::([^:/]+))?$/.exec(name) ?? []
    const held = this.#repositories.get(repository) ?? emptyRepository()
    this.#repositories.set(repository, held)
    for (const { manifest, blobs } of everyImage(image)) {
      held.manifests.set(manifest.digest, manifest)
      held.gone.delete(manifest.digest)
      for (const [digest, bytes] of blobs) held.blobs.set(digest, bytes)
    }
    if (tag === undefined) return
    held.tags.set(tag, image.manifest.digest)
    held.gone.delete(tag)
  }

  /** A blob that no manifest names. */
  putBlob(repository: string, { digest, bytes }: Pick<Content, 'digest' | 'bytes'>): void {
    const held = this.#repositories.get(repository) ?? emptyRepository()
    this.#repositories.set(repository, held)
    held.blobs.set(digest, bytes)
  }

  /** A tag, or a manifest by `repository@digest`. Both may be asked for after, and are 404 in the registry's words. */
  remove(name: string): void {
    const [, repository = '', reference = ''] = /^(.+?)[:@](.+)$/.exec(name) ?? []
    const held = this.#repositories.get(repository)
    if (!held) throw new Error(`Nothing of ${name} is here`)
    held.tags.delete(reference)
    held.manifests.delete(reference as Digest)
    held.gone.add(reference)
  }

  protected override kindOf(request: RequestHead): Kind | undefined {
    return askedBy(request)?.kind
  }

  protected override answer(request: RequestHead): Reply | undefined {
    const asked = askedBy(request)
    if (asked === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return undefined
    const refused = this.#refusal(request, asked)
    const reply = refused ?? this.#content(request, asked)
    const { headers } = this.#options
    return (
      reply && {
        ...reply,
        headers: { 'docker-distribution-api-version': 'registry/2.0', ...reply.headers, ...headers },
      }
    )
  }

  protected override missing(request: RequestHead): Reply {
    const codes = { manifest: 'MANIFEST_UNKNOWN', blob: 'BLOB_UNKNOWN', tags: 'NAME_UNKNOWN' } as const
    const kind = askedBy(request)?.kind
    return kind === undefined || !(kind in codes)
      ? super.missing(request)
      : registryError(404, codes[kind as keyof typeof codes])
  }

  #refusal({ headers: { authorization } }: RequestHead, { kind, name }: Asked): Reply | undefined {
    const { auth } = this.#options
    if (auth === undefined) return undefined
    if ('user' in auth) {
      const basic = `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}`
      if (authorization === basic) return undefined
      return registryError(401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="fake upstream"' })
    }
    const scope = `repository:${name}:pull`
    if (kind === 'ping' ? authorization !== undefined : auth.accepts(authorization, scope)) return undefined
    const asks = kind === 'ping' ? 'repository:user/image:pull' : scope
    return registryError(401, 'UNAUTHORIZED', { 'www-authenticate': auth.challengeFor(asks) })
  }

  #content(request: RequestHead, { kind, name, reference }: Asked): Reply | undefined {
    if (kind === 'ping') return jsonReply(200, {})
    const held = this.#repositories.get(name)
    if (held === undefined) return undefined
    if (kind === 'manifest') {
      // Who has no such interface is asked for the tag instead.
      const isFallback = this.referrers === 'none' && /^sha(256|512)-[0-9a-f]{32,64}$/.test(reference)
      return manifestOf(held, reference) ?? (isFallback ? this.missing(request) : undefined)
    }
    if (kind === 'tags') return this.#tags(request, name, [...held.tags.keys()])
    if (kind === 'referrers') return this.#referrersOf(held, reference)
    return this.#blob(request, held, reference as Digest)
  }

  #blob(request: RequestHead, held: Repository, digest: Digest): Reply | undefined {
    const bytes = held.blobs.get(digest)
    if (bytes === undefined || request.method !== 'GET') return undefined
    const { cdn } = this.#options
    if (cdn) return { status: 307, headers: { location: cdn.sign(digest, bytes) }, body: Buffer.alloc(0) }
    const headers = { 'content-type': 'application/octet-stream', 'docker-content-digest': digest }
    return rangeReply(request, bytes, { headers, etag: `"${digest}"`, lie: this.rangeLie })
  }

  #tags(request: RequestHead, name: string, all: readonly string[]): Reply {
    const { searchParams } = urlOf(request)
    const { tagsPerPage = 1000, absoluteLinks = false } = this.#options
    const size = Math.min(tagsPerPage, Number(searchParams.get('n') ?? tagsPerPage))
    const last = searchParams.get('last')
    const start = last === null ? 0 : all.indexOf(last) + 1
    const tags = all.slice(start, start + size)
    const next = `/v2/${name}/tags/list?n=${size}&last=${encodeURIComponent(tags.at(-1) ?? '')}`
    const link = `<${absoluteLinks ? this.url : ''}${next}>; rel="next"`
    return jsonReply(200, { name, tags }, start + size < all.length ? { link } : {})
  }

  #referrersOf(held: Repository, subject: string): Reply {
    const plain = { 'content-type': 'text/plain; charset=utf-8' }
    if (this.referrers === 'none') return { status: 404, headers: plain, body: Buffer.from('404 page not found\n') }
    const mediaType = 'application/vnd.oci.image.index.v1+json'
    const manifests = [...held.manifests.values()].flatMap((content) => referrerOf(content, subject))
    return jsonReply(200, { schemaVersion: 2, mediaType, manifests }, { 'content-type': mediaType })
  }
}

function emptyRepository(): Repository {
  return { tags: new Map(), manifests: new Map(), blobs: new Map(), gone: new Set() }
}

function everyImage(image: Image): Image[] {
  return [image, ...image.children.flatMap(everyImage)]
}

function askedBy(request: RequestHead): Asked | undefined {
  const { pathname, searchParams } = urlOf(request)
  if (searchParams.has('ns')) return undefined
  if (pathname === '/v2/') return { kind: 'ping', name: '', reference: '' }
  const [, name = '', word, reference = ''] =
    /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/.exec(pathname) ?? []
  const kind = ({ manifests: 'manifest', blobs: 'blob', tags: 'tags', referrers: 'referrers' } as const)[word ?? '']
  return kind && { kind, name, reference: decodeURIComponent(reference) }
}

function manifestOf(held: Repository, reference: string): Reply | undefined {
  const content = held.manifests.get(held.tags.get(reference) ?? (reference as Digest))
  if (content === undefined) return held.gone.has(reference) ? registryError(404, 'MANIFEST_UNKNOWN') : undefined
  const { bytes, digest, mediaType } = content
  return { status: 200, headers: { 'content-type': mediaType, 'docker-content-digest': digest }, body: bytes }
}

function referrerOf({ bytes, mediaType, digest }: Content, wanted: string): object[] {
  const { subject, artifactType, config, annotations } = JSON.parse(bytes.toString())
  if (subject?.digest !== wanted) return []
  const type = artifactType ?? config?.mediaType
  return [{ mediaType, digest, size: bytes.length, artifactType: type, annotations }]
}
