import type { Digest } from '../../src/oci/digest.ts'
import { parseManifest } from '../../src/oci/manifest.ts'
import type {
  AttemptMade,
  BlobDownload,
  BlobFrom,
  Cause,
  Failure,
  FetchedManifest,
  Hop,
  ReferrerDescriptor,
  Running,
  TagPage,
  Upstream,
  UpstreamState,
} from '../../src/upstream/upstream.ts'
import { UpstreamFailure } from '../../src/upstream/upstream.ts'
import type { Content, Image } from './images.ts'

export interface Asked {
  readonly method: 'confirm' | 'manifest' | 'blob' | 'hasBlob' | 'tags' | 'referrers'
  readonly repository: string
  /** A tag or a digest; of `tags` the page's `last`. */
  readonly reference: string
}

/** What becomes of a request before it is answered: may wait, and may throw (`failureOf`). */
export type Script = (asked: Asked) => unknown

/** How a blob comes. */
export interface BlobScript {
  /** Bytes a chunk. Default: 64 KiB. */
  readonly chunk?: number
  /** Left out: the size is told. */
  readonly untold?: boolean
  /** Sends the whole again, whatever was asked for. */
  readonly fromStart?: boolean
  /** Before the chunk that begins there: may wait, and may throw (`failureOf`), which cuts the download. */
  readonly before?: (at: number) => unknown
  /** What comes instead of the bytes. */
  readonly bytes?: Uint8Array
}

/**
 * An upstream in memory, which does what its script says. What was not published is not found, as the registry's own
 * answer; every request is noted in `asked`, so that a test sees one that nobody expected.
 */
export class MemoryUpstream implements Upstream {
  readonly name: string
  /** `confirm library/alpine:3`, `manifest library/alpine@sha256:…`, in order. */
  readonly asked: string[] = []
  /** Asked before each answer. */
  script: Script = () => undefined
  blobScript: (digest: Digest) => BlobScript = () => ({})
  /** What `waiting` says. Default: a timeout at the hop that was asked. */
  hangsAt: Failure | undefined
  failing: UpstreamState['failing']
  rateLimit: UpstreamState['rateLimit']
  /** By repository, then by tag. */
  readonly #tags = new Map<string, Map<string, Digest>>()
  readonly #manifests = new Map<string, Map<Digest, Content>>()
  readonly #blobs = new Map<string, Map<Digest, Uint8Array>>()
  readonly #referrers = new Map<Digest, ReferrerDescriptor[]>()

  constructor(name = 'docker.io') {
    this.name = name
  }

