import type { Digest } from '../../src/oci/digest.ts'
import { type RangeLie, rangeReply } from './range-reply.ts'
import { type RequestHead, urlOf } from './request-head.ts'
import type { Reply } from './scripted-reply.ts'
import { type ScriptedOptions, ScriptedServer } from './scripted-server.ts'

/**
 * Where registries keep blobs: another origin, with signed URLs that expire, and which wants no credentials.
 *
 *     await using cdn = await startFakeCdn()
 *     await using upstream = await startFakeUpstream({ images, cdn })   // its blobs are redirected to it
 *     cdn.expire()                                                      // 403 in XML to every URL signed before
 *     cdn.next('/blob/*', { at: 1000 })                                 // as every scripted server
 */
export async function startFakeCdn(options: ScriptedOptions = {}): Promise<FakeCdn> {
  const cdn = new FakeCdn()
  await cdn.open(options)
  return cdn
}

export class FakeCdn extends ScriptedServer {
  rangeLie: RangeLie | undefined
  readonly #blobs = new Map<Digest, Uint8Array>()
  #signed = 0
  #validFrom = 0

  /** Where these bytes are, for as long as `expire` is not called. */
  sign(digest: Digest, bytes: Uint8Array): string {
    this.#blobs.set(digest, bytes)
    this.#signed += 1
    return `${this.publicUrl ?? this.url}/blob/${digest}?Signature=secret-${this.#signed}&X-Amz-Expires=1200`
  }

  /** What was signed before now is refused. */
  expire(): void {
    this.#validFrom = this.#signed + 1
  }

  protected override answer(request: RequestHead): Reply | undefined {
    const url = urlOf(request)
    const digest = url.pathname.replace('/blob/', '') as Digest
    const bytes = this.#blobs.get(digest)
    const signature = Number(/^secret-(\d+)$/.exec(url.searchParams.get('Signature') ?? '')?.[1] ?? 0)
    if (bytes === undefined || request.method !== 'GET') return undefined
    // As S3 does: two ways to say who one is are one too many.
    if (request.headers['authorization'] !== undefined)
      return xml(400, 'InvalidArgument', 'Only one auth mechanism allowed')
    if (signature < this.#validFrom) return xml(403, 'AccessDenied', 'Request has expired')
    const headers = { 'content-type': 'application/octet-stream', 'set-cookie': 'cdn=1; Path=/' }
    return rangeReply(request, bytes, { headers, etag: `"${digest.slice(-32)}"`, lie: this.rangeLie })
  }
}

function xml(status: number, code: string, message: string): Reply {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(text) }
}
