import assert from 'node:assert/strict'
import type { Digest } from '../../src/oci/digest.ts'
import { digestOf } from '../helpers/digest-of.ts'
import type { Answer, RegistryClient } from '../helpers/registry-client.ts'
import { seededBytes } from '../helpers/seeded-bytes.ts'
import { pick, type Random, seededRandom } from '../helpers/seeded-random.ts'
import type { Flight } from './flight.ts'

/** A blob that was, or may be, in a repository; its bytes follow from seed and size. */
interface Blob {
  readonly repository: string
  readonly digest: Digest
}

/** An upload that a client has begun. */
interface Upload {
  location: string
  readonly bytes: Buffer
  /** Bytes that a 202 said are there. */
  acknowledged: number
  /** Bytes that may be there. */
  sent: number
  /** The `PUT` was sent: session or blob, one may be gone for the other. */
  finishing: boolean
}

interface Tag {
  /** What a 201 said that it is at. */
  acknowledged?: Digest
  /** What it may have moved to: a `PUT` without an answer. */
  asked?: Digest
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const SMALL = 60_000
const LARGE = 500_000
const TAGS = ['latest', 'v1', 'v2']
/** Of what was proved after an earlier crash, so much is looked at again after each. */
const SAMPLE = 3

/** All that clients of one volume were told is there: others mount from it. */
export type Shelf = Blob[]

/**
 * A client that pushes at random, in every way there is, remembers each 201 and each 202, and asks for all of it when the
 * server is back. It is alone in its repository, so that it knows where its tags are.
 */
export class Pusher {
  readonly #repository: string
  readonly #seed: string
  readonly #random: Random
  readonly #flight: Flight
  readonly #shelf: Shelf
  readonly #manifests = new Map<Digest, Buffer>()
  readonly #tags = new Map<string, Tag>()
  /** Blobs of this repository. */
  readonly #blobs: Digest[] = []
  #upload: Upload | undefined
  /** Pushed without an answer: whole or not there. */
  #doubtful: { readonly digest: Digest; readonly manifest?: Buffer } | undefined
  #fresh: Digest[] = []
  #serial = 0

  constructor(repository: string, seed: string, { flight, shelf }: { flight: Flight; shelf: Shelf }) {
    this.#repository = repository
    this.#seed = `${seed}/${repository}`
    this.#random = seededRandom(this.#seed)
    this.#flight = flight
    this.#shelf = shelf
  }

  /** How many 201s it was given. */
  get promises(): number {
    return this.#blobs.length + this.#manifests.size
  }

  /** Pushes until the server is gone. Throws where it answers anything but what a push should get. */
  async push(client: RegistryClient): Promise<void> {
    try {
      for (;;) await this.#pushOne(client)
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
    }
  }

