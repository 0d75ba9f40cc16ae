import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Digest } from '../../src/oci/digest.ts'
import { digestOf } from '../../test/helpers/digest-of.ts'
import { MEDIA_TYPES } from '../../test/helpers/images.ts'
import { Line } from './line.ts'
import { MadeBlob, makePattern } from './made-blob.ts'
import type { Counts, MadeImage, Manners, Order } from './manners.ts'

const WRITE = 1024 * 1024
const WRITE_ON_LINE = 64 * 1024

/** A registry over plain HTTP whose images are made, not read: fast, and as bad as it is told to be. */
class MadeRegistry {
  readonly #pattern = makePattern()
  readonly #manifests = new Map<string, Buffer>()
  readonly #blobs = new Map<string, MadeBlob>()
  #manners: Manners = {}
  #line: Line | undefined
  #requests = 0
  #bytes = 0
  #open = 0

  make({ title, size }: { readonly title: string; readonly size: number }): MadeImage {
    const repository = `bench/${title.replaceAll(/[^a-z0-9]+/g, '-')}`
    const layer = this.#put(new MadeBlob(title, { size, pattern: this.#pattern }))
    const config = this.#put(new MadeBlob(`config of ${title}`, { size: 64, pattern: this.#pattern }))
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA_TYPES.oci.manifest,
        config: { mediaType: MEDIA_TYPES.oci.config, digest: config, size: 64 },
        layers: [{ mediaType: MEDIA_TYPES.oci.layer, digest: layer, size }],
      }),
    )
    const digest = digestOf(manifest)
    for (const name of ['latest', digest]) this.#manifests.set(`${repository}/manifests/${name}`, manifest)
    return { repository, manifest: digest, layer, size }
  }

  behave(manners: Manners): void {
    this.#manners = manners
    this.#line = manners.bytesPerSecond === undefined ? undefined : new Line(manners.bytesPerSecond)
  }

  count(): Counts {
    const counts = { requests: this.#requests, bytes: this.#bytes, open: this.#open }
    this.#requests = 0
    this.#bytes = 0
    return counts
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    this.#requests += 1
    if (this.#manners.silent === true) return
    this.#open += 1
    response.once('close', () => {
      this.#open -= 1
    })
    const [, path = ''] = /^\/v2\/([^?]*)/.exec(request.url ?? '') ?? []
    const [, digest = ''] = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(path) ?? []
    const blob = this.#blobs.get(digest)
    const manifest = this.#manifests.get(path)
    if (path === '') response.end('{}')
    else if (path.includes('/manifests/') && this.#manners.status !== undefined) refuse(response, this.#manners.status)
    else if (manifest !== undefined) {
      const headers = { 'content-type': MEDIA_TYPES.oci.manifest, 'content-length': manifest.length }
      response.writeHead(200, { ...headers, 'docker-content-digest': digestOf(manifest) })
      response.end(request.method === 'HEAD' ? undefined : manifest)
    } else if (blob !== undefined) void this.#send(blob, digest, request, response)
    else refuse(response, 404)
  }

  async #send(blob: MadeBlob, digest: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { size } = blob
    const [, start] = /^bytes=(\d+)-/.exec(request.headers.range ?? '') ?? []
    const from = Number(start ?? 0)
    response.writeHead(start === undefined ? 200 : 206, {
      ...{ 'content-type': 'application/octet-stream', 'content-length': size - from, 'docker-content-digest': digest },
      ...{ 'accept-ranges': 'bytes', etag: `"${digest}"` },
      ...(start !== undefined && { 'content-range': `bytes ${from}-${size - 1}/${size}` }),
    })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    const { cutEvery = Infinity } = this.#manners
    const end = Math.min(size, from + cutEvery)
    for (let at = from; at < end && !response.destroyed; ) {
      const part = blob.slice(at, Math.min(end - at, this.#line === undefined ? WRITE : WRITE_ON_LINE))
      await this.#line?.turn(part.length)
      if (!(await write(response, part))) return
      this.#bytes += part.length
      at += part.length
    }
    if (end < size) response.destroy()
    else response.end()
  }

  #put(blob: MadeBlob): Digest {
    const digest = blob.digest()
    this.#blobs.set(digest, blob)
    return digest
  }
}

/** Resolves to whether the system took it. */
function write(response: ServerResponse, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const left = () => resolve(false)
    response.once('close', left)
    response.write(bytes, (error) => {
      response.off('close', left)
      resolve(error === null || error === undefined)
    })
  })
}

const CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'MANIFEST_UNKNOWN',
  429: 'TOOMANYREQUESTS',
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(status === 401 && { 'www-authenticate': 'Basic realm="upstream"' }),
    ...(status === 429 && { 'retry-after': '60' }),
  })
  response.end(JSON.stringify({ errors: [{ code: CODES[status] ?? 'UNKNOWN', message: `it is ${status} here` }] }))
}

const registry = new MadeRegistry()
const server = createServer((request, response) => registry.answer(request, response))
process.on('message', (order: Order) => {
  if ('make' in order) process.send?.(registry.make(order.make))
  else if ('behave' in order) process.send?.(registry.behave(order.behave) ?? {})
  else process.send?.(registry.count())
})
process.once('disconnect', () => {
  server.close()
  server.closeAllConnections()
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