  /** An image with all below it. */
  publish(repository: string, image: Image, tag?: string): void {
    for (const child of image.children) this.publish(repository, child)
    entry(this.#manifests, repository).set(image.manifest.digest, image.manifest)
    for (const [digest, bytes] of image.blobs) entry(this.#blobs, repository).set(digest, bytes)
    if (tag !== undefined) entry(this.#tags, repository).set(tag, image.manifest.digest)
  }

  publishBlob(repository: string, digest: Digest, bytes: Uint8Array): void {
    entry(this.#blobs, repository).set(digest, bytes)
  }

  unpublish(repository: string, tag: string): void {
    this.#tags.get(repository)?.delete(tag)
  }

  refer(subject: Digest, referrers: readonly ReferrerDescriptor[]): void {
    this.#referrers.set(subject, [...referrers])
  }

  /** Everything that is asked fails with this, or nothing does. */
  failWith(cause: Cause | undefined, more: Partial<Failure> = {}): void {
    this.script = (asked) => {
      if (cause !== undefined) throw failureOf(cause, { upstream: this.name, hop: hopOf(asked.method), ...more })
    }
  }

  /** Nothing that is asked from now on is answered, until the returned function is called. */
  hang(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.script = () => promise
    return () => {
      this.script = () => undefined
      resolve()
    }
  }

  confirm(repository: string, tag: string, digest: Digest): Running<'confirmed' | 'changed'> {
    return this.#run({ method: 'confirm', repository, reference: tag }, () =>
      this.#tags.get(repository)?.get(tag) === digest ? 'confirmed' : 'changed',
    )
  }

  manifest(repository: string, reference: string): Running<FetchedManifest> {
    return this.#run({ method: 'manifest', repository, reference }, () => {
      const digest = reference.includes(':') ? (reference as Digest) : this.#tags.get(repository)?.get(reference)
      const found = digest && this.#manifests.get(repository)?.get(digest)
      if (found === undefined) throw this.#notFound('manifest')
      return { digest: found.digest, bytes: found.bytes, manifest: parseManifest(found.bytes, found.mediaType) }
    })
  }

  blob(repository: string, digest: Digest, from?: BlobFrom): Running<BlobDownload> {
    return this.#run({ method: 'blob', repository, reference: digest }, () => {
      const stored = this.#blobs.get(repository)?.get(digest)
      if (stored === undefined) throw this.#notFound('blob')
      const { chunk = 64 * 1024, untold = false, fromStart = false, before, bytes = stored } = this.blobScript(digest)
      const at = fromStart ? 0 : (from?.at ?? 0)
      let cancelled = false
      async function* body() {
        for (let next = at; next < bytes.length && !cancelled; next += chunk) {
          await before?.(next)
          yield Buffer.from(bytes.subarray(next, next + chunk))
        }
      }
      return {
        at,
        ...(!untold && { size: bytes.length }),
        route: 'direct',
        body: body(),
        cancel: () => {
          cancelled = true
        },
      }
    })
  }

  hasBlob(repository: string, digest: Digest): Running<{ readonly size?: number }> {
    return this.#run({ method: 'hasBlob', repository, reference: digest }, () => {
      const bytes = this.#blobs.get(repository)?.get(digest)
      if (bytes === undefined) throw this.#notFound('blob')
      return { size: bytes.length }
    })
  }

  tags(repository: string, { last = '', limit }: { last?: string; limit: number }): Running<TagPage> {
    return this.#run({ method: 'tags', repository, reference: last }, () => {
      const all = this.#tags.get(repository)
      if (all === undefined) throw this.#notFound('tags')
      const rest = [...all.keys()].sort().filter((tag) => tag > last)
      return { tags: rest.slice(0, limit), more: rest.length > limit }
    })
  }

  referrers(repository: string, subject: Digest): Running<readonly ReferrerDescriptor[]> {
    return this.#run({ method: 'referrers', repository, reference: subject }, () => this.#referrers.get(subject) ?? [])
  }

  state(): UpstreamState {
    return {
      ...(this.failing && { failing: this.failing }),
      routes: [{ name: 'direct' }],
      ...(this.rateLimit && { rateLimit: this.rateLimit }),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #notFound(hop: Hop): UpstreamFailure {
    return failureOf('not-found', { upstream: this.name, hop, status: 404 })
  }

  #run<T>(asked: Asked, answer: () => T): Running<T> {
    const { method, repository, reference } = asked
    this.asked.push(`${method} ${repository}${reference.includes(':') ? '@' : ':'}${reference}`)
    const attempts: AttemptMade[] = []
    const hop = hopOf(method)
    const run = async () => {
      try {
        await this.script(asked)
        const value = answer()
        attempts.push({ route: 'direct', hop, host: this.name, status: 200, ms: 1 })
        return value
      } catch (error) {
        if (error instanceof UpstreamFailure) {
          const { cause, status } = error.failure
          attempts.push({
            route: 'direct',
            hop,
            host: this.name,
            ...(status !== undefined && { status }),
            cause,
            ms: 1,
          })
        }
        throw error
      }
    }
    const value = run()
    // Whoever waits for it gets it; nobody need wait.
    value.catch(() => undefined)
    const waiting = () => this.hangsAt ?? failureOf('timeout', { upstream: this.name, hop }).failure
    return { value, attempts, waiting }
  }
}

export function failureOf(cause: Cause, more: Partial<Failure> = {}): UpstreamFailure {
  const { upstream = 'docker.io' } = more
  return new UpstreamFailure({
    ...{ cause, hop: 'manifest', upstream, route: 'direct', host: upstream, at: 1_000_000, facts: {} },
    ...more,
  })
}

function hopOf(method: Asked['method']): Hop {
  if (method === 'tags' || method === 'referrers') return method
  return method === 'blob' || method === 'hasBlob' ? 'blob' : 'manifest'
}

function entry<Key, Inner extends Map<unknown, unknown>>(map: Map<Key, Inner>, key: Key): Inner {
  const found = map.get(key) ?? (new Map() as Inner)
  map.set(key, found)
  return found
}
