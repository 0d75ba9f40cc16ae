import assert from 'node:assert/strict'
import type { Digest } from '../../src/oci/digest.ts'
import { type FakeUpstream, startFakeUpstream, type UpstreamOptions } from '../helpers/fake-upstream.ts'
import type { Image } from '../helpers/images.ts'
import type { Answer, RegistryClient } from '../helpers/registry-client.ts'
import { type Server, type ServerOptions, startServer } from '../helpers/server.ts'

/** Tests that wait for ten seconds do so at once. */
export const AT_ONCE = { concurrency: 12 } as const

export interface CacheOptions extends ServerOptions {
  /** What the upstream holds and how it behaves. */
  readonly upstream?: UpstreamOptions
  /** Further keys of `upstreams.lab.test`. */
  readonly settings?: object
}

/** An upstream as Homeport caches it, and a client of Homeport that pulls `library/a` of it. */
export interface Cache extends AsyncDisposable {
  /** `lab.test`. */
  readonly name: string
  readonly upstream: FakeUpstream
  readonly server: Server
  readonly client: RegistryClient
  manifest(reference: string, options?: { readonly method?: string; readonly repository?: string }): Promise<Answer>
  blob(digest: Digest, headers?: Readonly<Record<string, string>>): Promise<Answer>
  pathOf(digest: Digest): string
}

/** Homeport as a process of the test's own, with one upstream. */
export async function startCache(options: CacheOptions): Promise<Cache & { restart(how?: 'kill'): Promise<Cache> }> {
  const { upstream: held = {}, settings, config, ...rest } = options
  const upstream = await startFakeUpstream(held)
  const name = 'lab.test'
  try {
    const upstreams = { [name]: { url: upstream.url, ...settings } }
    const server = await startServer({ ...rest, config: { upstreams, ...config } })
    return {
      ...(await cacheOf({ name, upstream, server, owned: true })),
      async restart(how) {
        if (how === 'kill') {
          await server.kill()
          await server.start()
        } else await server.restart()
        return await cacheOf({ name, upstream, server, owned: false })
      },
    }
  } catch (error) {
    await upstream.close()
    throw error
  }
}

type Kinds<Kind extends string> = Readonly<Record<Kind, { readonly count: number; readonly settings?: object }>>

/**
 * One Homeport with many upstreams, each for one test: a start of the program costs a second of processor. `kinds`: how
 * many there are with which settings.
 */
export class CachePool<Kind extends string> implements AsyncDisposable {
  readonly #kinds: Kinds<Kind>
  readonly #waiting = new Map<string, { readonly name: string; readonly upstream: FakeUpstream }[]>()
  #server: Server | undefined

  constructor(kinds: Kinds<Kind>) {
    this.#kinds = kinds
  }

  async start(options: ServerOptions = {}): Promise<void> {
    const upstreams: Record<string, object> = {}
    for (const [kind, { count, settings }] of Object.entries<Kinds<Kind>[Kind]>(this.#kinds)) {
      const made = Array.from({ length: count }, async (_, index) => ({
        name: `${kind}-${index}.test`,
        upstream: await startFakeUpstream(),
      }))
      const slots = await Promise.all(made)
      for (const { name, upstream } of slots) upstreams[name] = { url: upstream.url, ...settings }
      this.#waiting.set(kind, slots)
    }
    this.#server = await startServer({ ...options, config: { upstreams, ...options.config } })
  }

  /** An upstream that nobody had yet. It ends with the test, Homeport does not. */
  async take(kind: Kind, held: UpstreamOptions): Promise<Cache> {
    const slot = this.#waiting.get(kind)?.pop()
    assert.ok(slot && this.#server, `There are too few upstreams of the kind ${kind}`)
    slot.upstream.become(held)
    return await cacheOf({ ...slot, server: this.#server, owned: false })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
    for (const { upstream } of [...this.#waiting.values()].flat()) await upstream.close()
  }
}

interface Scene {
  readonly name: string
  readonly upstream: FakeUpstream
  readonly server: Server
  /** It ends with it. */
  readonly owned: boolean
}

async function cacheOf({ name, upstream, server, owned }: Scene): Promise<Cache> {
  const client = await server.client()
  const pathOf = (digest: Digest) => `/v2/${name}/library/a/blobs/${digest}`
  return {
    ...{ name, upstream, server, client, pathOf },
    manifest(reference, { method = 'GET', repository = 'library/a' } = {}) {
      const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json'
      return client.request(method, `/v2/${name}/${repository}/manifests/${reference}`, { headers: { accept } })
    },
    blob: (digest, headers = {}) => client.request('GET', pathOf(digest), { headers }),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      if (owned) await server[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
    },
  }
}

interface RegistryError {
  readonly code: string
  readonly message: string
  readonly detail: Record<string, unknown>
}

/** Of an error: the first of its body. */
export function errorOf({ text }: Pick<Answer, 'text'>): RegistryError {
  return JSON.parse(text).errors[0]
}

/** The digest of the only layer of an image. */
export function layerOf(image: Image): Digest {
  const { layers } = JSON.parse(image.manifest.bytes.toString())
  return layers[0].digest
}

export function isStale({ status, headers }: Answer): boolean {
  return status === 200 && headers['warning']?.startsWith('299 ') === true
}

/** Milliseconds that it took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const start = performance.now()
  const value = await work()
  return { value, ms: performance.now() - start }
}
