import { writeFile } from 'node:fs/promises'
import type { Certificates } from './certificates.ts'
import type { Image } from './images.ts'
import { type Registry2, startRegistry2 } from './registry2.ts'
import { htpasswdOf } from './server.ts'
import { temporaryFolder } from './temporary.ts'

/** What a test with one `needs`. */
export const UPSTREAM_PROGRAMS = ['docker-registry'] as const

export interface RealUpstreamOptions {
  /** By `repository:tag`. */
  readonly images?: Readonly<Record<string, Image>>
  /** Who may pull: `ci` with this password. Default: everybody. */
  readonly password?: string
  readonly tls?: Certificates
}

/**
 * Debian's registry:2 with images in it, as an upstream, which has no referrers interface.
 *
 *     await using upstream = await startRealUpstream({ images: { 'library/a:1': makeImage('a') }, password: 's3cret' })
 *     … upstream.url is http://127.0.0.1:port, and https with `tls`; its user is `ci` …
 *     await upstream.client.pushImage('library/b', makeImage('b'), '1')
 *     await upstream.stop()
 */
export async function startRealUpstream(options: RealUpstreamOptions = {}): Promise<RealUpstream> {
  const { images = {}, password, tls } = options
  const folder = await temporaryFolder()
  const htpasswd = password === undefined ? undefined : folder.at('htpasswd')
  if (htpasswd && password !== undefined) await writeFile(htpasswd, await htpasswdOf({ ci: password }))
  const registry = await startRegistry2(folder.at('data'), {
    ...(htpasswd && { htpasswd }),
    ...(password !== undefined && { credentials: { user: 'ci', password } }),
    ...(tls && { tls }),
  })
  for (const [name, image] of Object.entries(images)) {
    const [, repository = '', tag] = /^(.+):([^:/]+)$/.exec(name) ?? []
    await registry.client.pushImage(repository, image, tag)
  }
  return {
    ...registry,
    url: `${tls ? 'https' : 'http'}://${registry.host}`,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export interface RealUpstream extends Registry2 {
  /** Without a slash at the end. */
  readonly url: string
}