  /** Asks for what was promised lately, for what is in doubt, and for some of what was there before; or for everything. */
  async verify(client: RegistryClient, { all = false } = {}): Promise<void> {
    await this.#settleDoubt(client)
    await this.#settleUpload(client)
    for (const [name, tag] of this.#tags) await this.#settleTag(client, name, tag)
    const known = [...this.#blobs, ...this.#manifests.keys()]
    const sample = known.length === 0 ? [] : Array.from({ length: SAMPLE }, () => pick(this.#random, known))
    for (const digest of all ? known : [...this.#fresh, ...sample])
      assert.ok(await this.#isThere(client, digest), `${this.#repository}: 201 was said of ${digest}, and it is gone`)
    this.#fresh = []
  }

  async #pushOne(client: RegistryClient): Promise<void> {
    if (this.#upload !== undefined) return await this.#goOn(client, this.#upload)
    const ways = [this.#atOnce, this.#byPut, this.#begin, this.#begin, this.#mount, this.#manifest, this.#manifest]
    await pick(this.#random, ways).call(this, client)
  }

  async #atOnce(client: RegistryClient): Promise<void> {
    const bytes = this.#bytes(SMALL)
    const digest = digestOf(bytes)
    this.#doubtful = { digest }
    const answer = await this.#send(client, 'POST', `/blobs/uploads/?digest=${digest}`, bytes)
    this.#stored(answer, digest)
  }

  async #byPut(client: RegistryClient): Promise<void> {
    const bytes = this.#bytes(SMALL)
    const digest = digestOf(bytes)
    const begun = await this.#send(client, 'POST', '/blobs/uploads/')
    this.#doubtful = { digest }
    const path = `${begun.headers.location}?digest=${digest}`
    this.#stored(await this.#flight.request(client, 'PUT', path, { body: bytes }), digest)
  }

  async #begin(client: RegistryClient): Promise<void> {
    const { headers, status } = await this.#send(client, 'POST', '/blobs/uploads/')
    assert.equal(status, 202)
    const bytes = this.#bytes(LARGE)
    this.#upload = { location: headers.location ?? '', bytes, acknowledged: 0, sent: 0, finishing: false }
  }

  /** The next chunk of an upload, or its end. */
  async #goOn(client: RegistryClient, upload: Upload): Promise<void> {
    const { bytes, acknowledged: from } = upload
    const to = Math.min(bytes.length, from + 1 + this.#random(LARGE / 2))
    const chunk = bytes.subarray(from, to)
    upload.sent = to
    const headers = { 'content-range': `${from}-${to - 1}` }
    if (to < bytes.length) {
      const answer = await this.#flight.request(client, 'PATCH', upload.location, { body: chunk, headers })
      assert.equal(answer.status, 202, answer.text)
      assert.equal(answer.headers.range, `0-${to - 1}`)
      upload.location = answer.headers.location ?? ''
      upload.acknowledged = to
      return
    }
    const digest = digestOf(bytes)
    upload.finishing = true
    this.#doubtful = { digest }
    const path = `${upload.location}?digest=${digest}`
    const options = chunk.length === 0 ? {} : { body: chunk, headers }
    this.#stored(await this.#flight.request(client, 'PUT', path, options), digest)
    this.#upload = undefined
  }

  async #mount(client: RegistryClient): Promise<void> {
    if (this.#shelf.length === 0) return await this.#atOnce(client)
    const { repository, digest } = pick(this.#random, this.#shelf)
    this.#doubtful = { digest }
    this.#stored(await this.#send(client, 'POST', `/blobs/uploads/?mount=${digest}&from=${repository}`), digest)
  }

  async #manifest(client: RegistryClient): Promise<void> {
    if (this.#blobs.length === 0) return await this.#atOnce(client)
    const layer = { mediaType: 'application/octet-stream', digest: pick(this.#random, this.#blobs), size: 1 }
    const layers = [layer, { ...layer, digest: pick(this.#random, this.#blobs) }]
    this.#serial += 1
    const annotations = { number: `${this.#seed}/${this.#serial}` }
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: layer, layers, annotations }),
    )
    const digest = digestOf(bytes)
    const name = this.#random(3) === 0 ? undefined : pick(this.#random, TAGS)
    const tag = name === undefined ? undefined : (this.#tags.get(name) ?? {})
    this.#doubtful = { digest, manifest: bytes }
    if (name !== undefined && tag !== undefined) {
      tag.asked = digest
      this.#tags.set(name, tag)
    }
    const path = `/v2/${this.#repository}/manifests/${name ?? digest}`
    const answer = await this.#flight.request(client, 'PUT', path, {
      body: bytes,
      headers: { 'content-type': MANIFEST },
    })
    this.#stored(answer, digest, bytes)
    if (name !== undefined) this.#tags.set(name, { acknowledged: digest })
  }

  #stored({ status, text }: Answer, digest: Digest, manifest?: Buffer): void {
    assert.equal(status, 201, text)
    this.#keep(digest, manifest)
    this.#doubtful = undefined
  }

  #keep(digest: Digest, manifest?: Buffer): void {
    this.#fresh.push(digest)
    if (manifest !== undefined) {
      this.#manifests.set(digest, manifest)
      return
    }
    this.#blobs.push(digest)
    this.#shelf.push({ repository: this.#repository, digest })
  }

  async #settleDoubt(client: RegistryClient): Promise<void> {
    const doubtful = this.#doubtful
    this.#doubtful = undefined
    if (doubtful === undefined) return
    if (await this.#isThere(client, doubtful.digest, doubtful.manifest)) this.#keep(doubtful.digest, doubtful.manifest)
  }

  async #settleUpload(client: RegistryClient): Promise<void> {
    const upload = this.#upload
    if (upload === undefined) return
    const { status, headers } = await client.request('GET', upload.location)
    if (status === 404 && upload.finishing) {
      this.#upload = undefined
      return
    }
    assert.equal(status, 204, `${upload.location}: a session that a 202 promised is gone`)
    const last = Number(/^0-(\d+)$/.exec(headers.range ?? '')?.[1])
    // `0-0` is nothing, as registry:2 says it.
    const received = last === 0 ? 0 : last + 1
    const { acknowledged, sent } = upload
    assert.ok(received >= acknowledged && received <= sent, `${received} bytes, and ${acknowledged} to ${sent} came`)
    this.#upload = { ...upload, acknowledged: received, sent: received, finishing: false }
    if (headers.location !== undefined) this.#upload.location = headers.location
  }

  async #settleTag(client: RegistryClient, name: string, tag: Tag): Promise<void> {
    const answer = await client.request('GET', `/v2/${this.#repository}/manifests/${name}`, {
      headers: { accept: MANIFEST },
    })
    const at = answer.status === 404 ? undefined : digestOf(answer.bytes)
    assert.ok(
      [tag.acknowledged, tag.asked].includes(at),
      `${this.#repository}:${name} is at ${at}, and should be at ${tag.acknowledged} or ${tag.asked}`,
    )
    this.#tags.set(name, at === undefined ? {} : { acknowledged: at })
  }

  /** Whole, or not there. */
  async #isThere(client: RegistryClient, digest: Digest, manifest = this.#manifests.get(digest)): Promise<boolean> {
    const what = manifest === undefined ? 'blobs' : 'manifests'
    const answer = await client.request('GET', `/v2/${this.#repository}/${what}/${digest}`, {
      headers: { accept: MANIFEST },
    })
    if (answer.status === 404) return false
    assert.equal(answer.status, 200, answer.text)
    assert.equal(digestOf(answer.bytes), digest, `${this.#repository}: other bytes than were pushed`)
    return true
  }

  #bytes(most: number): Buffer {
    this.#serial += 1
    return seededBytes(`${this.#seed}/${this.#serial}`, 1 + this.#random(most))
  }

  #send(client: RegistryClient, method: string, path: string, body?: Buffer): Promise<Answer> {
    return this.#flight.request(client, method, `/v2/${this.#repository}${path}`, { ...(body && { body }) })
  }
}
