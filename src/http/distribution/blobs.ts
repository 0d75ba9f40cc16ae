import { randomBytes } from 'node:crypto'
import { parseDigest } from '../../oci/digest.ts'
import { Refusal } from '../../oci/refusal.ts'
import type { FoundBlob, Registry } from '../../registry/registry.ts'
import { allowsRange, etagOf, isUnchanged } from '../conditional.ts'
import { contentRange, multipart, parseRange, type Span } from '../range.ts'
import type { BlobSpan, Handler, Reply } from '../route.ts'

/**
 * `GET` and `HEAD /v2/<name>/blobs/<digest>`.
 *
 * A blob cannot change under its digest, so the digest is its ETag and a cache
 * that may hold the answer may hold it for ever.
 */
export function readBlob(registry: Pick<Registry, 'findBlob'>): Handler {
  return async (request) => {
    const { method, params, headers, caller, repository } = request
    const blob = await registry.findBlob(repository, parseDigest(params['digest'] ?? ''), {
      asker: request,
      promisedTo: method === 'HEAD' ? caller : undefined,
    })
    const validators = {
      'cache-control': 'max-age=31536000',
      'docker-content-digest': blob.digest,
      etag: etagOf(blob.digest),
    }
    if (isUnchanged(headers, blob.digest)) return { status: 304, headers: validators }

    const common = { ...validators, 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream' }
    const { size } = blob
    if (size === undefined)
      return { status: 200, headers: common, ...(method === 'GET' && { body: await streamOf(blob) }) }
    if (method === 'HEAD') return { status: 200, headers: { ...common, 'content-length': String(size) } }

    const range = allowsRange(headers, blob.digest) ? parseRange(headers['range'], size) : 'whole'
    if (range === 'unsatisfiable') throw new Refusal('range-unsatisfiable', { size })
    if (range === 'too-many') throw new Refusal('request-invalid', { because: 'it asks for too many ranges at once' })
    if (range === 'whole') {
      return {
        status: 200,
        headers: common,
        body: { reader: await blob.open({ start: 0, end: size }), start: 0, end: size },
      }
    }
    return await partial(blob, range, { size, headers: common })
  }
}

/** `DELETE /v2/<name>/blobs/<digest>`: out of this repository only. */
export function deleteBlob(registry: Pick<Registry, 'deleteBlob'>): Handler {
  return async ({ params, repository }) => {
    await registry.deleteBlob(repository, parseDigest(params['digest'] ?? ''))
    return { status: 202, headers: {} }
  }
}

/** To its end, wherever that is: it goes out in chunks. */
async function streamOf(blob: FoundBlob): Promise<BlobSpan> {
  return { reader: await blob.open(), start: 0, end: Infinity }
}

async function partial(
  blob: FoundBlob,
  spans: readonly Span[],
  { size, headers }: { size: number; headers: Record<string, string> },
): Promise<Reply> {
  const [first] = spans
  if (first !== undefined && spans.length === 1) {
    const body = { reader: await blob.open(first), ...first }
    return { status: 206, headers: { ...headers, 'content-range': contentRange(first, size) }, body }
  }
  const { contentType, parts } = multipart(spans, { size, boundary: randomBytes(12).toString('hex') })
  const all = { start: Math.min(...spans.map(({ start }) => start)), end: Math.max(...spans.map(({ end }) => end)) }
  const body = { reader: await blob.open(all), parts }
  return { status: 206, headers: { ...headers, 'content-type': contentType }, body }
}
