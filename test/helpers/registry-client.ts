import { createHash } from 'node:crypto'
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Digest, digestFrom } from '../../src/oci/digest.ts'
import { digestOf } from './digest-of.ts'
import type { Content, Image } from './images.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** A stream is sent chunked, unless `headers` has its length. */
  readonly body?: string | Uint8Array | Readable
}

export interface Credentials {
  readonly user: string
  readonly password: string
}

const ACCEPT = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ')

/**
 * A client of the distribution protocol with nothing clever in it: Basic credentials with each request, no retries, no
 * redirects. `request` gives whatever came; the other methods throw where the answer is not the expected one.
 */
export class RegistryClient implements Disposable {
  readonly #url: string
  readonly #agent: HttpAgent
  readonly #headers: Readonly<Record<string, string>>

  /** `ca`: a certificate in PEM to trust. Not given for plain HTTP. */
  constructor(url: string, options: { readonly ca?: string; readonly credentials?: Credentials } = {}) {
    const { ca, credentials } = options
    this.#url = url
    this.#agent = url.startsWith('https:')
      ? new HttpsAgent({ keepAlive: true, ca })
      : new HttpAgent({ keepAlive: true })
    this.#headers = credentials ? { authorization: basic(credentials) } : {}
  }

  /** `path` begins with a slash. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const response = await this.#send(method, path, options)
    const bytes = Buffer.concat(await response.toArray())
    return { status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString() }
  }

  /** In one `POST` and one `PUT`. A stream needs its digest and size. */
  async pushBlob(
    repository: string,
    blob: Uint8Array | { stream: Readable; digest: Digest; size: number },
  ): Promise<Digest> {
    const bytes = blob instanceof Uint8Array
    const { digest, size, stream } = bytes ? { digest: digestOf(blob), size: blob.length, stream: blob } : blob
    const begun = await this.#expect(202, 'POST', `/v2/${repository}/blobs/uploads/`)
    const location = new URL(begun.headers.location ?? '', this.#url)
    location.searchParams.set('digest', digest)
    await this.#expect(201, 'PUT', `${location.pathname}${location.search}`, {
      headers: { 'content-length': String(size), 'content-type': 'application/octet-stream' },
      body: stream,
    })
    return digest
  }

  /** Under a tag, or under its own digest. */
  async pushManifest(repository: string, manifest: Content, reference: string = manifest.digest): Promise<Answer> {
    return await this.#expect(201, 'PUT', `/v2/${repository}/manifests/${reference}`, {
      headers: { 'content-type': manifest.mediaType },
      body: manifest.bytes,
    })
  }

  /** An image with all below it; the last step gives it its tag. */
  async pushImage(repository: string, image: Image, reference: string = image.manifest.digest): Promise<void> {
    for (const child of image.children) await this.pushImage(repository, child)
    for (const bytes of image.blobs.values()) await this.pushBlob(repository, bytes)
    await this.pushManifest(repository, image.manifest, reference)
  }

  async pullManifest(repository: string, reference: string): Promise<Content> {
    const answer = await this.#expect(200, 'GET', `/v2/${repository}/manifests/${reference}`, {
      headers: { accept: ACCEPT },
    })
    const { headers, bytes } = answer
    return { bytes, mediaType: headers['content-type'] ?? '', digest: digestOf(bytes) }
  }

  /** Hashes what comes, and keeps none of it. */
  async pullBlob(repository: string, digest: Digest): Promise<{ readonly digest: Digest; readonly size: number }> {
    const response = await this.#send('GET', `/v2/${repository}/blobs/${digest}`, {})
    if (response.statusCode !== 200) throw new Error(`GET ${digest} in ${repository}: ${response.statusCode}`)
    const algorithm = digest.startsWith('sha512:') ? 'sha512' : 'sha256'
    const hash = createHash(algorithm)
    let size = 0
    for await (const chunk of response) {
      hash.update(chunk)
      size += chunk.length
    }
    return { digest: digestFrom(algorithm, hash.digest('hex')), size }
  }

  /** Ends its idle connections. */
  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  async #expect(status: number, method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const answer = await this.request(method, path, options)
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status}, not ${status}\n${answer.text}`)
    return answer
  }

  #send(method: string, path: string, { headers, body }: RequestOptions): Promise<IncomingMessage> {
    const send = this.#url.startsWith('https:') ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      // `path` apart from the URL, which would tidy it up.
      const request = send(this.#url, { method, path, agent: this.#agent, headers: { ...this.#headers, ...headers } })
      request.once('response', resolve).once('error', reject)
      // An answer may come before the body is sent; the error then belongs to nobody.
      if (body instanceof Readable) pipeline(body, request).catch(reject)
      else request.end(body)
    })
  }
}

function basic({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}
