import type { Secret } from '../base/secret.ts'
import type { Door } from '../egress/egress.ts'
import type { Digest } from '../oci/digest.ts'
import { Attempts, type AttemptsOptions, type Task } from './attempts.ts'
import { lengthIn } from './body.ts'
import { Breaker } from './breaker.ts'
import type { Clock } from './clock.ts'
import { Credentials } from './credentials.ts'
import { openDownload } from './download.ts'
import { openBlob } from './fetch-blob.ts'
import { confirmTag, fetchManifest } from './fetch-manifest.ts'
import { KNOWN_UPSTREAMS } from './known-upstreams.ts'
import { listReferrers } from './list-referrers.ts'
import { TagLister } from './list-tags.ts'
import { type LimitSeen, limitIn, rateLimitAt } from './rate-limit.ts'
import { RouteHealth } from './route-health.ts'
import type {
  BlobDownload,
  BlobFrom,
  FetchedManifest,
  ReferrerDescriptor,
  Running,
  TagPage,
  Upstream,
  UpstreamObserver,
  UpstreamState,
} from './upstream.ts'

export interface UpstreamOptions {
  /** `docker.io`. */
  readonly name: string
  /** Where its API is; what stands before `/v2/` may have a path. Plain http only where the operator wrote it. */
  readonly url: URL
  readonly username?: string
  readonly password?: Secret
  /** Hosts or origins that give out tokens for it, beside its own and those that are known of its name. */
  readonly realms: readonly string[]
}

export interface UpstreamSurroundings {
  /** Its own. It is closed with the upstream. */
  readonly door: Door
  readonly observe: UpstreamObserver
  readonly clock: Clock
  /** `User-Agent`: `homeport/1.2.3`. */
  readonly agent: string
  /** `Via`, by which an instance finds that it asks itself: `1.1 homeport-<id>`. */
  readonly via?: string
}

/** A registry that is asked by HTTP (OCI Distribution). Nothing is asked before somebody wants something. */
export function openUpstream(options: UpstreamOptions, surroundings: UpstreamSurroundings): Upstream {
  return new HttpUpstream(options, surroundings)
}

class HttpUpstream implements Upstream {
  readonly name: string
  readonly #clock: Clock
  readonly #door: Door
  readonly #base: URL
  readonly #health: RouteHealth
  readonly #breaker = new Breaker()
  readonly #tags = new TagLister()
  readonly #closing = new AbortController()
  readonly #around: AttemptsOptions
  #limit: LimitSeen | undefined

  constructor(options: UpstreamOptions, { door, observe, clock, agent, via }: UpstreamSurroundings) {
    const { name, url, username, password, realms } = options
    this.name = name
    this.#clock = clock
    this.#door = door
    this.#base = url
    this.#health = new RouteHealth(clock)
    const known = KNOWN_UPSTREAMS[name]?.realms ?? []
    const login = username !== undefined && password !== undefined ? { username, password } : undefined
    this.#around = {
      ...{ name, base: url, door, clock, health: this.#health, breaker: this.#breaker },
      credentials: new Credentials({ base: url, realms: [...known, ...realms], login, clock }),
      agent: { 'user-agent': agent, ...(via !== undefined && { via }) },
      noteHeaders: (headers) => {
        this.#limit = limitIn(headers, clock.now()) ?? this.#limit
      },
      made: (made) => observe.attempt(name, made),
      received: (route, bytes, hop) => observe.received(name, route, bytes, hop),
      closing: this.#closing.signal,
    }
  }

  confirm(repository: string, tag: string, digest: Digest): Running<'confirmed' | 'changed'> {
    return this.#run({ hop: 'manifest', work: (asking) => confirmTag(asking, { repository, tag, digest }) })
  }

  manifest(repository: string, reference: string): Running<FetchedManifest> {
    return this.#run({ hop: 'manifest', work: (asking) => fetchManifest(asking, { repository, reference }) })
  }

  blob(repository: string, digest: Digest, from?: BlobFrom): Running<BlobDownload> {
    return this.#run({
      hop: 'blob',
      work: async (asking) => {
        const opened = await openBlob(asking, { repository, digest, from })
        return openDownload(opened, { asking, name: this.name, clock: this.#clock, health: this.#health })
      },
      drop: (download) => download.cancel(),
    })
  }

  hasBlob(repository: string, digest: Digest): Running<{ readonly size?: number }> {
    return this.#run({
      hop: 'blob',
      work: async (asking) => {
        const { reply } = await openBlob(asking, { repository, digest })
        reply.discard()
        const size = lengthIn(reply.headers)
        return size === undefined ? {} : { size }
      },
    })
  }

  tags(repository: string, { last, limit }: { readonly last?: string; readonly limit: number }): Running<TagPage> {
    return this.#run({ hop: 'tags', work: (asking) => this.#tags.list(asking, { repository, last, limit }) })
  }

  referrers(repository: string, subject: Digest): Running<readonly ReferrerDescriptor[]> {
    const byTag = KNOWN_UPSTREAMS[this.name]?.noReferrers === true
    return this.#run({ hop: 'referrers', work: (asking) => listReferrers(asking, { repository, subject, byTag }) })
  }

  state(): UpstreamState {
    const now = this.#clock.now()
    const failing = this.#breaker.state(now)
    const rateLimit = rateLimitAt(this.#limit, now)
    const routes = this.#door.routesTo(this.#base).map((route) => {
      const failure = this.#health.failureOf(route)
      return { name: route.name, ...(failure !== undefined && { failing: failure }) }
    })
    return { routes, ...(failing && { failing }), ...(rateLimit && { rateLimit }) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error(`${this.name} is closed`))
    await this.#door[Symbol.asyncDispose]()
  }

  #run<T>(task: Task<T>): Running<T> {
    return new Attempts(task, this.#around)
  }
}
